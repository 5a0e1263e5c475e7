package gateway

import (
	"context"
	"math/rand/v2"
	"time"
)

// Task is one thing that runs for the life of the gateway.
type Task interface {
	// Run works until ctx ends, and then returns nil. It returns an error only
	// when trying again cannot help.
	Run(ctx context.Context) error
	// Ready is closed once the task serves.
	Ready() <-chan struct{}
	// String names the task, as in "dns on 192.168.77.1:53".
	String() string
}

// Backoff is a growing pause between attempts, with jitter so that many
// gateways do not return in step. The zero value starts at half a second
// and stops growing at a minute.
type Backoff struct {
	// Min and Max bound the pause.
	Min, Max time.Duration
	// last is the pause before jitter.
	last time.Duration
}

// Next returns how long to pause before the next attempt.
func (b *Backoff) Next() time.Duration {
	lo, hi := b.Min, b.Max
	if lo <= 0 {
		lo = 500 * time.Millisecond
	}
	if hi <= 0 {
		hi = time.Minute
	}
	b.last = min(max(2*b.last, lo), hi)
	// Between 75 % and 125 %: enough to spread a fleet, little enough to predict.
	return b.last*3/4 + rand.N(b.last/2+1)
}

// Reset starts over, after a success.
func (b *Backoff) Reset() { b.last = 0 }

// Pause waits for d, or until ctx ends, and tells whether it waited it out.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Hinted is an error with advice for the person who sees it. The program
// prints the advice on a line of its own, behind "hint:".
type Hinted struct {
	Err  error
	Hint string
}

// Error is the error without the advice.
func (h *Hinted) Error() string { return h.Err.Error() }

// Unwrap is the error without the advice.
func (h *Hinted) Unwrap() error { return h.Err }

// Hint adds advice to an error; a nil error stays nil, and no advice adds nothing.
func Hint(err error, hint string) error {
	if err == nil || hint == "" {
		return err
	}
	return &Hinted{Err: err, Hint: hint}
}
