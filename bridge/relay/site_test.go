package relay

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// wait bounds every wait of these tests.
const wait = 10 * time.Second

// barred is the last byte of the loopback address that is not admitted.
const barred = 66

// errBarred is why not.
var errBarred = errors.New("not on the whitelist")

// site is a relay on a loop, a cloud to relay to, and what the relay says.
type site struct {
	t      testing.TB
	loop   *loop.Loop
	relay  *Relay
	cloud  *net.TCPListener
	events gatewaytest.Events
	// open is the way to the cloud; setOpen changes it.
	open func(done func(Upstream)) (cancel func())
	// asked holds who waits for a way that noWay does not open.
	asked chan func(Upstream)
	// conns are the test's ends of all sessions.
	conns []net.Conn
	// stop ends relay and loop; it may be called early.
	stop func()
}

// newSite starts a relay whose limits are far away unless change shortens them.
func newSite(t testing.TB, change func(*Relay)) *site {
	t.Helper()
	s := &site{t: t, asked: make(chan func(Upstream), 1)}
	l, err := loop.New()
	if err != nil {
		t.Fatal(err)
	}
	s.loop, s.open = l, s.dial
	if s.cloud, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	s.relay, err = New(Config{
		Loop: l, Listen: freePort(t), Admit: admit, Emit: s.events.Emit, Log: gatewaytest.Log(t),
		Open: func(done func(Upstream)) func() { return s.open(done) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.relay.limits = limits{phase: time.Hour, idle: time.Hour, half: time.Hour, stall: time.Hour, mute: time.Hour, tick: 5 * time.Millisecond}
	if change != nil {
		change(s.relay)
	}
	s.run()
	return s
}

// run starts relay and loop, and arranges for their end.
func (s *site) run() {
	ctx, cancel := context.WithCancel(context.Background())
	loopCtx, cancelLoop := context.WithCancel(context.Background())
	loopDone, done := make(chan error, 1), make(chan error, 1)
	go func() { loopDone <- s.loop.Run(loopCtx) }()
	go func() { done <- s.relay.Run(ctx) }()
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
		cancelLoop()
		if err := <-loopDone; err != nil {
			s.t.Errorf("the loop's Run returned %v, want nil", err)
		}
		s.cloud.Close()
	}
	s.t.Cleanup(func() {
		s.stop()
		s.hangUp()
	})
	gatewaytest.Closed(s.t, wait, "the relay listens", s.relay.Ready())
}

// freePort is a loopback address that nothing listens on.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// admit takes 127.0.0.n for the device with the MAC 02:00:00:00:00:n.
func admit(a netip.Addr) (gateway.MAC, error) {
	m := mac(a.As4()[3])
	if m[5] == barred {
		return m, errBarred
	}
	return m, nil
}

// mac is the MAC of device n.
func mac(n byte) gateway.MAC { return gateway.MAC{0: 2, 5: n} }

// upTo makes an outgoing socket as Open must.
func (s *site) upTo(peer netip.AddrPort) Upstream {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, sockaddr(peer))
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err == nil {
		err = s.loop.Add(fd, loop.Out, nil)
	}
	if err != nil {
		s.t.Errorf("open the way to the cloud: %v", err)
	}
	return Upstream{FD: fd, Peer: peer, RTT: time.Millisecond, Outcome: gateway.Accepted}
}

// setOpen replaces the way to the cloud, on the loop, where it is used.
func (s *site) setOpen(open func(done func(Upstream)) (cancel func())) {
	s.t.Helper()
	s.on(func() { s.open = open })
}

// cloudAddr is where the cloud listens.
func (s *site) cloudAddr() netip.AddrPort { return s.cloud.Addr().(*net.TCPAddr).AddrPort() }

// dial opens the way at once, before it returns.
func (s *site) dial(done func(Upstream)) func() {
	done(s.upTo(s.cloudAddr()))
	return func() { s.t.Error("cancelled after done") }
}

// connect connects as device n.
func (s *site) connect(n byte) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, n)}, Timeout: wait}
	return d.Dial("tcp4", s.relay.cfg.Listen.String())
}

// turnedAway is how device n sees that it is not taken. The reset may be there
// before its connect has returned.
func (s *site) turnedAway(n byte) string {
	s.t.Helper()
	c, err := s.connect(n)
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case err != nil:
		return err.Error()
	}
	defer c.Close()
	return ending(c.(*net.TCPConn))
}

// device is connect for a device that is admitted.
func (s *site) device(n byte) *net.TCPConn {
	s.t.Helper()
	c, err := s.connect(n)
	if err != nil {
		s.t.Fatal(err)
	}
	s.conns = append(s.conns, c)
	c.SetDeadline(time.Now().Add(wait))
	return c.(*net.TCPConn)
}

// hangUp closes the test's ends of all sessions.
func (s *site) hangUp() {
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

// accept takes the next session at the cloud.
func (s *site) accept() *net.TCPConn {
	s.t.Helper()
	s.cloud.SetDeadline(time.Now().Add(wait))
	c, err := s.cloud.AcceptTCP()
	if err != nil {
		s.t.Fatal(err)
	}
	s.conns = append(s.conns, c)
	c.SetDeadline(time.Now().Add(wait))
	return c
}

// pair is a session that is open through to the cloud.
func (s *site) pair(n byte) (dev, cloud *net.TCPConn) {
	s.t.Helper()
	dev = s.device(n)
	return dev, s.accept()
}

// talking is a session with a complete handshake.
func (s *site) talking(n byte) (dev, cloud *net.TCPConn) {
	s.t.Helper()
	dev, cloud = s.pair(n)
	s.cross(cloud, dev, random(40))
	s.cross(dev, cloud, random(256))
	s.cross(cloud, dev, random(384))
	s.cross(dev, cloud, record(16))
	s.cross(cloud, dev, record(16))
	return dev, cloud
}

// cross sends b and waits for exactly that on the other side.
func (s *site) cross(from, to net.Conn, b []byte) {
	s.t.Helper()
	send(s.t, from, b)
	got := make([]byte, len(b))
	if _, err := io.ReadFull(to, got); err != nil {
		s.t.Fatalf("read %d bytes: %v", len(b), err)
	}
	if string(got) != string(b) {
		s.t.Fatalf("%d bytes arrived changed", len(b))
	}
}

// closed waits for the record of the session of device n.
func (s *site) closed(n byte) gateway.SessionRecord {
	s.t.Helper()
	ev := s.events.Wait(s.t, wait, func(ev gateway.Event) bool {
		return ev.Kind == gateway.SessionClosed && ev.MAC == mac(n)
	})
	return *ev.Record
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

// until waits until cond holds of the session of device n, looked at on the loop.
func (s *site) until(n byte, what string, cond func(*session) bool) {
	s.t.Helper()
	gatewaytest.Eventually(s.t, wait, what, func() (ok bool) {
		s.on(func() {
			if x := s.relay.byMAC[mac(n)]; x != nil {
				ok = cond(x)
			}
		})
		return ok
	})
}

// send writes all of b.
func send(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatalf("write %d bytes: %v", len(b), err)
	}
}

// random is n bytes that look encrypted, and never like another protocol.
func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32()) | 0x80
	}
	return b
}

// record is a framed record with n bytes.
func record(n int) []byte {
	return append([]byte{byte(n >> 8), byte(n)}, random(n)...)
}

// abort resets a connection.
func abort(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// ending reads a connection to its end and says how it ended: eof or reset.
func ending(c *net.TCPConn) string {
	c.SetReadDeadline(time.Now().Add(wait))
	_, err := io.Copy(io.Discard, c)
	switch {
	case err == nil:
		return "eof"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	}
	return err.Error()
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

// counter counts from several goroutines.
type counter = atomic.Int64
