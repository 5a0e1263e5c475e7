package loop

import (
	"context"
	"sync/atomic"
	"testing"
)

func TestPostFromManyKeepsOrder(t *testing.T) {
	l := run(t)
	const posters, each = 8, 1000
	last := make([]int, posters)
	done := make(chan struct{}, posters)
	for p := range posters {
		go func() {
			for i := 1; i <= each; i++ {
				l.Post(func() {
					if last[p] != i-1 {
						t.Errorf("poster %d: %d ran after %d", p, i, last[p])
					}
					if last[p] = i; i == each {
						done <- struct{}{}
					}
				})
			}
		}()
	}
	for range posters {
		get(t, done)
	}
}

func TestDoAfterTheEnd(t *testing.T) {
	l, end := runUntil(t)
	end()
	if l.Do(t.Context(), func() { t.Error("it ran") }) {
		t.Error("Do returned true, want false")
	}
	l.Post(func() { t.Error("it ran") })
}

func TestDoGivenUpNeverRuns(t *testing.T) {
	l := run(t)
	hold, held := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(held); <-hold })
	get(t, held)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var ran atomic.Bool
	if l.Do(ctx, func() { ran.Store(true) }) {
		t.Error("Do returned true, want false")
	}
	close(hold)
	on(t, l, func() {}) // what was queued before has had its turn
	if ran.Load() {
		t.Error("the function ran after Do had returned false")
	}
}
