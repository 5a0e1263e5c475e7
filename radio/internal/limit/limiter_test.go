package limit

import (
	"testing"
	"time"
)

// TestAllow holds the pause of each subject, which refused events do not prolong.
func TestAllow(t *testing.T) {
	l, start := New[string](time.Minute, 2), time.Unix(0, 0)
	for _, tt := range []struct {
		after time.Duration
		about string
		want  bool
	}{
		{0, "a", true},
		{0, "a", false},
		{30 * time.Second, "b", true},
		{59 * time.Second, "a", false},
		{59 * time.Second, "c", false},
		{time.Minute, "a", true},
		{89 * time.Second, "b", false},
		{90 * time.Second, "c", true},
		{90 * time.Second, "b", false},
		{2 * time.Minute, "b", true},
	} {
		if got := l.Allow(tt.about, start.Add(tt.after)); got != tt.want {
			t.Errorf("%s after %s: %t, want %t", tt.about, tt.after, got, tt.want)
		}
	}
}

// TestLimiterIsBounded holds that ever new subjects cost no more than size
// events and entries in one pause.
func TestLimiterIsBounded(t *testing.T) {
	const size = 256
	l, now, passed := New[int](time.Minute, size), time.Now(), 0
	for i := range 4 * size {
		if l.Allow(i, now) {
			passed++
		}
	}
	if passed != size || len(l.last) != size {
		t.Errorf("%d events, %d entries; want %d of each", passed, len(l.last), size)
	}
	if !l.Allow(-1, now.Add(time.Minute)) || len(l.last) != 1 {
		t.Errorf("a minute later %d entries are left, want the new one", len(l.last))
	}
}
