package dhcp

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"photongate/gateway"
	"photongate/radio/internal/serve"
)

// packetLimit is the largest request that is read: what an Ethernet frame
// carries. A longer one is cut, and then malformed.
const packetLimit = 1500

// serve answers what conn receives until conn breaks or is closed.
func (s *Server) serve(conn net.PacketConn, w *watch) error {
	return s.part.Answer(conn, serve.Packets{
		Name: "dhcp", Where: s.c.Interface, Longest: packetLimit,
		Every: watchPause, Check: w.present,
		Answer: func(in []byte, _ netip.AddrPort) ([]byte, netip.AddrPort) { return s.handle(in, time.Now()) },
	})
}

// handle takes one packet: it counts, emits, and returns what to send where;
// nil is silence.
func (s *Server) handle(b []byte, now time.Time) ([]byte, netip.AddrPort) {
	var m gateway.MAC
	req, err := dhcpv4.FromBytes(b)
	if err == nil {
		m, err = client(req)
	}
	if err != nil {
		s.malformed.Add(1)
		s.log.Debug("drop dhcp packet", "err", err)
		return nil, netip.AddrPort{}
	}
	addr, listed := s.c.Table.lookup(m)
	if !listed {
		s.turnAway(m, req, now)
		return nil, netip.AddrPort{}
	}
	if f := (face{identity(req), fingerprint(req)}); asksForLease(req) && s.asks.question(m, req.TransactionID, f, now) {
		s.emit(now, gateway.Event{Kind: gateway.LeaseAsked, MAC: m, ID: f.id, Text: f.fingerprint})
	}
	a := reply(req, s.c.Gateway, addr)
	s.note(m, addr, a, now)
	if a.resp == nil {
		return nil, netip.AddrPort{}
	}
	return a.resp.ToBytes(), destination(a.resp)
}

// note counts and emits what an answer means.
func (s *Server) note(m gateway.MAC, addr netip.Addr, a answer, now time.Time) {
	if a.kind == gateway.Leased {
		s.granted.Add(1)
	}
	if a.kind == "" || !s.asks.outcome(m, a.kind, now) {
		return
	}
	e := gateway.Event{Kind: a.kind, MAC: m, Text: a.text}
	if a.kind == gateway.Leased {
		e.Addr = addr
	}
	s.emit(now, e)
}

// turnAway counts a stranger, and tells of it once a minute.
func (s *Server) turnAway(m gateway.MAC, req *dhcpv4.DHCPv4, now time.Time) {
	s.refused.Add(1)
	if s.strangers.Allow(m, now) {
		s.emit(now, gateway.Event{Kind: gateway.Stranger, MAC: m, ID: identity(req), Text: "dhcp"})
	}
}

// emit sends e as seen on the air at now.
func (s *Server) emit(now time.Time, e gateway.Event) {
	e.Time, e.Witness = now, gateway.WitnessAir
	s.c.Emit(e)
}

// asksForLease tells whether req is one of the two messages that ask for an address.
func asksForLease(req *dhcpv4.DHCPv4) bool {
	t := req.MessageType()
	return t == dhcpv4.MessageTypeDiscover || t == dhcpv4.MessageTypeRequest
}
