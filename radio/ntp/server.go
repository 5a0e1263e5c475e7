package ntp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"

	"photongate/gateway"
	"photongate/radio/internal/limit"
	"photongate/radio/internal/serve"
)

// Config is what a Server needs.
type Config struct {
	// Addr is where to serve, the gateway's address on the segment and port 123.
	Addr netip.AddrPort
	// Synced tells whether the system's clock is right. While it is not,
	// nothing is answered: a wrong time is worse than none.
	Synced func() bool
	// Who is the listed device at an address; events are about those only.
	Who func(netip.Addr) (gateway.MAC, bool)
	// Emit takes InternetTest, PartOK and PartFailed.
	Emit gateway.Sink
	Log  *slog.Logger
}

// Server is the segment's time server. It is a gateway.Task.
type Server struct {
	c    Config
	log  *slog.Logger
	part *serve.Part
	// local is the address served when the part became ready.
	local netip.AddrPort
	// tests bounds how often a device's test is told; the serving loop's own.
	tests *limit.Limiter[gateway.MAC]

	answered, unsynced, malformed atomic.Uint64
}

// New checks c and opens nothing.
func New(c Config) (*Server, error) {
	switch {
	case !c.Addr.IsValid() || !c.Addr.Addr().Is4():
		return nil, fmt.Errorf("serve ntp on %s: not an IPv4 address with a port", c.Addr)
	case c.Synced == nil:
		return nil, fmt.Errorf("serve ntp on %s: no way to tell whether the clock is right", c.Addr)
	case c.Who == nil:
		return nil, fmt.Errorf("serve ntp on %s: no way to tell devices by their address", c.Addr)
	}
	if c.Emit == nil {
		c.Emit = func(gateway.Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	part := serve.New(serve.Config{Part: gateway.PartNTP, Hint: advice().For, Emit: c.Emit})
	return &Server{c: c, log: c.Log, part: part, tests: limit.New[gateway.MAC](testPause, testsLimit)}, nil
}

// Ready is closed once the socket is open for the first time.
func (s *Server) Ready() <-chan struct{} { return s.part.Ready() }

// String names the server.
func (s *Server) String() string { return "ntp on " + s.c.Addr.String() }

// Answered counts the questions that were told the time.
func (s *Server) Answered() uint64 { return s.answered.Load() }

// Unsynced counts the questions that were not answered because the clock was not right.
func (s *Server) Unsynced() uint64 { return s.unsynced.Load() }

// Malformed counts the packets that were no client's question.
func (s *Server) Malformed() uint64 { return s.malformed.Load() }

// Run serves until ctx ends. It returns nil: an address that is not there yet
// and a taken port may heal, so they are tried again and reported as PartFailed.
func (s *Server) Run(ctx context.Context) error { return s.part.Run(ctx, s.listenAndServe) }

// listenAndServe opens the socket and serves it until it breaks or ctx ends.
func (s *Server) listenAndServe(ctx context.Context) error {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp4", s.c.Addr.String())
	if err != nil {
		return fmt.Errorf("listen for ntp: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	s.part.Opened(func() { s.local = conn.LocalAddr().(*net.UDPAddr).AddrPort() })
	s.log.Info("serving ntp", "address", s.c.Addr)
	return s.serve(conn)
}

// advice is for what commonly keeps the server from its socket.
func advice() serve.Advice {
	return serve.Advice{
		Taken: "another time server, often ntpd or chronyd, has the port: `ss -ulpn 'sport = :123'` shows which; " +
			"have it listen on other addresses than the segment's",
		Rights: "binding port 123 needs CAP_NET_BIND_SERVICE",
	}
}
