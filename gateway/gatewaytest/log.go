package gatewaytest

import (
	"log/slog"
	"sync"
	"testing"
)

// Log is a logger, down to debug, into the log of the test. What is logged
// after the test is dropped.
func Log(t testing.TB) *slog.Logger {
	w := &testWriter{t: t}
	t.Cleanup(w.close)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
}

// withoutTime drops the time: as in the product, whose init system adds it.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// testWriter writes to the log of a test while the test lives; t is nil after.
type testWriter struct {
	mu sync.Mutex
	t  testing.TB
}

// Write logs one line.
func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Output().Write(p)
	}
	return len(p), nil
}

// close forgets the test.
func (w *testWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = nil
}
