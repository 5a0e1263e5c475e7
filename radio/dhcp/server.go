package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/limit"
	"photongate/radio/internal/serve"
)

// port is where clients expect a server (RFC 2131 4.1).
const port = 67

// strangerPause is how often one unlisted MAC is reported: a device that is
// turned away asks every few seconds, and a minute is as fine as people look.
const strangerPause = time.Minute

// strangersLimit bounds how many strangers are remembered, so that a flood of
// invented MACs costs this many entries and events a minute.
const strangersLimit = 256

// Config is what a Server needs.
type Config struct {
	// Interface is the segment's, as in wlan0.
	Interface string
	// Gateway is the gateway's address there with the segment's length; it must
	// be the Prefix of Table.
	Gateway netip.Prefix
	// Table says who gets which address.
	Table *Table
	// Listen opens the socket; nil is UDP port 67 of Interface.
	Listen func(context.Context) (net.PacketConn, error)
	// Emit takes LeaseAsked, Leased, LeaseFailed, Stranger, PartOK and PartFailed.
	Emit gateway.Sink
	Log  *slog.Logger
}

// Server answers the listed devices of a Table. It is a gateway.Task.
type Server struct {
	c    Config
	log  *slog.Logger
	part *serve.Part

	// strangers and asks belong to the serving loop.
	strangers *limit.Limiter[gateway.MAC]
	asks      *asks

	granted   atomic.Uint64
	refused   atomic.Uint64
	malformed atomic.Uint64
}

// New checks c and opens nothing.
func New(c Config) (*Server, error) {
	switch {
	case c.Interface == "":
		return nil, errors.New("serve dhcp: no interface")
	case c.Table == nil:
		return nil, errors.New("serve dhcp: no table of addresses")
	case c.Gateway != c.Table.prefix:
		return nil, fmt.Errorf("serve dhcp: the gateway is %s, but the table is of %s", c.Gateway, c.Table.prefix)
	}
	if c.Listen == nil {
		c.Listen = func(ctx context.Context) (net.PacketConn, error) { return listen(ctx, c.Interface, port) }
	}
	if c.Emit == nil {
		c.Emit = func(gateway.Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		c:         c,
		log:       c.Log,
		part:      serve.New(serve.Config{Part: gateway.PartDHCP, Hint: func(err error) string { return hint(err, c.Interface) }, Emit: c.Emit}),
		strangers: limit.New[gateway.MAC](strangerPause, strangersLimit),
		asks:      newAsks(),
	}, nil
}

// Ready is closed once the socket is open for the first time.
func (s *Server) Ready() <-chan struct{} { return s.part.Ready() }

// String names the server.
func (s *Server) String() string { return "dhcp on " + s.c.Interface }

// Granted counts the leases acknowledged since the start, renewals among them.
func (s *Server) Granted() uint64 { return s.granted.Load() }

// Strangers counts the packets of MACs that are not listed.
func (s *Server) Strangers() uint64 { return s.refused.Load() }

// Malformed counts the packets that were no request of a client on the
// segment, relayed ones among them.
func (s *Server) Malformed() uint64 { return s.malformed.Load() }

// Run serves until ctx ends. It returns nil: a missing interface and a taken
// port may heal, so they are tried again and reported as PartFailed.
func (s *Server) Run(ctx context.Context) error { return s.part.Run(ctx, s.listenAndServe) }

// listenAndServe opens the socket and serves it until it breaks or ctx ends.
func (s *Server) listenAndServe(ctx context.Context) error {
	conn, err := s.c.Listen(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	w := &watch{iface: s.c.Interface, find: net.InterfaceByName}
	if err := w.present(time.Now()); err != nil {
		return err
	}
	s.part.Opened(func() {})
	s.log.Info("serving dhcp", "interface", s.c.Interface, "gateway", s.c.Gateway)
	return s.serve(conn, w)
}
