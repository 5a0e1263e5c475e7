package config

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"photongate/gateway"
)

// defaultAddress is a private network (RFC 1918) that is neither that of a
// Photon's own access point, 192.168.0.0/24 (photon.md 1.4), nor a common one.
const defaultAddress = "192.168.77.1/24"

// The lengths of a segment's prefix.
const (
	// minBits is the longest private block of 192.168.0.0 (RFC 1918).
	minBits = 16
	// maxBits leaves six hosts: the gateway and a handful of devices.
	maxBits = 29
)

// segment makes the section about the closed network.
func (b *builder) segment(sec *section) {
	s := b.text(sec, "interface", "")
	if s.set {
		s.refuse(interfaceName(s.text))
	} else {
		s.required(`name the interface that the devices are behind, as in interface = "eth1"`)
	}
	a := b.text(sec, "address", defaultAddress)
	p, err := parseSegment(a.text)
	a.refuse(err)
	b.c.Segment = Segment{Interface: s.text, Address: p}
}

// parseSegment reads the gateway's own address with the length of the prefix.
func parseSegment(s string) (netip.Prefix, error) {
	const hint = `as in "` + defaultAddress + `"`
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%q has no prefix length", clip(s)), fmt.Sprintf("as in %q", a.String()+"/24"))
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || strings.Contains(s, "%") {
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%q is not an address with a prefix length", clip(s)), hint)
	}
	switch a := p.Addr(); {
	case !a.Is4():
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%s is not IPv4, and a Photon knows nothing else", p), hint)
	case p.Bits() < minBits || p.Bits() > maxBits:
		return netip.Prefix{}, fmt.Errorf("/%d is not between /%d and /%d", p.Bits(), minBits, maxBits)
	case !hostAddr(a) || a.IsLoopback() || a.IsLinkLocalUnicast() || a.As4()[0] == 0 || a.As4()[0] >= 224:
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%s is not an address for a network of one's own", a), hint)
	case a == p.Masked().Addr():
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%s is the network, not a host in it", a), asIn(p))
	case a == broadcast(p):
		return netip.Prefix{}, gateway.Hint(fmt.Errorf("%s is the broadcast address, not a host", a), asIn(p))
	}
	return p, nil
}

// asIn shows the first host of a network.
func asIn(p netip.Prefix) string {
	return fmt.Sprintf("as in %q", netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits()))
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	last := binary.BigEndian.Uint32(b[:]) | (1<<(32-p.Bits()) - 1)
	binary.BigEndian.PutUint32(b[:], last)
	return netip.AddrFrom4(b)
}

// room counts the devices that a segment has addresses for: all but those of
// the network, the broadcast and the gateway.
func room(p netip.Prefix) int { return 1<<(32-p.Bits()) - 3 }
