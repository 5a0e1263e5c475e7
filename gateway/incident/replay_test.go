package incident

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/diagnose"
)

// found is what a bundle comes to for the porch.
type found struct {
	outcome gateway.Result
	hop     gateway.Hop
	code    gateway.Code
	stage   gateway.Stage
}

// findingOf is the verdict on the porch.
func findingOf(devices []gateway.DeviceStatus) found {
	for _, d := range devices {
		if d.MAC == porch {
			return found{d.Verdict.Outcome, d.Verdict.Hop, d.Verdict.Code, d.Stage}
		}
	}
	return found{}
}

// live is a daemon's ladder, which sees every event and ticks once a second.
type live struct {
	l    *diagnose.Ladder
	last time.Time
}

// apply folds an event after the ticks before it.
func (v *live) apply(ev gateway.Event) {
	if v.last.IsZero() {
		v.last = ev.Time
	}
	for !v.last.Add(time.Second).After(ev.Time) {
		v.last = v.last.Add(time.Second)
		if ev.Time.Sub(v.last) > 10*time.Minute {
			// Nothing happens in the middle of a long silence.
			v.l.Tick(v.last.Add(8 * time.Minute))
			v.last = ev.Time.Add(-time.Minute)
		}
		v.l.Tick(v.last)
	}
	v.l.Apply(ev)
}

// record walks a fault with noise, and returns its bundle, and the verdict of
// a ladder that saw everything.
func record(t *testing.T, f fault, seed uint64, max, noise int, loud bool) (Bundle, found) {
	t.Helper()
	v := &live{l: diagnose.New()}
	r := NewRecorder(max)
	x := newTrace(func(ev gateway.Event) { v.apply(ev); r.Add(ev) })
	h := &hubbub{r: rand.New(rand.NewPCG(seed, 1)), x: x, n: noise, loud: loud}
	x.noise = h.make
	f.walk(x)
	now := x.now.Add(time.Second)
	b := Bundle{
		Made: now, Gateway: "lab-3", Version: "v1", Device: porch, Devices: listed, Events: r.Events(),
		Alert: gateway.Alert{ID: "01", State: gateway.AlertFiring, Finding: gateway.Finding{Key: "device.porch", Code: f.code, Hop: f.hop, Device: porch, Summary: f.name}},
	}
	inv, err := gateway.NewInventory(listed)
	if err != nil {
		t.Fatal(err)
	}
	ds := v.l.Devices(inv, now)
	b.Path = v.l.Path(now)
	for _, d := range ds {
		if d.MAC == porch {
			b.Verdict = d.Verdict
		}
	}
	return b, findingOf(ds)
}

// passed writes a bundle and reads it again.
func passed(t *testing.T, b Bundle) Bundle {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got.Skipped != 0 || len(got.Cut) != 0 {
		t.Errorf("skipped %d, cut %q", got.Skipped, got.Cut)
	}
	return got
}

// TestReplay: every fault of the lab, among noise, replays to its verdict.
func TestReplay(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			b, saw := record(t, f, 1, 2048, 40, true)
			if saw.outcome != f.outcome || saw.hop != f.hop || saw.code != f.code {
				t.Fatalf("the trace is another fault: got %+v, want %s, %s, %s", saw, f.outcome, f.hop, f.code)
			}
			path, devices := Replay(passed(t, b))
			if got := findingOf(devices); got != saw {
				t.Errorf("got %+v, want %+v", got, saw)
			}
			if path.Outcome != b.Path.Outcome || path.Hop != b.Path.Hop || path.Code != b.Path.Code {
				t.Errorf("path: got %s, %s, %s, want %s, %s, %s", path.Outcome, path.Hop, path.Code, b.Path.Outcome, b.Path.Hop, b.Path.Code)
			}
		})
	}
}

// TestReplayQuiet: without noise nothing is lost, down to the words.
func TestReplayQuiet(t *testing.T) {
	for _, f := range faults {
		if f.name == "killed days ago" || f.name == "never leased" || f.name == "online for weeks" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			b, _ := record(t, f, 1, 2048, 0, false)
			path, devices := Replay(passed(t, b))
			for _, d := range devices {
				if d.MAC == porch && d.Verdict.Summary != b.Verdict.Summary {
					t.Errorf("got  %s\nwant %s", d.Verdict.Summary, b.Verdict.Summary)
				}
			}
			want := b.Path.Summary
			if f.code == gateway.CodeFlowKilled {
				want = want[:len(want)-len("6c:0b:84:59:72:95)")] + "porch)"
			}
			if path.Summary != want {
				t.Errorf("path: got  %s\nwant %s", path.Summary, want)
			}
		})
	}
}

// TestNoiseChangesNothing: whatever noise stands between, and however small
// the ring, the verdict is that of a ladder that saw everything.
func TestNoiseChangesNothing(t *testing.T) {
	for _, max := range []int{128, 1024} {
		for seed := range uint64(2) {
			for _, f := range faults {
				b, saw := record(t, f, seed, max, 3, false)
				_, devices := Replay(b)
				if got := findingOf(devices); got != saw {
					t.Errorf("%s, seed %d, ring of %d: got %+v, want %+v", f.name, seed, max, got, saw)
				}
			}
		}
	}
}
