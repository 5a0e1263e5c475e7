package ntp

import (
	"net"
	"net/netip"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/serve"
)

// testPause is how often one device's test is told: a device that gets no
// answer asks again after 2 s (photon.md 5.2).
const testPause = 2 * time.Second

// testsLimit bounds how many devices are remembered for testPause: more than
// one radio carries.
const testsLimit = 1024

// serve answers what conn receives until conn breaks or is closed.
func (s *Server) serve(conn net.PacketConn) error {
	var buf [packetSize]byte
	return s.part.Answer(conn, serve.Packets{
		// A longer packet is cut to what is looked at.
		Name: "ntp", Where: s.c.Addr.String(), Longest: packetSize,
		Answer: func(in []byte, from netip.AddrPort) ([]byte, netip.AddrPort) {
			return s.handle(in, from, time.Now(), &buf), from
		},
	})
}

// handle takes one packet: it counts, emits, and returns what to send; nil is silence.
func (s *Server) handle(in []byte, from netip.AddrPort, received time.Time, out *[packetSize]byte) []byte {
	msg := reply(in, received, time.Now(), out)
	switch {
	// Nothing can be sent to port 0, which only a forger sends from.
	case msg == nil || from.Port() == 0:
		s.malformed.Add(1)
		return nil
	case !s.c.Synced():
		s.unsynced.Add(1)
		return nil
	}
	s.answered.Add(1)
	s.tell(from.Addr(), received)
	return msg
}

// tell emits that a device's internet test succeeded.
func (s *Server) tell(from netip.Addr, now time.Time) {
	if m, ok := s.c.Who(from); ok && s.tests.Allow(m, now) {
		s.c.Emit(gateway.Event{Time: now, Witness: gateway.WitnessAir, Kind: gateway.InternetTest, MAC: m, OK: true})
	}
}
