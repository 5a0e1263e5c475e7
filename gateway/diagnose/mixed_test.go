package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// interleave merges the logs of two devices that are recorded together, by
// the time since their first lines.
func interleave(a, b string) string {
	type timed struct {
		ms   int
		line string
	}
	var all []timed
	for _, log := range []string{a, b} {
		first := 0
		for l := range strings.Lines(log) {
			ms, ok := number(strings.TrimLeft(l[:stampLen], "0"))
			if !ok {
				continue
			}
			if first == 0 {
				first = ms
			}
			all = append(all, timed{ms - first, l})
		}
	}
	slices.SortStableFunc(all, func(x, y timed) int { return cmp.Compare(x.ms, y.ms) })
	var out strings.Builder
	for _, x := range all {
		out.WriteString(x.line)
	}
	return out.String()
}

// TestMixed: the lines of two devices in one log are never a confident verdict
// on a hop, unless it is that of both.
func TestMixed(t *testing.T) {
	for _, p := range plots {
		for _, q := range plots {
			for e := era06; e < eras; e++ {
				if e < p.since || e < q.since {
					continue
				}
				for _, start := range []int{4_000, 9_700, 60_000, 100_000, 5_000_000} {
					a, b := &teller{era: e, ms: 1200}, &teller{era: e, ms: start}
					p.tell(a)
					q.tell(b)
					v, st := judged(t, interleave(a.String(), b.String()))
					if !astray(v, p) || !astray(v, q) || v.Healthy() {
						continue
					}
					t.Errorf("%s and %s from %d, %s: got %s, %q, %s (order %d): %s", p.name, q.name, start, firmware[e], v.Outcome, v.Hop, v.Code, st.Order, v.Summary)
				}
			}
		}
	}
}

// lives are the stamps of a device that starts anew after each of the times,
// in ms, with ten lines in between.
func lives(ends ...uint64) []uint64 {
	var out []uint64
	for i, end := range ends {
		first := 2000 + uint64(i%3)*7
		for k := range uint64(11) {
			out = append(out, first+(end-first)*k/10)
		}
	}
	return out
}

// TestOrder: how the stamps of a log run.
func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		ms   []uint64
		want Order
	}{
		{"one life", []uint64{1, 5000, 9000, 70000}, OrderUp},
		{"threads", []uint64{1000, 999, 1005, 1003, 1010, 1008, 1020, 1015}, OrderUp},
		{"restarts", lives(9000, 9000, 9000, 9000, 9000), OrderUp},
		{"restarts that live longer and longer", lives(9000, 20000, 40000, 50000), OrderUp},
		{"restarts that live shorter and shorter", lives(50000, 40000, 20000, 9000), OrderUp},
		{"lives of two lines", []uint64{1000, 9000, 1000, 9000, 1000, 9000, 1000, 9000, 1000, 9000}, OrderDoubtful},
		{"restarts at odd times", []uint64{2100, 2300, 70000, 2000, 2500, 60000, 2200, 2400, 65000, 90000, 2100, 2600}, OrderUp},
		{"a log twice", []uint64{5000, 6000, 9000, 70000, 5000, 6000, 9000, 70000}, OrderUp},
		{"two devices", []uint64{62000, 903000, 68000, 69000, 918000, 73000, 925000, 78000}, OrderMixed},
		{"newest first", []uint64{78000, 73000, 68000, 62000, 5000, 4000}, OrderDown},
	} {
		var k tracks
		for _, ms := range tt.ms {
			k.note(ms)
		}
		if got := k.order(); got != tt.want {
			t.Errorf("%s: got %d, want %d (%+v)", tt.name, got, tt.want, k)
		}
	}
}
