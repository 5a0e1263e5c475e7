package firewall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
	"photongate/radio/internal/run"
)

// fakeNFT stands in for nft: a kernel with at most one table, whose listing is
// made of what a test says.
type fakeNFT struct {
	// mu guards the rest against a segment that runs.
	mu sync.Mutex
	// loads are the rulesets loaded, oldest first; a removal is "".
	loads []string
	// drops are the counters; nil means that there is no table.
	drops map[string]uint64
	// loadErr and listErr fail the next calls, while not nil.
	loadErr, listErr error
}

// run answers like run.Once with nft.
func (f *fakeNFT) run(_ context.Context, stdin []byte, _ string, args ...string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if args[0] == "-f" {
		if f.loadErr != nil {
			return nil, f.loadErr
		}
		if f.drops = nil; strings.Contains(string(stdin), "chain") {
			f.loads = append(f.loads, string(stdin))
			f.drops = map[string]uint64{Stranger: 0, Rate: 0}
		} else {
			f.loads = append(f.loads, "")
		}
		return nil, nil
	}
	switch {
	case f.listErr != nil:
		return nil, f.listErr
	case f.drops == nil:
		return nil, errors.New("run nft: exit status 1: Error: No such file or directory; list table inet photongate")
	}
	if args[2] != "inet" {
		return []byte("table " + args[2] + " photongate {\n}\n"), nil
	}
	var b strings.Builder
	b.WriteString("table inet photongate {\n")
	for _, reason := range slices.Sorted(maps.Keys(f.drops)) {
		fmt.Fprintf(&b, "\tcounter drop-%s {\n\t\tpackets %d bytes 60\n\t}\n", reason, f.drops[reason])
	}
	return []byte(b.String() + "}\n"), nil
}

// change changes the kernel's state, and lets d of fake time pass.
func (f *fakeNFT) change(d time.Duration, how func()) {
	f.mu.Lock()
	how()
	f.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

// story is the events as short words, and forgets them.
func story(e *gatewaytest.Events) []string {
	var words []string
	for _, ev := range e.All() {
		s := string(ev.Kind)
		if ev.Text != "" {
			s += " " + ev.Text
		}
		if ev.Count > 0 {
			s += fmt.Sprintf(" %d", ev.Count)
		}
		words = append(words, s)
	}
	e.Reset()
	return words
}

// running starts a segment on f in the test's bubble, with its end.
func running(t *testing.T, f *fakeNFT) (*Segment, *gatewaytest.Events, func()) {
	t.Helper()
	var events gatewaytest.Events
	c := config(porch)
	c.Emit, c.Run = events.Emit, f.run
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	return s, &events, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	}
}

// wantStory compares the events since the last call.
func wantStory(t *testing.T, e *gatewaytest.Events, want ...string) {
	t.Helper()
	if got := story(e); !slices.Equal(got, want) {
		t.Errorf("events\n got %q\nwant %q", got, want)
	}
}

// TestRunReports wants growth reported once, across a change of the whitelist
// and up to the end.
func TestRunReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNFT{}
		s, events, stop := running(t, f)
		wantStory(t, events, "part-ok")
		f.change(every+time.Second, func() { f.drops[Stranger] = 3 })
		wantStory(t, events, "dropped stranger 3")
		f.change(0, func() { f.drops[Stranger] = 5 })
		if err := s.Update(t.Context(), []Pair{porch, attic}); err != nil {
			t.Fatal(err)
		}
		wantStory(t, events, "dropped stranger 2")
		f.change(every, func() { f.drops[Rate] = 1 })
		wantStory(t, events, "dropped rate 1")
		f.change(every, func() {})
		wantStory(t, events, "part-ok")
		f.change(0, func() { f.drops[Rate] = 8 })
		stop()
		wantStory(t, events, "dropped rate 7")
		if want := []string{Ruleset(config(porch)), Ruleset(config(porch, attic)), ""}; !slices.Equal(f.loads, want) {
			t.Errorf("loaded %q\nwant %q", f.loads, want)
		}
		if got, want := s.String(), "firewall on seg0"; got != want {
			t.Errorf("named %q, want %q", got, want)
		}
	})
}

// TestRunRepairs wants a table that vanishes or changes loaded again, and a
// failure to do so retried.
func TestRunRepairs(t *testing.T) {
	const changed = "part-failed another program removed or changed table inet photongate"
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNFT{}
		_, events, stop := running(t, f)
		wantStory(t, events, "part-ok")

		f.change(every+time.Second, func() { f.drops = nil })
		wantStory(t, events, changed, "part-ok")

		f.change(every, func() { delete(f.drops, Rate) })
		wantStory(t, events, changed, "part-ok")

		f.change(every, func() { f.drops, f.loadErr = nil, errors.New("run nft: out of luck") })
		got := story(events)
		if len(got) < 2 || got[0] != changed || got[1] != "part-failed load the ruleset of seg0: run nft: out of luck" || slices.Contains(got, "part-ok") {
			t.Errorf("events %q, want the change and the failure, again and again", got)
		}
		f.change(every+every/2, func() { f.loadErr = nil })
		if got := story(events); len(got) == 0 || got[len(got)-1] != "part-ok" {
			t.Errorf("events %q, want a recovery at the end", got)
		}
		if len(f.loads) != 4 {
			t.Errorf("%d rulesets loaded, want 4", len(f.loads))
		}
		stop()
	})
}

// TestRunWithoutListing wants a ruleset that loads but cannot be listed to
// stand, and to be loaded once more when the listing works.
func TestRunWithoutListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNFT{listErr: errors.New("run nft: interrupted")}
		s, events, stop := running(t, f)
		wantStory(t, events, "part-ok")
		f.change(every+time.Second, func() { f.listErr = nil })
		wantStory(t, events)
		if len(f.loads) != 2 || s.shape == "" {
			t.Errorf("%d rulesets loaded, shape %q; want 2 and a shape", len(f.loads), s.shape)
		}
		stop()
	})
}

// TestRunFailsClosed wants Run to end with an error and a hint when the ruleset
// cannot be loaded at the start, without ever being ready.
func TestRunFailsClosed(t *testing.T) {
	kernel := "the kernel lacks a part of nftables: it needs version 5.2 or later with nf_tables with the families inet and arp, nft_ct, nft_limit and nft_nat (on OpenWrt: kmod-nft-core, kmod-nft-nat and kmod-nft-arp)"
	tests := []struct{ says, hint string }{
		{"Error: Could not process rule: Operation not permitted", "nft needs CAP_NET_ADMIN: run as root, or by the unit that comes with the package"},
		{"Error: Could not process rule: No such file or directory", kernel},
		{"Error: Could not process rule: Operation not supported", kernel},
		{"nft: Unable to initialize Netlink socket: Protocol not supported", kernel},
		{"Error: syntax error, unexpected newline", ""},
	}
	for _, tt := range tests {
		t.Run(tt.says, func(t *testing.T) {
			f := &fakeNFT{loadErr: errors.New("run nft: exit status 1: " + tt.says)}
			c := config(porch)
			c.Run = f.run
			s, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Run(t.Context())
			if want := "load the ruleset of seg0: run nft: exit status 1: " + tt.says; err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
			var h *gateway.Hinted
			if got := errors.As(err, &h); got != (tt.hint != "") || got && h.Hint != tt.hint {
				t.Errorf("hint %+v, want %q", h, tt.hint)
			}
			select {
			case <-s.Ready():
				t.Error("ready without a ruleset")
			default:
			}
		})
	}
}

// TestUpdateBeforeRun wants the pairs kept for the first load, and a failed
// change to leave the old ones.
func TestUpdateBeforeRun(t *testing.T) {
	f := &fakeNFT{}
	c := config(porch)
	c.Run = f.run
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), []Pair{attic}); err != nil || len(f.loads) != 0 {
		t.Fatalf("Update: %v with %d loads, want neither", err, len(f.loads))
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.loadErr = errors.New("run nft: out of luck")
	err = s.Update(t.Context(), []Pair{porch})
	if want := "change the firewall's whitelist: load the ruleset of seg0: run nft: out of luck"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if want := []Pair{attic}; !slices.Equal(s.c.Pairs, want) {
		t.Errorf("pairs %v after a failed change, want %v", s.c.Pairs, want)
	}
}

// TestStopSignaled wants the table removed although a signal ends nft once, and
// an error logged where it ends it again.
func TestStopSignaled(t *testing.T) {
	for _, tt := range []struct {
		signals int
		removed bool
		log     string
	}{
		{1, true, ""},
		{2, false, "level=ERROR msg=\"the ruleset stays\" interface=seg0 err=\"remove the tables photongate: run sh: signal: killed\"\n"},
	} {
		f := &fakeNFT{}
		var log strings.Builder
		c := config(porch)
		removals := 0
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))
		c.Run = func(ctx context.Context, in []byte, name string, args ...string) ([]byte, error) {
			if string(in) == deletion() {
				if removals++; removals <= tt.signals {
					return run.Once(ctx, nil, "sh", "-c", "kill -KILL $$")
				}
			}
			return f.run(ctx, in, name, args...)
		}
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.stop()
		if removed := f.drops == nil; removed != tt.removed || log.String() != tt.log {
			t.Errorf("after %d signals removed is %t and the log is %q; want %t and %q", tt.signals, removed, log.String(), tt.removed, tt.log)
		}
	}
}

// TestKernel wants the same of the real nft: loading, counting, repairing what
// somebody flushed, removing twice, and leaving foreign tables alone.
func TestKernel(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	gatewaytest.Sh(t, "ip link add seg0 type veth peer name air0", "ip link set seg0 up", "ip link set air0 up",
		"ip addr add 192.168.77.1/24 dev seg0", "nft add table inet foreign")
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		c := config(porch)
		c.Emit = events.Emit
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		<-s.Ready()
		story(&events)

		for _, harm := range []string{"flush ruleset", "flush table inet photongate", "delete table inet photongate",
			"add element inet photongate listed '{ 02:00:00:00:00:01 }'", "insert rule inet photongate segment accept"} {
			gatewaytest.Sh(t, "nft "+harm)
			time.Sleep(every + time.Second)
			synctest.Wait()
			if got := story(&events); !slices.Contains(got, "part-failed another program removed or changed table inet photongate") || got[len(got)-1] != "part-ok" {
				t.Errorf("after %s: events %q, want a failure and a recovery", harm, got)
			}
			if got := gatewaytest.Sh(t, "nft list table inet photongate", "nft list table arp photongate"); parseListing(got).shape != s.shape {
				t.Errorf("after %s the table is\n%s", harm, got)
			}
		}
		gatewaytest.Sh(t, "nft add table inet foreign")
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	})
	if got, want := strings.TrimSpace(gatewaytest.Sh(t, "nft list tables")), "table inet foreign"; got != want {
		t.Errorf("tables at the end %q, want %q", got, want)
	}
	for range 2 {
		if err := Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
