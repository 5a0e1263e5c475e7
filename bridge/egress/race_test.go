package egress

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

func TestOpen(t *testing.T) {
	const quick = 100 * time.Millisecond
	for _, tt := range []struct {
		name   string
		cloud  string // what each address does: s silent, r refuses, g good
		limits func(*limits)
		out    gateway.Outcome
		peer   byte
		least  time.Duration
		err    string // with PORT for the port
		probes []string
	}{
		{"good", "g", nil, gateway.Accepted, 1, 0, "", []string{"1 accepted"}},
		{"silent and good", "sg", func(l *limits) { l.stagger = quick }, gateway.Accepted, 2, quick, "", []string{"2 accepted"}},
		{"two silent and good", "ssg", func(l *limits) { l.stagger = quick }, gateway.Accepted, 3, 2 * quick, "", []string{"3 accepted"}},
		{"refused and good, at once", "rg", nil, gateway.Accepted, 2, 0, "", []string{"1 refused", "2 accepted"}},
		{"good and never tried", "gr", nil, gateway.Accepted, 1, 0, "", []string{"1 accepted"}},
		{"all refused", "rrr", nil, gateway.Refused, 1, 0, "connect to 127.0.9.1:PORT: connection refused", []string{"1 refused", "2 refused", "3 refused"}},
		{"one silent", "s", func(l *limits) { l.connect = quick }, gateway.TimedOut, 1, quick, "no answer from 127.0.9.1:PORT in 100ms", []string{"1 timeout"}},
		{"all silent", "ss", func(l *limits) { l.stagger, l.connect = 0, quick }, gateway.TimedOut, 1, quick, "no answer from 2 of 2 addresses of cloud.test on port PORT", []string{"1 timeout", "2 timeout"}},
		{"too early to tell", "s", func(l *limits) { l.connect, l.silence = quick, time.Hour }, gateway.TimedOut, 1, quick, "no answer from 127.0.9.1:PORT", nil},
		{"an answer tells more than silence", "sr", func(l *limits) { l.stagger, l.connect = 0, quick }, gateway.Refused, 1, quick, "connect to 127.0.9.2:PORT: connection refused", []string{"2 refused", "1 timeout"}},
		{"none known", "", nil, gateway.NoAddress, 0, 0, "no address of cloud.test is known", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, Config{})
			if tt.limits != nil {
				tt.limits(&s.egress.limits)
			}
			for i, c := range tt.cloud {
				switch c {
				case 'g':
					s.serve(byte(i+1), false)
				case 's':
					s.swallow(byte(i + 1))
				}
			}
			s.on(func() { s.egress.book.learn(addrs(len(tt.cloud)), s.port) })
			begun := time.Now()
			w := s.race(false)
			took := time.Since(begun)
			if w.Outcome != tt.out || tt.peer > 0 && w.Peer != s.at(tt.peer) || (w.FD >= 0) != (tt.out == gateway.Accepted) {
				t.Errorf("got %+v, want %s at %d", w, tt.out, tt.peer)
			}
			if want := strings.ReplaceAll(tt.err, "PORT", fmt.Sprint(s.port)); w.Err == nil != (want == "") || w.Err != nil && w.Err.Error() != want {
				t.Errorf("got the error %v, want %q", w.Err, want)
			}
			if took < tt.least || took > tt.least+5*time.Second {
				t.Errorf("it took %s, want %s", took, tt.least)
			}
			if w.Outcome == gateway.Accepted && (w.RTT <= 0 || w.RTT > took) {
				t.Errorf("the connect took %s of %s", w.RTT, took)
			}
			s.wantProbes(tt.probes...)
		})
	}
}

// What is not approved is not dialled: no socket, no SYN.
func TestApproval(t *testing.T) {
	for _, tt := range []struct {
		name     string
		approved []string
		byName   bool
		current  int // how many of the three addresses the name resolves to now
		want     []string
	}{
		{"no list approves everything", nil, false, 3, []string{"1", "2", "3"}},
		{"a prefix", []string{"127.0.9.2/31"}, false, 3, []string{"2", "3"}},
		{"an address", []string{"127.0.9.3/32"}, false, 3, []string{"3"}},
		{"elsewhere", []string{"192.0.2.0/24"}, false, 3, nil},
		{"the name, while it says so", nil, true, 2, []string{"1", "2"}},
		{"the name and an address", []string{"127.0.9.3/32"}, true, 1, []string{"1", "3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{ApprovedName: tt.byName}
			for _, p := range tt.approved {
				cfg.Approved = append(cfg.Approved, netip.MustParsePrefix(p))
			}
			s := newSite(t, cfg)
			var want []string
			for i := range 3 {
				s.serve(byte(i+1), true) // it closes, so that the probe goes on
			}
			for _, w := range tt.want {
				want = append(want, w+" mute")
			}
			s.on(func() {
				s.egress.book.learn(addrs(3), s.port)
				s.egress.book.learn(addrs(tt.current), s.port)
			})
			w := s.race(true)
			s.wantProbes(want...)
			if tt.want == nil {
				if text := "none of the 3 addresses of cloud.test is approved"; w.Outcome != gateway.NotApproved || w.Err.Error() != text {
					t.Errorf("got %s %v, want not-approved %q", w.Outcome, w.Err, text)
				}
			}
		})
	}
}

// Even asked directly, dial opens no socket to what is not approved.
func TestDialRefuses(t *testing.T) {
	s := newSite(t, Config{Approved: []netip.Prefix{netip.MustParsePrefix("127.0.9.1/32")}})
	s.serve(2, false)
	s.on(func() {
		s.egress.book.learn(addrs(2), s.port)
		before := descriptors(t)
		for _, peer := range []netip.AddrPort{s.at(2), s.at(77)} {
			var out gateway.Outcome
			var text string
			a := s.egress.dial(peer, false, func(a *attempt, how gateway.Outcome, err error) {
				out, text = how, err.Error()
				if n := descriptors(t); n != before {
					t.Errorf("%d descriptors are open, want %d", n, before)
				}
			})
			if want := peer.String() + " is not approved"; out != gateway.NotApproved || text != want || a.fd >= 0 {
				t.Errorf("got %s %q, want not-approved %q", out, text, want)
			}
		}
	})
	if n := s.dialled.Load(); n != 0 {
		t.Errorf("%d connections came, want 0", n)
	}
}

// Cancelled races leave nothing behind and call nobody.
func TestCancel(t *testing.T) {
	s := newSite(t, Config{})
	s.swallow(1)
	s.egress.limits.stagger = time.Millisecond
	s.on(func() {
		s.egress.book.learn(addrs(1), s.port)
		before := descriptors(t)
		cancel := s.egress.Open(func(Way) { t.Error("done was called") })
		cancel()
		cancel()
		if n := descriptors(t); n != before {
			t.Errorf("%d descriptors are open, want %d", n, before)
		}
	})
}

// A source address or an interface that does not exist is named.
func TestPinned(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Source: netip.MustParseAddr("192.0.2.7")}, "bind to source address 192.0.2.7: cannot assign requested address"},
		{Config{Interface: "nosuch0"}, "bind to interface nosuch0: no such device"},
	} {
		s := newSite(t, tt.cfg)
		s.on(func() { s.egress.book.learn(addrs(1), s.port) })
		w := s.race(false)
		if want := "connect to " + s.at(1).String() + ": " + tt.want; w.Outcome != gateway.Broken || w.Err.Error() != want {
			t.Errorf("got %s %v, want broken %s", w.Outcome, w.Err, want)
		}
	}
}

// The losers of a race run on: that the first address is silent is learned
// though the second won, so that the map does not show it as untried.
func TestStragglers(t *testing.T) {
	s := newSite(t, Config{})
	s.egress.limits.stagger, s.egress.limits.connect = 50*time.Millisecond, 150*time.Millisecond
	s.swallow(1)
	s.serve(2, false)
	s.on(func() { s.egress.book.learn(addrs(2), s.port) })
	if w := s.race(false); w.Peer != s.at(2) {
		t.Fatalf("%s won, want %s", w.Peer, s.at(2))
	}
	s.events.Wait(t, wait, func(ev gateway.Event) bool {
		return ev.Kind == gateway.EgressProbe && ev.Peer == s.at(1) && ev.Outcome == gateway.TimedOut
	})
	s.on(func() {
		if n := len(s.egress.probes); n != 0 {
			t.Errorf("%d races are still on, want 0", n)
		}
		if got := s.egress.book.candidates(); got[0] != s.at(2) {
			t.Errorf("%s is tried first, want the winner %s", got[0], s.at(2))
		}
	})
}
