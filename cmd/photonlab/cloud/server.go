// Package cloud is the virtual cloud of the lab: it speaks the server's side of
// the Spark protocol with its own key, as the open-source server does
// (photon.md 4.1), and fails on demand.
package cloud

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
)

const (
	// keepAlive is the cloud's TCP keepalive interval (photon.md 4.1).
	keepAlive = 15 * time.Second
	// maxConns bounds the open connections: a few times the fleet of any lab.
	maxConns = 4096
)

// Server is a virtual cloud. It accepts any device, as it is told the device's
// key in the handshake. Its fields must not change once it serves.
type Server struct {
	// Key is the cloud's own, RSA-2048. Without one no handshake succeeds.
	Key *rsa.PrivateKey
	// Idle ends a silent session; 0 is the open-source server's 31 s (photon.md 4.1).
	Idle time.Duration
	// Log hears of handshakes and ends; nil discards.
	Log *slog.Logger

	// mute silences new connections.
	mute atomic.Bool
	// online counts established sessions, accepted all connections.
	online   atomic.Int64
	accepted atomic.Uint64
	// mu guards what is open: closed tells that nothing may be any more.
	mu     sync.Mutex
	open   map[io.Closer]bool
	closed bool
	// wg waits for connections.
	wg sync.WaitGroup
}

// String names the server.
func (s *Server) String() string { return "virtual cloud" }

// SetMute makes the cloud accept new connections and say nothing, as a proxy
// does that waits for the client (photon.md 4.3).
func (s *Server) SetMute(on bool) { s.mute.Store(on) }

// Online counts the sessions whose handshake completed and that are open.
func (s *Server) Online() int { return int(s.online.Load()) }

// Accepted counts all connections so far.
func (s *Server) Accepted() uint64 { return s.accepted.Load() }

// DropAll closes every open connection, and goes on serving.
func (s *Server) DropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if conn, ok := c.(net.Conn); ok {
			_ = conn.Close()
		}
	}
}

// Close closes all listeners and connections, and waits for the latter. The
// server cannot be used again.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Serve accepts on ln until ln or the server is closed, and then returns nil.
// It may run on several listeners at once.
func (s *Server) Serve(ln net.Listener) error {
	if !s.track(ln) {
		_ = ln.Close()
		return nil
	}
	defer s.untrack(ln)
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept on %s: %w", ln.Addr(), err)
		}
		s.accepted.Add(1)
		if !s.track(conn) {
			s.log().Warn("connection refused", "peer", conn.RemoteAddr())
			_ = conn.Close()
			continue
		}
		go func() {
			defer s.wg.Done()
			s.serve(conn)
		}()
	}
}

// serve is one connection from its first byte to its last.
func (s *Server) serve(conn net.Conn) {
	defer s.untrack(conn)
	// Close and DropAll end a connection by closing it; no context is needed.
	ctx := context.Background()
	log := s.log().With("peer", conn.RemoteAddr())
	tune(conn)
	session, err := sparktest.Server(ctx, conn, sparktest.ServerConfig{Key: s.Key, Reached: func(p gateway.Phase) error {
		if p == gateway.PhaseSilent && s.mute.Load() {
			return swallow(conn)
		}
		return nil
	}})
	if err != nil {
		log.Info("handshake ended", "err", err)
		return
	}
	log = log.With("device", session.ID())
	log.Info("session established")
	s.online.Add(1)
	defer s.online.Add(-1)
	if err := session.Serve(ctx, sparktest.ServeConfig{Idle: s.Idle}); err != nil {
		log.Info("session ended", "err", err)
		return
	}
	log.Info("session closed by device")
}

// swallow reads and says nothing until the connection ends.
func swallow(conn net.Conn) error {
	_ = conn.SetReadDeadline(time.Time{})
	_, err := io.Copy(io.Discard, conn)
	if err == nil {
		err = io.EOF
	}
	return fmt.Errorf("mute: %w", err)
}

// tune sets the socket as the real server does; a pipe has nothing to set.
func tune(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	_ = tcp.SetNoDelay(true)
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive})
}

// track remembers what is open; false if there is too much or the server is
// closed. A connection is counted for Close to wait for.
func (s *Server) track(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= maxConns {
		return false
	}
	if s.open == nil {
		s.open = make(map[io.Closer]bool)
	}
	s.open[c] = true
	if _, ok := c.(net.Conn); ok {
		s.wg.Add(1)
	}
	return true
}

// untrack closes and forgets what was open.
func (s *Server) untrack(c io.Closer) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// log is where to write.
func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
