package dns

import (
	"net"
	"net/netip"
	"time"

	"photongate/radio/internal/serve"
)

// serveUDP answers what conn receives until conn breaks or is closed.
func (s *Server) serveUDP(conn *net.UDPConn) error {
	buf := make([]byte, queryLimit)
	return s.part.Answer(conn, serve.Packets{
		Name: "dns", Where: s.c.Addr.String(), Longest: queryLimit,
		Answer: func(in []byte, from netip.AddrPort) ([]byte, netip.AddrPort) {
			var r reply
			// Nothing can be sent to port 0, which only a forger sends from.
			if from.Port() != 0 {
				r = s.zone.answer(in, s.c.Answer.As4(), buf)
			}
			s.notes.reply(r, from.Addr(), time.Now())
			return r.msg, from
		},
	})
}
