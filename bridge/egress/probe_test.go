package egress

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// A probe tells what answers, and sends nothing.
func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		said   []string
		closes bool
		out    gateway.Outcome
		err    string
	}{
		{"cloud", []string{nonce(0xa5)}, false, gateway.Spoke, ""},
		{"cloud in pieces", []string{nonce(0xa5)[:3], nonce(0xa5)[:30], nonce(0xa5)[:7]}, false, gateway.Spoke, ""},
		{"cloud that closes", []string{nonce(0xa5)}, true, gateway.Spoke, ""},
		{"cloud whose nonce begins like a page", []string{nonce('<')}, false, gateway.Spoke, ""},
		{"silence", nil, false, gateway.Mute, "AT accepted and then said nothing for 100ms"},
		{"a little", []string{"12345"}, false, gateway.Mute, "AT accepted and then said only 5 bytes for 100ms"},
		{"close", nil, true, gateway.Mute, "AT accepted and closed after 0 bytes"},
		{"a little and close", []string{"123"}, true, gateway.Mute, "AT accepted and closed after 3 bytes"},
		{"http", []string{"HTTP/1.1 400 Bad Request\r\n\r\n"}, false, gateway.Broken, "what answers at AT is an HTTP server or captive portal"},
		{"ssh of 40 bytes", []string{"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"}, false, gateway.Broken, "what answers at AT is an SSH server"},
		{"page", []string{"<html><head><title>Login</title></head><body></body></html>"}, false, gateway.Broken, "what answers at AT is a web page"},
		{"tls", []string{"\x15\x03\x01\x00\x02\x02\x0a"}, false, gateway.Broken, "what answers at AT is a TLS endpoint"},
		{"too much", []string{nonce(0xa5) + "1"}, false, gateway.Broken, "what answers at AT is not a Spark cloud: it opened with more than 40 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, Config{})
			s.egress.limits.mute = 100 * time.Millisecond
			s.serve(1, tt.closes, tt.said...)
			s.on(func() { s.egress.book.learn(addrs(1), s.port) })
			w := s.race(true)
			want := strings.ReplaceAll(tt.err, "AT", s.at(1).String())
			if w.Outcome != tt.out || w.FD >= 0 || w.Err == nil != (want == "") || w.Err != nil && w.Err.Error() != want {
				t.Errorf("got %s %v, want %s %s", w.Outcome, w.Err, tt.out, want)
			}
			s.wantProbes("1 " + string(tt.out))
			gatewaytest.Eventually(t, wait, "the connection is closed", func() bool { return tt.closes || s.dialled.Load() == 0 })
			if n := s.heard.Load(); n != 0 {
				t.Errorf("the probe sent %d bytes, want 0", n)
			}
			ev := s.waitFor(gateway.EgressProbe)
			if ev.Text != want || ev.Peer != s.at(1) || ev.RTT <= 0 || ev.Witness != gateway.WitnessEgress {
				t.Errorf("got %+v, want the attempt with %q", ev, want)
			}
		})
	}
}

// A way that is down comes back by a probe, not by luck.
func TestDownAndUp(t *testing.T) {
	s := newSite(t, Config{})
	s.egress.recovery = gateway.Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}
	s.run(addrs(2)...)
	ev := s.waitFor(gateway.EgressDown)
	if want := fmt.Sprintf("connect to %s: connection refused", s.at(1)); ev.Outcome != gateway.Refused || ev.Text != want {
		t.Errorf("got %s %q, want refused %q", ev.Outcome, ev.Text, want)
	}
	s.serve(2, false, nonce(0xa5))
	s.waitFor(gateway.EgressUp)
	downs, ups := 0, 0
	for _, ev := range s.events.All() {
		switch ev.Kind {
		case gateway.EgressDown:
			downs++
		case gateway.EgressUp:
			ups++
		}
	}
	if downs != 1 || ups != 1 {
		t.Errorf("down %d times and up %d times, want 1 and 1", downs, ups)
	}
}

// What accepts and stays mute does not end an outage, or the port would flap.
func TestAcceptingIsNotUp(t *testing.T) {
	s := newSite(t, Config{})
	s.egress.limits.mute = 50 * time.Millisecond
	s.serve(1, false)
	s.run(addr(1))
	if ev := s.waitFor(gateway.EgressDown); ev.Outcome != gateway.Mute {
		t.Errorf("down because of %s, want mute", ev.Outcome)
	}
	s.events.Reset()
	ways := make(chan Way, 1)
	s.on(func() {
		s.egress.Open(func(w Way) {
			s.loop.Close(w.FD)
			ways <- w
		})
	})
	if w := get(t, ways); w.Outcome != gateway.Accepted {
		t.Errorf("got %s, want accepted", w.Outcome)
	}
	// The session that got it goes on; the sweep it caused finds the same as before.
	s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.EgressProbe && ev.Outcome == gateway.Mute })
	if ev, up := s.events.Find(func(ev gateway.Event) bool { return ev.Kind == gateway.EgressUp }); up {
		t.Errorf("it was taken for up: %+v", ev)
	}
}

// Many reasons to sweep make one sweep.
func TestOneSweepAtATime(t *testing.T) {
	s := newSite(t, Config{})
	s.swallow(1)
	s.on(func() {
		s.egress.book.learn(addrs(1), s.port)
		for range 10 {
			s.egress.sweep()
		}
		if n := len(s.egress.probes); n != 1 {
			t.Errorf("%d sweeps are under way, want 1", n)
		}
		s.egress.stop()
		if n := len(s.egress.probes); n != 0 {
			t.Errorf("%d sweeps are left after the stop, want 0", n)
		}
		s.egress.sweep()
		if n := len(s.egress.probes); n != 0 {
			t.Errorf("%d sweeps began after the stop, want 0", n)
		}
	})
}

func TestSuspect(t *testing.T) {
	s := newSite(t, Config{})
	s.serve(2, false, nonce(0xa5))
	s.run(addrs(2)...)
	s.waitFor(gateway.EgressUp)
	s.events.Reset()
	dead := make(chan netip.AddrPort, 10)
	suspect := func(n byte) { s.egress.Suspect(s.at(n), func(p netip.AddrPort) { dead <- p }) }
	suspect(2) // it lives
	for range 5 {
		suspect(1) // it refuses, and one look is enough
	}
	if p := get(t, dead); p != s.at(1) {
		t.Errorf("%s is dead, want %s", p, s.at(1))
	}
	gatewaytest.Eventually(t, wait, "all probes are over", func() (over bool) {
		s.on(func() { over = len(s.egress.probes) == 0 })
		return over
	})
	count := map[string]int{}
	for _, p := range s.probes() {
		count[p]++
	}
	// The sweep behind the refusal begins with what spoke last.
	if count["1 refused"] != 1 || count["2 spoke"] != 2 || len(dead) != 0 {
		t.Errorf("attempts were %v and %d more are dead, want one refused, two spoke, none", count, len(dead))
	}
	if ev, down := s.events.Find(func(ev gateway.Event) bool { return ev.Kind == gateway.EgressDown }); down {
		t.Errorf("it went down: %+v", ev)
	}
	s.events.Reset()
	s.egress.Suspect(s.at(9), func(p netip.AddrPort) { dead <- p }) // of no book: not dialled
	if p := get(t, dead); p != s.at(9) {
		t.Errorf("%s is dead, want %s", p, s.at(9))
	}
}

// What a session learned is in the book.
func TestNote(t *testing.T) {
	s := newSite(t, Config{})
	s.on(func() { s.egress.book.learn(addrs(1), s.port) })
	s.egress.Note(s.at(1), gateway.Mute)
	ev := s.waitFor(gateway.EgressBook)
	if len(ev.Book) != 1 || ev.Book[0].Last != gateway.Mute || ev.Book[0].Bad != 1 || !ev.Book[0].Approved {
		t.Errorf("the book is %+v, want one mute address", ev.Book)
	}
	s.egress.Note(s.at(9), gateway.Mute)
}
