//go:build !nowatch

package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

// complaint reads an ICMP message about a packet of a device (RFC 792).
func (d *Decoder) complaint() gateway.MAC {
	kind, code := d.icmp.TypeCode.Type(), d.icmp.TypeCode.Code()
	b := d.icmp.Payload
	if kind != layers.ICMPv4TypeDestinationUnreachable && kind != layers.ICMPv4TypeTimeExceeded {
		d.stats.Other++
		return gateway.MAC{}
	}
	if len(b) < 20 || int(b[0]&15)*4 < 20 || len(b) < int(b[0]&15)*4+4 {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	ports := b[int(b[0]&15)*4:]
	src := netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), binary.BigEndian.Uint16(ports))
	dst := netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[16:])), binary.BigEndian.Uint16(ports[2:]))
	from, _ := d.ends()
	text := fmt.Sprintf("ICMP from %s: %s", from, icmpWords(kind, code))
	f := d.flows[flowKey{dev: src, peer: dst}]
	switch {
	case b[9] == byte(layers.IPProtocolUDP) && dst.Port() == portDNS:
		return d.unasked(src.Addr(), dst.Addr(), text)
	case b[9] != byte(layers.IPProtocolTCP) || f == nil:
		return gateway.MAC{}
	case f.state == flowAsked:
		d.connectFails(f, d.clock, gateway.Unreachable, text)
	case f.state == flowOpen:
		f.complaint = text
	}
	return f.mac
}

// unasked tells of questions that did not reach a name server.
func (d *Decoder) unasked(client, server netip.Addr, text string) gateway.MAC {
	for _, name := range d.names {
		a := d.asks[askKey{client: client, name: name}]
		if a == nil || a.server != server {
			continue
		}
		delete(d.asks, a.key)
		d.send(d.clock, gateway.Event{Kind: gateway.ResolveFailed, MAC: a.mac, Name: name, RTT: d.clock.Sub(a.first), Text: text})
		return a.mac
	}
	return gateway.MAC{}
}

// icmpWords explains an ICMP message (RFC 792, RFC 1812 5.2.7.1).
func icmpWords(kind, code uint8) string {
	if kind == layers.ICMPv4TypeTimeExceeded {
		return "time to live exceeded, a routing loop"
	}
	switch code {
	case layers.ICMPv4CodeNet:
		return "network unreachable"
	case layers.ICMPv4CodeHost:
		return "host unreachable"
	case layers.ICMPv4CodePort:
		return "port unreachable"
	case layers.ICMPv4CodeFragmentationNeeded:
		return "fragmentation needed, the path takes smaller packets only"
	case layers.ICMPv4CodeNetAdminProhibited, layers.ICMPv4CodeHostAdminProhibited, layers.ICMPv4CodeCommAdminProhibited:
		return fmt.Sprintf("administratively prohibited (code %d)", code)
	}
	return fmt.Sprintf("destination unreachable (code %d)", code)
}
