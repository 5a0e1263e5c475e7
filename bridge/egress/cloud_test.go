package egress

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// wait bounds every wait of these tests.
const wait = 10 * time.Second

// site is an Egress on a loop, and a cloud of several loopback addresses, which
// share one port.
type site struct {
	t      testing.TB
	loop   *loop.Loop
	egress *Egress
	port   uint16
	events gatewaytest.Events
	// heard counts bytes that clouds received; dialled, their connections.
	heard, dialled atomic.Int64
	stop           func()
}

// addr is the n-th address of the cloud.
func addr(n byte) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 9, n}) }

// addrs are the addresses 1 to n.
func addrs(n int) []netip.Addr {
	as := make([]netip.Addr, n)
	for i := range as {
		as[i] = addr(byte(i + 1))
	}
	return as
}

// at is the n-th address with the port.
func (s *site) at(n byte) netip.AddrPort { return netip.AddrPortFrom(addr(n), s.port) }

// newSite makes a site of which only the loop runs. The limits are far away.
func newSite(t testing.TB, cfg Config) *site {
	t.Helper()
	s := &site{t: t, port: freePort(t)}
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	s.loop = l
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	cfg.Loop, cfg.Port, cfg.Emit, cfg.Log = l, s.port, s.events.Emit, gatewaytest.Log(t)
	if cfg.Host == "" {
		cfg.Host = "cloud.test"
	}
	if s.egress, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	s.egress.limits = limits{stagger: time.Hour, connect: time.Hour, silence: 0, mute: time.Hour, suspect: time.Hour, tick: 5 * time.Millisecond}
	s.egress.recovery = gateway.Backoff{Min: time.Hour, Max: time.Hour}
	s.stop = func() {}
	t.Cleanup(func() { s.stop() })
	return s
}

// run runs the Egress, with a name that resolves to known.
func (s *site) run(known ...netip.Addr) {
	s.t.Helper()
	s.egress.lookup = func(context.Context) (Answer, error) { return Answer{Addrs: known, TTL: time.Minute}, nil }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.egress.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run returned %v, want nil", err)
		}
	}
	gatewaytest.Closed(s.t, wait, "egress is ready", s.egress.Ready())
}

// on runs f on the loop and waits for it.
func (s *site) on(f func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if !s.loop.Do(ctx, f) {
		s.t.Fatal("the loop did not run a function")
	}
}

// race begins a race as Open and sweep do, and waits for its end. The
// connection of a way is closed.
func (s *site) race(speak bool) Way {
	s.t.Helper()
	c := make(chan Way, 1)
	s.on(func() {
		s.egress.race(s.egress.book.candidates(), speak, func(w Way) {
			if w.FD >= 0 {
				s.loop.Close(w.FD)
			}
			c <- w
		})
	})
	return get(s.t, c)
}

// get takes a value from a channel.
func get[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(wait):
		t.Fatal("nothing came")
	}
	return v
}

// waitFor waits for an event of a kind.
func (s *site) waitFor(k gateway.Kind) gateway.Event {
	s.t.Helper()
	return s.events.Wait(s.t, wait, func(ev gateway.Event) bool { return ev.Kind == k })
}

// probes lists the attempts as address and outcome.
func (s *site) probes() []string {
	var ps []string
	for _, ev := range s.events.All() {
		if ev.Kind == gateway.EgressProbe {
			ps = append(ps, fmt.Sprintf("%d %s", ev.Peer.Addr().As4()[3], ev.Outcome))
		}
	}
	return ps
}

// wantProbes compares the attempts.
func (s *site) wantProbes(want ...string) {
	s.t.Helper()
	if got := s.probes(); !slices.Equal(got, want) {
		s.t.Errorf("attempts were %q, want %q", got, want)
	}
}

// freePort is a port that nothing listens on.
func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.9.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

// serve listens at the n-th address and opens every connection with what is
// said, piece by piece; closes tells whether it then closes.
func (s *site) serve(n byte, closes bool, said ...string) {
	s.t.Helper()
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(s.at(n)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.dialled.Add(1)
			go s.talk(c, closes, said)
		}
	}()
}

// talk is one connection of serve.
func (s *site) talk(c net.Conn, closes bool, said []string) {
	defer c.Close()
	for _, p := range said {
		c.Write([]byte(p))
	}
	if closes {
		return
	}
	c.SetReadDeadline(time.Now().Add(wait))
	n, _ := io.Copy(io.Discard, c)
	s.heard.Add(n)
	s.dialled.Add(-1) // open connections count until they close
}

// swallow listens at the n-th address with a full queue: nobody answers a SYN.
func (s *site) swallow(n byte) {
	s.t.Helper()
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	l := socket()
	if err := unix.Bind(l, sockaddr(s.at(n))); err != nil {
		s.t.Fatal(err)
	}
	if err := unix.Listen(l, 0); err != nil {
		s.t.Fatal(err)
	}
	for range 3 {
		unix.Connect(socket(), sockaddr(s.at(n)))
	}
}

// nonce is 40 bytes that begin with b.
func nonce(b byte) string {
	n := make([]byte, 40)
	for i := range n {
		n[i] = b
	}
	return string(n)
}

// descriptors counts the open descriptors of the process.
func descriptors(t testing.TB) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}
