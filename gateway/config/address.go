package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"photongate/gateway"
)

// parseAddr reads one address that a host can have; IPv4 in IPv6 clothes is IPv4.
func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an address", clip(s))
	}
	a = a.Unmap()
	if !hostAddr(a) {
		return netip.Addr{}, fmt.Errorf("%s is not the address of a host", a)
	}
	return a, nil
}

// hostAddr tells whether one host can have the address.
func hostAddr(a netip.Addr) bool {
	limited := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != limited
}

// parseName reads a host name (RFC 1123 2.1; with the underscores that real
// ones have) to lower case, without the final dot.
func parseName(s string) (string, error) {
	n := strings.ToLower(strings.TrimSuffix(s, "."))
	labels := strings.Split(n, ".")
	// 253 is what 255 bytes on the wire leave (RFC 1035 2.3.4).
	ok := n != "" && len(n) <= 253 && word(n, "._-")
	for _, l := range labels {
		ok = ok && l != "" && len(l) <= 63 && l[0] != '-' && l[len(l)-1] != '-'
	}
	// A last label of digits makes it a mistyped address.
	if !ok || digitsOnly(labels[len(labels)-1]) {
		return "", fmt.Errorf("%q is not a host name", clip(s))
	}
	return n, nil
}

// digitsOnly tells whether s is a number.
func digitsOnly(s string) bool { return strings.Trim(s, "0123456789") == "" }

// parseHost reads a name or an address.
func parseHost(s string) (string, error) {
	if _, err := netip.ParseAddr(s); err == nil {
		a, err := parseAddr(s)
		return a.String(), err
	}
	return parseName(s)
}

// parsePort reads a port that can be connected to.
func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port: want 1 to 65535", clip(s))
	}
	return uint16(n), nil
}

// parseHostPort reads "host:port", or "host" with the port that goes without saying.
func parseHostPort(s string, port uint16) (HostPort, error) {
	host := s
	if _, err := netip.ParseAddr(s); err != nil && strings.Contains(s, ":") {
		h, p, err := net.SplitHostPort(s)
		if err != nil {
			return HostPort{}, gateway.Hint(fmt.Errorf("%q is not a host and a port", clip(s)), `as in "device.spark.io:5683"`)
		}
		if port, err = parsePort(p); err != nil {
			return HostPort{}, err
		}
		host = h
	}
	host, err := parseHost(host)
	if err != nil {
		return HostPort{}, err
	}
	return HostPort{Host: host, Port: port}, nil
}

// parseAddrPort reads an address with the port that goes without saying, or another.
func parseAddrPort(s string, port uint16) (netip.AddrPort, error) {
	hp, err := parseHostPort(s, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	a, ok := hp.Addr()
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is a name: want an address", clip(s))
	}
	return netip.AddrPortFrom(a, hp.Port), nil
}

// parsePrefix reads a network, or an address as the network of one.
func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := parseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not a network", clip(s))
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%s has bits set behind its prefix", p), fmt.Sprintf("write %q", m))
	}
	return p, nil
}

// errOnSegment refuses an address that the closed segment owns.
var errOnSegment = errors.New("the address belongs to the segment, from which nothing leads out")

// parseListen reads an address and a port to listen on.
func parseListen(s string) (netip.AddrPort, error) {
	const hint = `as in "127.0.0.1:9585"`
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, gateway.Hint(fmt.Errorf("%q is not an address and a port", clip(s)), hint)
	}
	port, err := parsePort(p)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		return netip.AddrPort{}, gateway.Hint(fmt.Errorf("%q listens on every address, the segment's too", clip(s)), hint)
	}
	a, err := parseAddr(host)
	if err != nil {
		return netip.AddrPort{}, gateway.Hint(err, hint)
	}
	return netip.AddrPortFrom(a, port), nil
}
