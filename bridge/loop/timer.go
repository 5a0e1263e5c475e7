package loop

import (
	"container/heap"
	"time"
)

// Timer is a function that will run on the loop.
type Timer struct {
	at    time.Time
	f     func()
	index int // in the heap; -1 when fired or stopped
	heap  *timers
}

// After runs f on the loop once d has passed.
func (l *Loop) After(d time.Duration, f func()) *Timer {
	t := &Timer{at: time.Now().Add(d), f: f, heap: &l.timers}
	heap.Push(&l.timers, t)
	return t
}

// Stop cancels the timer; stopping a nil, fired or stopped timer does nothing.
func (t *Timer) Stop() {
	if t != nil && t.index >= 0 {
		heap.Remove(t.heap, t.index)
	}
}

// timers is a heap by due time.
type timers []*Timer

// next is when the first timer is due; zero when there is none.
func (h timers) next() time.Time {
	if len(h) == 0 {
		return time.Time{}
	}
	return h[0].at
}

// fire runs what is due at now. What it starts meanwhile waits for the next turn.
func (h *timers) fire(now time.Time) {
	for len(*h) > 0 && !(*h)[0].at.After(now) {
		heap.Pop(h).(*Timer).f()
	}
}

// Len, Less, Swap, Push and Pop are container/heap's interface.
func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
