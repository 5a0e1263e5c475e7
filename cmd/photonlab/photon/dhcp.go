package photon

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// The message types (RFC 2132 section 9.6).
const (
	typeDiscover = 1
	typeOffer    = 2
	typeRequest  = 3
	typeAck      = 5
	typeNak      = 6
)

// The options (RFC 2132).
const (
	optPad       = 0
	optMask      = 1
	optRouter    = 3
	optDNS       = 6
	optHostName  = 12
	optBroadcast = 28
	optRequested = 50
	optType      = 53
	optServer    = 54
	optParams    = 55
	optMaxSize   = 57
	optEnd       = 255
)

// The shape of a message (RFC 2131 section 2).
const (
	// dhcpHeader is what stands before the cookie.
	dhcpHeader = 236
	// dhcpCookie stands before the options.
	dhcpCookie = 0x63825363
	// dhcpLeast is what LwIP pads its messages to: its option field has 68 bytes.
	dhcpLeast = dhcpHeader + 4 + 68
	// dhcpMost is the size that LwIP says it takes.
	dhcpMost = 1500
)

// dhcpMessage is what a client sends, or what it needs of an answer.
type dhcpMessage struct {
	// kind is the message type.
	kind byte
	// xid and mac tell whose it is.
	xid uint32
	mac [6]byte
	// hostName, requested and server go out.
	hostName          string
	requested, server netip.Addr
	// yours and what follows come in.
	yours, mask, router netip.Addr
	servers             []netip.Addr
}

// datagram is the message with the headers of UDP and IP in front.
func (m dhcpMessage) datagram() []byte { return udpFromClient(m.append(nil)) }

// append writes a client's message, its options in LwIP's order. The broadcast
// flag is not set: the stack takes unicast to an address that it has not yet.
func (m dhcpMessage) append(b []byte) []byte {
	b = append(b, make([]byte, dhcpHeader)...)
	b[0], b[1], b[2] = 1, 1, 6
	binary.BigEndian.PutUint32(b[4:], m.xid)
	copy(b[28:], m.mac[:])
	b = binary.BigEndian.AppendUint32(b, dhcpCookie)
	b = append(b, optType, 1, m.kind)
	b = append(b, optMaxSize, 2)
	b = binary.BigEndian.AppendUint16(b, dhcpMost)
	if m.requested.IsValid() {
		b = append(append(b, optRequested, 4), m.requested.AsSlice()...)
	}
	if m.server.IsValid() {
		b = append(append(b, optServer, 4), m.server.AsSlice()...)
	}
	b = append(b, optParams, 4, optMask, optRouter, optBroadcast, optDNS)
	if m.hostName != "" {
		b = append(append(b, optHostName, byte(len(m.hostName))), m.hostName...)
	}
	b = append(b, optEnd)
	return append(b, make([]byte, max(0, dhcpLeast-len(b)))...)
}

// parseDHCP reads a server's answer.
func parseDHCP(b []byte) (m dhcpMessage, ok bool) {
	if len(b) < dhcpHeader+4 || b[0] != 2 || binary.BigEndian.Uint32(b[dhcpHeader:]) != dhcpCookie {
		return m, false
	}
	m.xid = binary.BigEndian.Uint32(b[4:])
	m.mac = [6]byte(b[28:])
	m.yours = netip.AddrFrom4([4]byte(b[16:]))
	for o := b[dhcpHeader+4:]; len(o) > 0 && o[0] != optEnd; {
		if o[0] == optPad {
			o = o[1:]
			continue
		}
		if len(o) < 2 || len(o) < 2+int(o[1]) {
			return m, false
		}
		m.set(o[0], o[2:2+int(o[1])])
		o = o[2+int(o[1]):]
	}
	return m, m.kind != 0
}

// set takes over one option.
func (m *dhcpMessage) set(option byte, v []byte) {
	if option == optType && len(v) == 1 {
		m.kind = v[0]
	}
	if len(v) < 4 {
		return
	}
	first := netip.AddrFrom4([4]byte(v))
	switch option {
	case optMask:
		m.mask = first
	case optRouter:
		m.router = first
	case optServer:
		m.server = first
	case optDNS:
		for ; len(v) >= 4 && len(m.servers) < 2; v = v[4:] {
			m.servers = append(m.servers, netip.AddrFrom4([4]byte(v)))
		}
	}
}

// lease is what an answer gives. Without a mask the network has the size of a
// small one.
func (m dhcpMessage) lease() lease {
	ones := 24
	if m.mask.IsValid() {
		ones = bits.LeadingZeros32(^binary.BigEndian.Uint32(m.mask.AsSlice()))
	}
	return lease{addr: netip.PrefixFrom(m.yours, ones), server: m.server, router: m.router, servers: m.servers}
}
