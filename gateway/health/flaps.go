package health

import (
	"slices"
	"time"
)

// The measure of flapping: mwan3 and its like count ups and downs the same way
// (users.md E4); three ends of a story in ten minutes are bad luck, a fourth is a pattern.
const (
	// flapWindow is the time in which firings are counted, and the quiet time that ends flapping.
	flapWindow = 10 * time.Minute
	// flapLimit is how many firings in the window are still none.
	flapLimit = 3
)

// flaps remembers when each key fired lately.
type flaps map[string][]time.Time

// fired notes a firing and tells whether the key flaps.
func (f flaps) fired(key string, now time.Time) bool {
	f[key] = append(recent(f[key], now), now)
	return len(f[key]) > flapLimit
}

// prune forgets keys that did not fire in the window.
func (f flaps) prune(now time.Time) {
	for key, times := range f {
		if times = recent(times, now); len(times) == 0 {
			delete(f, key)
		} else {
			f[key] = times
		}
	}
}

// recent drops the times before the window.
func recent(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) > flapWindow })
}
