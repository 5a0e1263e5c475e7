package loop

import (
	"context"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Post runs f on the loop soon. It may be called from anywhere, and is
// forgotten once the loop has ended.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.posted = append(l.posted, f)
	if len(l.posted) == 1 {
		one := [8]byte{0: 1, 7: 1} // not zero in either byte order
		unix.Write(l.wake, one[:])
	}
}

// Do runs f on the loop and waits for it. It tells whether f ran; when it did
// not, because ctx or the loop ended first, it never will. Never call it from
// the loop.
func (l *Loop) Do(ctx context.Context, f func()) bool {
	var claim atomic.Bool // whoever takes it decides whether f runs
	ran := make(chan struct{})
	l.Post(func() {
		if claim.CompareAndSwap(false, true) {
			f()
			close(ran)
		}
	})
	select {
	case <-ran:
		return true
	case <-ctx.Done():
	case <-l.ended:
	}
	if claim.CompareAndSwap(false, true) {
		return false
	}
	<-ran
	return true
}

// runPosted empties the queue.
func (l *Loop) runPosted() {
	var b [8]byte
	unix.Read(l.wake, b[:])
	l.mu.Lock()
	fs := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range fs {
		f()
	}
}
