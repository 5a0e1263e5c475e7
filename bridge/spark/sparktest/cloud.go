package sparktest

import (
	"context"
	"crypto/rsa"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"photongate/gateway"
)

// TB is what Cloud needs of a test; *testing.T and *testing.B are one.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// CloudConfig is a test cloud with its faults. The zero value is a healthy one.
type CloudConfig struct {
	// Key is the cloud's; nil is ServerKey().
	Key *rsa.PrivateKey
	// SignKey and Lookup are those of ServerConfig.
	SignKey *rsa.PrivateKey
	Lookup  func(id gateway.DeviceID, offered *rsa.PublicKey) (*rsa.PublicKey, error)
	// Stall is the phase at which the cloud falls silent and keeps the
	// connection: PhaseSilent accepts and never speaks. The zero value is never.
	Stall gateway.Phase
	// CloseAt is the phase at which the cloud closes: PhaseNonce is right after
	// the 40 bytes. The zero value is never.
	CloseAt gateway.Phase
	// Raw leaves established sessions to the test: nothing reads or answers.
	Raw bool
	// Serve is how the others are served.
	Serve ServeConfig
}

// keepSessions bounds the sessions and failures that nobody took from their channels.
const keepSessions = 1024

// errKnob is the handshake's end where CloseAt says so.
var errKnob = errors.New("closed as configured")

// Cloud is a listening cloud on loopback, as httptest.Server is a web server.
type Cloud struct {
	// c is the configuration with its defaults.
	c CloudConfig
	// ln accepts.
	ln net.Listener
	// mute overrides c.Stall for new connections, deaf silences sessions.
	mute, deaf atomic.Bool
	// sessions and failures are what happened.
	sessions chan *Session
	failures chan error
	// accepted counts connections.
	accepted atomic.Uint64
	// ctx ends with Close.
	ctx    context.Context
	cancel context.CancelFunc
	// mu guards conns, the open connections.
	mu    sync.Mutex
	conns map[net.Conn]bool
	// wg waits for everything started.
	wg sync.WaitGroup
}

// NewCloud starts a cloud that ends with the test.
func NewCloud(tb TB, c CloudConfig) *Cloud {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start test cloud: %v", err)
	}
	cl := ServeCloud(ln, c)
	tb.Cleanup(cl.Close)
	return cl
}

// ServeCloud starts a cloud on a listener, which it closes in Close.
func ServeCloud(ln net.Listener, c CloudConfig) *Cloud {
	if c.Key == nil {
		c.Key = ServerKey()
	}
	cl := &Cloud{
		c: c, ln: ln,
		sessions: make(chan *Session, keepSessions),
		failures: make(chan error, keepSessions),
		conns:    make(map[net.Conn]bool),
	}
	cl.ctx, cl.cancel = context.WithCancel(context.Background())
	cl.wg.Go(cl.accept)
	return cl
}

// Addr is where it listens; the zero value where that is no TCP address.
func (c *Cloud) Addr() netip.AddrPort {
	a, ok := c.ln.Addr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return a.AddrPort()
}

// PublicKey is the key that devices must know.
func (c *Cloud) PublicKey() *rsa.PublicKey { return &c.c.Key.PublicKey }

// Sessions delivers every session once its handshake completed.
func (c *Cloud) Sessions() <-chan *Session { return c.sessions }

// Failures delivers why handshakes and sessions ended otherwise than orderly.
func (c *Cloud) Failures() <-chan error { return c.failures }

// Accepted counts connections so far.
func (c *Cloud) Accepted() uint64 { return c.accepted.Load() }

// SetMute makes the cloud accept new connections and say nothing.
func (c *Cloud) SetMute(on bool) { c.mute.Store(on) }

// SetDeaf makes established sessions go without answers: pings are lost.
func (c *Cloud) SetDeaf(on bool) { c.deaf.Store(on) }

// DropAll closes every open connection.
func (c *Cloud) DropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}

// Close stops listening, closes every connection and waits.
func (c *Cloud) Close() {
	c.cancel()
	_ = c.ln.Close()
	c.DropAll()
	c.wg.Wait()
}

// accept takes connections until the listener closes.
func (c *Cloud) accept() {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		c.accepted.Add(1)
		c.wg.Go(func() { c.serve(conn) })
	}
}

// serve is one connection.
func (c *Cloud) serve(conn net.Conn) {
	if !c.track(conn) {
		_ = conn.Close()
		return
	}
	if c.c.Raw {
		// The test has the session; the connection ends with the cloud.
		context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	} else {
		defer c.untrack(conn)
	}
	s, err := Server(c.ctx, conn, ServerConfig{
		Key: c.c.Key, SignKey: c.c.SignKey, Lookup: c.c.Lookup, Reached: c.reached,
	})
	if err != nil {
		offer(c.failures, err)
		_ = conn.Close()
		return
	}
	offer(c.sessions, s)
	if c.c.Raw {
		return
	}
	sc := c.c.Serve
	sc.Deaf = &c.deaf
	if err := s.Serve(c.ctx, sc); err != nil {
		offer(c.failures, err)
	}
}

// reached is where the faults of the handshake happen.
func (c *Cloud) reached(p gateway.Phase) error {
	if p == c.c.Stall && p != gateway.PhaseDialing || p == gateway.PhaseSilent && c.mute.Load() {
		<-c.ctx.Done()
		return c.ctx.Err()
	}
	if p == c.c.CloseAt && p != gateway.PhaseDialing {
		return errKnob
	}
	return nil
}

// track remembers an open connection; false after Close.
func (c *Cloud) track(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.conns[conn] = true
	return true
}

// untrack closes and forgets a connection.
func (c *Cloud) untrack(conn net.Conn) {
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

// offer sends unless nobody took the last ones.
func offer[T any](ch chan<- T, v T) {
	select {
	case ch <- v:
	default:
	}
}

// Await returns what ch delivers within the limit, and fails the test otherwise.
func Await[T any](tb TB, ch <-chan T, limit time.Duration) T {
	tb.Helper()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case v := <-ch:
		return v
	case <-t.C:
		var none T
		tb.Fatalf("nothing came within %s", limit)
		return none
	}
}
