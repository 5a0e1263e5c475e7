package gatewaytest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"photongate/gateway"
)

// Events records events: its Emit is a gateway.Sink. The zero value is ready.
type Events struct {
	mu  sync.Mutex
	all []gateway.Event
}

// Emit records an event.
func (e *Events) Emit(ev gateway.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// All is a copy of what was recorded, oldest first.
func (e *Events) All() []gateway.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// Reset forgets what was recorded.
func (e *Events) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = nil
}

// Find is the first recorded event that match accepts.
func (e *Events) Find(match func(gateway.Event) bool) (gateway.Event, bool) {
	all := e.All()
	if i := slices.IndexFunc(all, match); i >= 0 {
		return all[i], true
	}
	return gateway.Event{}, false
}

// Wait waits for an event that match accepts, at most for limit, and returns
// the first; it ends the test, with all events, when there is none.
func (e *Events) Wait(t testing.TB, limit time.Duration, match func(gateway.Event) bool) gateway.Event {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(poll) {
		if ev, ok := e.Find(match); ok {
			return ev
		}
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for an event; there were %+v", limit, e.All())
		}
	}
}
