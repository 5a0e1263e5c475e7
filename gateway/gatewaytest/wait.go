package gatewaytest

import (
	"testing"
	"time"
)

// poll is the pause between two looks: short beside anything a process does.
const poll = 5 * time.Millisecond

// Eventually waits until cond holds, and ends the test when it does not within
// the limit; what says what was waited for, as in "hostapd answers". It is for
// the edges of real processes and kernels, which tell nobody when they are
// done; inside the program wait for Ready or an event.
func Eventually(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(poll) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain: %s", limit, what)
		}
	}
}

// Closed waits until ch is closed, at most for limit, and ends the test when it
// is not. It serves for Ready.
func Closed(t testing.TB, limit time.Duration, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(limit):
		t.Fatalf("waited %s in vain: %s", limit, what)
	}
}
