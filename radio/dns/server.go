package dns

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"photongate/gateway"
	"photongate/radio/internal/serve"
)

// Config is what a Server needs.
type Config struct {
	// Addr is where to serve, the gateway's address on the segment and port
	// 53. Port 0 is any free port, the same for UDP and TCP.
	Addr netip.AddrPort
	// Answer is the IPv4 address that every served name has: the gateway's.
	Answer netip.Addr
	// Names are the cloud's, served exactly, in either case and with or
	// without a dot at the end.
	Names []string
	// TimeNames are served with every name below them, as pool.ntp.org is.
	TimeNames []string
	// Who is the listed device at an address; events are about those only.
	Who func(netip.Addr) (gateway.MAC, bool)
	// Emit takes Resolved, DNSRefused, InternetTest, PartOK and PartFailed.
	Emit gateway.Sink
	Log  *slog.Logger
}

// Server is the segment's resolver. It is a gateway.Task.
type Server struct {
	c     Config
	zone  zone
	notes *notes
	gate  *gate
	log   *slog.Logger
	part  *serve.Part
	// local is the address served when the part became ready.
	local netip.AddrPort
}

// New checks c and opens nothing.
func New(c Config) (*Server, error) {
	switch {
	case !c.Addr.IsValid() || !c.Addr.Addr().Is4():
		return nil, fmt.Errorf("serve dns on %s: not an IPv4 address with a port", c.Addr)
	case !c.Answer.Is4():
		return nil, fmt.Errorf("serve dns on %s: the answer %s is not an IPv4 address", c.Addr, c.Answer)
	case c.Who == nil:
		return nil, fmt.Errorf("serve dns on %s: no way to tell devices by their address", c.Addr)
	}
	z, err := newZone(c.Names, c.TimeNames)
	if err != nil {
		return nil, fmt.Errorf("serve dns on %s: %w", c.Addr, err)
	}
	if c.Emit == nil {
		c.Emit = func(gateway.Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	part := serve.New(serve.Config{Part: gateway.PartDNS, Hint: advice().For, Emit: c.Emit})
	return &Server{c: c, zone: z, notes: newNotes(c), gate: newGate(), log: c.Log, part: part}, nil
}

// Ready is closed once both sockets are open for the first time.
func (s *Server) Ready() <-chan struct{} { return s.part.Ready() }

// String names the server.
func (s *Server) String() string { return "dns on " + s.c.Addr.String() }

// Answered counts the questions for served names, with or without an address to tell.
func (s *Server) Answered() uint64 { return s.notes.answered.Load() }

// Refused counts the questions for other names, and the TCP connections over the limits.
func (s *Server) Refused() uint64 { return s.notes.refused.Load() }

// Malformed counts the messages that were no question, or one of an unknown kind.
func (s *Server) Malformed() uint64 { return s.notes.malformed.Load() }

// Run serves until ctx ends. It returns nil: an address that is not there yet
// and a taken port may heal, so they are tried again and reported as PartFailed.
func (s *Server) Run(ctx context.Context) error { return s.part.Run(ctx, s.listenAndServe) }

// listenAndServe opens both sockets and serves them until one breaks or ctx ends.
func (s *Server) listenAndServe(ctx context.Context) error {
	udp, tcp, err := listen(ctx, s.c.Addr)
	if err != nil {
		return err
	}
	s.part.Opened(func() { s.local = udp.LocalAddr().(*net.UDPAddr).AddrPort() })
	s.log.Info("serving dns", "address", s.c.Addr)

	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, func() { udp.Close(); tcp.Close() })
	defer stop()
	var work sync.WaitGroup
	work.Go(func() { cancel(s.serveTCP(ctx, tcp, &work)) })
	cancel(s.serveUDP(udp))
	work.Wait()
	// The first to break tells why; the other was only closed.
	return context.Cause(ctx)
}

// listen opens UDP and TCP on the same port. UDP gets no SO_REUSEADDR: with it
// we would take the packets of a dnsmasq that serves the address instead of
// learning that it does (platform.md 2.2).
func listen(ctx context.Context, addr netip.AddrPort) (udp *net.UDPConn, tcp net.Listener, err error) {
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, "udp4", addr.String())
	if err != nil {
		return nil, nil, fmt.Errorf("listen for dns: %w", err)
	}
	udp = conn.(*net.UDPConn)
	addr = netip.AddrPortFrom(addr.Addr(), udp.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	tcp, err = lc.Listen(ctx, "tcp4", addr.String())
	if err != nil {
		udp.Close()
		return nil, nil, fmt.Errorf("listen for dns: %w", err)
	}
	return udp, tcp, nil
}

// advice is for what commonly keeps the server from its sockets.
func advice() serve.Advice {
	return serve.Advice{
		Taken: "another DNS server, often dnsmasq or systemd-resolved, has the port: `ss -lnp 'sport = :53'` shows which; " +
			"let dnsmasq use bind-dynamic and leave out the segment's interface",
		Rights: "binding port 53 needs CAP_NET_BIND_SERVICE",
	}
}
