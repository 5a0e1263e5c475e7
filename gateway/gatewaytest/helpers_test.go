package gatewaytest

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// spy is a test that notes its failures instead of failing, and runs its
// clean-ups when asked.
type spy struct {
	testing.TB
	failures []string
	cleanups []func()
}

// Helper does nothing.
func (s *spy) Helper() {}

// Errorf notes the format.
func (s *spy) Errorf(format string, args ...any) { s.failures = append(s.failures, format) }

// Cleanup keeps f for end.
func (s *spy) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// end runs the clean-ups.
func (s *spy) end() {
	for _, f := range s.cleanups {
		f()
	}
}

// TestFirstDifference wants the line that differs.
func TestFirstDifference(t *testing.T) {
	tests := []struct {
		got, want string
		n         int
		g, w      string
	}{
		{"a\nb", "a\nb", 0, "", ""},
		{"a\nb", "a\nc", 2, "b", "c"},
		{"a", "a\nc", 2, "(end)", "c"},
		{"a\n", "a", 2, "", "(end)"},
	}
	for _, tt := range tests {
		n, g, w, differ := firstDifference(tt.got, tt.want)
		if n != tt.n || g != tt.g || w != tt.w || differ != (tt.n > 0) {
			t.Errorf("%q and %q: %d %q %q %t, want %d %q %q", tt.got, tt.want, n, g, w, differ, tt.n, tt.g, tt.w)
		}
	}
}

// TestGolden compares with a file.
func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "testdata", "x")
	*update = true
	Golden(t, path, "one\n")
	*update = false
	Golden(t, path, "one\n")
	s := &spy{TB: t}
	if Golden(s, path, "two\n"); len(s.failures) != 1 {
		t.Errorf("failures %q, want one", s.failures)
	}
}

// TestLeaks wants a goroutine that stays to be noticed, and one that ends not.
func TestLeaks(t *testing.T) {
	s := &spy{TB: t}
	Leaks(s)
	go time.Sleep(poll)
	if s.end(); len(s.failures) != 0 {
		t.Errorf("failures %q, want none", s.failures)
	}

	s = &spy{TB: t}
	Leaks(s)
	stop := make(chan struct{})
	defer close(stop)
	go func() { <-stop }()
	if s.end(); len(s.failures) != 1 || !strings.Contains(s.failures[0], "goroutines are left") {
		t.Errorf("failures %q, want one about goroutines", s.failures)
	}
}

// TestEvents records and finds.
func TestEvents(t *testing.T) {
	var e Events
	go e.Emit(gateway.Event{Kind: gateway.Leased})
	e.Wait(t, 5*time.Second, func(ev gateway.Event) bool { return ev.Kind == gateway.Leased })
	if e.Reset(); len(e.All()) != 0 {
		t.Errorf("events %v after Reset, want none", e.All())
	}
}

// TestLogAfterTest logs when the test is over: nothing may panic.
func TestLogAfterTest(t *testing.T) {
	s := &spy{TB: t}
	log := Log(s)
	log.Info("during the test")
	s.end()
	log.Info("after the test")
}
