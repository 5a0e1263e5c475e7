package loop

import (
	"slices"
	"testing"
	"time"
)

func TestTimersFireInOrder(t *testing.T) {
	l := run(t)
	got := make(chan int, 10)
	on(t, l, func() {
		for _, n := range []int{3, 1, 4, 2} {
			l.After(time.Duration(n)*5*time.Millisecond, func() { got <- n })
		}
		l.After(7*time.Millisecond, func() { got <- 9 }).Stop()
		var late *Timer
		l.After(12*time.Millisecond, func() { late.Stop() }) // one stops another
		late = l.After(13*time.Millisecond, func() { got <- 8 })
		l.After(25*time.Millisecond, func() {
			l.After(-time.Hour, func() { close(got) }) // one that is due starts another
		})
	})
	var all []int
	for range 5 {
		all = append(all, get(t, got))
	}
	if want := []int{1, 2, 3, 4, 0}; !slices.Equal(all, want) {
		t.Errorf("got %v, want %v", all, want)
	}
}

func TestStopTimerTwice(t *testing.T) {
	l := run(t)
	fired := make(chan struct{})
	var tm *Timer
	on(t, l, func() { tm = l.After(0, func() { close(fired) }) })
	get(t, fired)
	on(t, l, func() {
		tm.Stop()
		(*Timer)(nil).Stop()
		tm = l.After(time.Hour, func() {})
		tm.Stop()
		tm.Stop()
		if len(l.timers) != 0 {
			t.Errorf("%d timers are left, want 0", len(l.timers))
		}
	})
}
