package relay

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

func TestNewRefuses(t *testing.T) {
	_, err := New(Config{})
	if want := "relay: no address to listen on"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// One session for each device: the new one is served, the old one is over.
func TestNewSessionReplaces(t *testing.T) {
	s := newSite(t, nil)
	s.talking(1)
	other, otherCloud := s.talking(2)
	dev, cloud := s.talking(1)
	if rec := s.closed(1); rec.ID != 1 || rec.How != gateway.EndReplaced {
		t.Errorf("session %d ended by %s, want 1 by replaced", rec.ID, rec.How)
	}
	s.cross(dev, cloud, record(16))
	s.cross(other, otherCloud, record(16))
	if n := len(s.relay.Sessions(t.Context())); n != 2 {
		t.Errorf("%d sessions are open, want 2", n)
	}
}

func TestCapInAll(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.cfg.Max = 2 })
	s.pair(1)
	s.pair(2)
	if got := s.turnedAway(3); got != "reset" {
		t.Errorf("the third saw %s, want reset", got)
	}
	ev := s.refusal()
	if want := "the limit of 2 sessions is reached"; ev.Text != want || ev.MAC != mac(3) || ev.Peer.Addr() != loopback(3) || ev.Count != 1 {
		t.Errorf("got %+v, want a refusal of device 3: %q", ev, want)
	}
	s.pair(1) // it replaces its own, which needs no room
}

func TestAdmissionRefused(t *testing.T) {
	s := newSite(t, nil)
	s.setOpen(func(func(Upstream)) func() {
		t.Error("the way was opened for a device that is not admitted")
		return nil
	})
	for range 3 {
		if got := s.turnedAway(barred); got != "reset" {
			t.Errorf("the device saw %s, want reset", got)
		}
	}
	if ev := s.refusal(); ev.Text != errBarred.Error() || ev.MAC != mac(barred) || ev.Count != 1 || ev.Witness != gateway.WitnessRelay {
		t.Errorf("got %+v, want the first refusal", ev)
	}
	// The others are one event, and it comes although no fourth follows.
	s.events.Wait(t, wait, func(ev gateway.Event) bool {
		return ev.Kind == gateway.SessionRefused && ev.Count == 2 && ev.Peer.Addr() == loopback(barred)
	})
}

// refusal waits for the first refusal.
func (s *site) refusal() gateway.Event {
	s.t.Helper()
	return s.events.Wait(s.t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.SessionRefused })
}

// loopback is the address of device n.
func loopback(n byte) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, n}) }

// While the port is closed the kernel refuses, and what stands stands.
func TestSetOpen(t *testing.T) {
	s := newSite(t, nil)
	dev, cloud := s.talking(1)
	s.relay.SetOpen(false)
	s.on(func() {})
	if _, err := net.Dial("tcp4", s.relay.cfg.Listen.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial a closed port: got %v, want connection refused", err)
	}
	s.cross(dev, cloud, record(16))
	s.relay.SetOpen(true)
	s.relay.SetOpen(true)
	s.on(func() {})
	s.talking(2)
	s.cross(dev, cloud, record(16))
}

// A relay that starts while the way out is down is ready without a port.
func TestStartShut(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.shut = true })
	if _, err := net.Dial("tcp4", s.relay.cfg.Listen.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want connection refused", err)
	}
	s.relay.SetOpen(true)
	s.on(func() {})
	s.pair(1)
}

// A port that somebody else has is tried again, at the start and later.
func TestPortTaken(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.pause = gateway.Backoff{Min: time.Millisecond, Max: time.Millisecond} })
	s.relay.SetOpen(false)
	s.on(func() {})
	thief, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(s.relay.cfg.Listen))
	if err != nil {
		t.Fatal(err)
	}
	s.events.Reset()
	s.relay.SetOpen(true)
	ev := s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.PartFailed })
	text := "listen on " + s.relay.cfg.Listen.String() + ": address already in use"
	hint := "another program has the port; `ss -ltnp sport = :5683` shows which"
	if ev.Part != gateway.PartRelay || ev.Witness != gateway.WitnessSelf || ev.Text != text || ev.Hint != hint {
		t.Errorf("got %+v, want %q with the hint %q", ev, text, hint)
	}
	thief.Close()
	s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.PartOK && ev.Part == gateway.PartRelay })
	s.pair(1)
}

// Where binding is forbidden there is nothing to wait for.
func TestPermanent(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
		hint string
	}{
		{unix.EACCES, true, "run as root, or with CAP_NET_BIND_SERVICE"},
		{unix.EPERM, true, "run as root, or with CAP_NET_BIND_SERVICE"},
		{unix.EADDRNOTAVAIL, false, "the segment's address is not on its interface yet"},
		{unix.EMFILE, false, ""},
	} {
		err := hintListen(tt.err)
		var h *gateway.Hinted
		errors.As(err, &h)
		if got := permanent(err); got != tt.want || (h == nil) != (tt.hint == "") || h != nil && h.Hint != tt.hint {
			t.Errorf("%v: got %v, %v; want %v with the hint %q", tt.err, got, err, tt.want, tt.hint)
		}
	}
}

// Without descriptors the port pauses, says so once, and takes the device as
// soon as there are some again.
func TestNoDescriptors(t *testing.T) {
	s := newSite(t, nil)
	dev, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dev)
	giveBack := takeDescriptors(t)
	s.events.Reset()
	if err := unix.Connect(dev, sockaddr(s.relay.cfg.Listen)); err != nil {
		giveBack()
		t.Fatal(err)
	}
	match := func(k gateway.Kind) func(gateway.Event) bool {
		return func(ev gateway.Event) bool { return ev.Kind == k && ev.Part == gateway.PartRelay }
	}
	ev := s.events.Wait(t, wait, match(gateway.PartFailed))
	giveBack()
	if want := "accept a device: too many open files"; ev.Text != want || ev.Hint != "raise the limit of open files (LimitNOFILE)" {
		t.Errorf("got %q with the hint %q, want %q", ev.Text, ev.Hint, want)
	}
	s.accept()
	s.events.Wait(t, wait, match(gateway.PartOK))
}

// takeDescriptors leaves the process none.
func takeDescriptors(t *testing.T) (giveBack func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 200, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		f, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	return func() {
		unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		for _, f := range taken {
			f.Close()
		}
	}
}

func TestLeavesNoGoroutine(t *testing.T) {
	gatewaytest.Leaks(t)
	s := newSite(t, nil)
	s.talking(1)
	s.stop()
	if n := len(s.relay.Sessions(t.Context())); n != 0 {
		t.Errorf("%d sessions are open after the end, want 0", n)
	}
}
