//go:build !nowatch

package capture

import (
	"encoding/binary"

	"photongate/gateway"
)

// The protocols that a frame may carry (IEEE 802 EtherType numbers).
const (
	protoIPv4  = 0x0800
	protoARP   = 0x0806
	protoVLAN  = 0x8100
	protoQinQ  = 0x88a8
	protoOther = 0
)

// frame is what is behind a link header.
type frame struct {
	// src and dst are zero where the link does not tell.
	src, dst gateway.MAC
	// proto is the EtherType of body.
	proto uint16
	body  []byte
	// wire is how long body was on the wire.
	wire int
	// management is a frame of 802.11 that manages the association, body from
	// its header on.
	management bool
	// encrypted: the body cannot be read.
	encrypted bool
}

// unwrap takes the link header off a frame; false means that it is malformed.
func unwrap(link LinkType, b []byte, wire int) (frame, bool) {
	var f frame
	ok := false
	switch link {
	case LinkEthernet:
		f, ok = ethernet(b)
	case LinkRaw, LinkRawBSD, LinkIPv4:
		f, ok = rawIP(b)
	case LinkSLL:
		f, ok = cooked(b, 16, 4, 6, 14)
	case LinkSLL2:
		f, ok = cooked(b, 20, 11, 12, 0)
	case LinkDot11:
		f, ok = dot11(b)
	case LinkRadiotap:
		f, ok = radiotap(b)
	}
	f.wire = max(wire, len(b)) - (len(b) - len(f.body))
	return f, ok
}

// ethernet reads a frame of IEEE 802.3, tagged or not.
func ethernet(b []byte) (frame, bool) {
	if len(b) < 14 {
		return frame{}, false
	}
	f := frame{dst: gateway.MAC(b[:6]), src: gateway.MAC(b[6:12])}
	f.proto, f.body = untag(binary.BigEndian.Uint16(b[12:]), b[14:])
	return f, true
}

// untag takes up to two VLAN tags off (IEEE 802.1Q, 802.1ad).
func untag(proto uint16, b []byte) (uint16, []byte) {
	for range 2 {
		if proto != protoVLAN && proto != protoQinQ || len(b) < 4 {
			break
		}
		proto, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	return proto, b
}

// rawIP reads a packet without a link header.
func rawIP(b []byte) (frame, bool) {
	if len(b) == 0 {
		return frame{}, false
	}
	if b[0]>>4 != 4 {
		return frame{proto: protoOther, body: b}, true
	}
	return frame{proto: protoIPv4, body: b}, true
}

// cooked reads a frame of Linux's "any" device: a header of n bytes, with the
// length of the sender's address at lenAt, the address at addrAt and the
// protocol at protoAt.
func cooked(b []byte, n, lenAt, addrAt, protoAt int) (frame, bool) {
	if len(b) < n {
		return frame{}, false
	}
	var f frame
	// Version 1 has a length of two bytes, whose second one is at lenAt+1.
	size := int(b[lenAt])
	if n == 16 {
		size = int(binary.BigEndian.Uint16(b[lenAt:]))
	}
	if size == 6 {
		f.src = gateway.MAC(b[addrAt : addrAt+6])
	}
	f.proto, f.body = untag(binary.BigEndian.Uint16(b[protoAt:]), b[n:])
	return f, true
}
