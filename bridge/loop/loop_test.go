package loop

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"photongate/gateway/gatewaytest"
)

// limit bounds every wait of these tests.
const limit = 10 * time.Second

// run starts a loop that ends with the test.
func run(t testing.TB) *Loop {
	t.Helper()
	l, end := runUntil(t)
	t.Cleanup(end)
	return l
}

// runUntil starts a loop; end stops it and waits for that.
func runUntil(t testing.TB) (l *Loop, end func()) {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return l, func() {
		t.Helper()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v, want nil", err)
			}
		case <-time.After(limit):
			t.Error("Run did not return")
		}
	}
}

// on runs f on the loop and waits for it.
func on(t testing.TB, l *Loop, f func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if !l.Do(ctx, f) {
		t.Fatal("the loop did not run a function")
	}
}

// get takes a value from a channel.
func get[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(limit):
		t.Fatal("nothing came")
	}
	return v
}

// pair is two connected non-blocking sockets. The loop closes a; b goes with the test.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// watcher is a function as a Watcher.
type watcher func(fd int, events uint32)

// Wake calls the function.
func (w watcher) Wake(fd int, events uint32) { w(fd, events) }

// descriptors counts the open descriptors of the process.
func descriptors(t testing.TB) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

func TestManyDescriptors(t *testing.T) {
	const n = 2000 // several batches
	l := run(t)
	peers := make([]int, n)
	woken := make(chan int, n)
	for i := range n {
		a, b := pair(t)
		peers[i] = b
		on(t, l, func() {
			err := l.Add(a, In, watcher(func(fd int, _ uint32) {
				if _, err := l.Read(fd); err == nil {
					woken <- i
				}
				l.Close(fd)
			}))
			if err != nil {
				t.Error(err)
			}
		})
	}
	on(t, l, func() {
		for _, fd := range peers {
			unix.Write(fd, []byte{1})
		}
	})
	seen := make([]bool, n)
	for range n {
		seen[get(t, woken)] = true
	}
	if i := slices.Index(seen, false); i >= 0 {
		t.Errorf("socket %d was not woken", i)
	}
	for _, fd := range peers {
		unix.Close(fd)
	}
}

// A watcher that never rests delays neither timers nor the end.
func TestRestlessWatcher(t *testing.T) {
	l, end := runUntil(t)
	a, b := pair(t)
	defer unix.Close(b)
	defer unix.Close(a)
	fired := make(chan struct{})
	on(t, l, func() {
		unix.Write(b, []byte{1})
		l.Add(a, In, watcher(func(int, uint32) { l.Again() }))
		l.After(time.Millisecond, func() { close(fired) })
	})
	get(t, fired)
	end()
}

func TestRunGivesDescriptorsBack(t *testing.T) {
	gatewaytest.Leaks(t)
	_, end := runUntil(t) // Go's poller opens its own for good
	end()
	before := descriptors(t)
	for range 5 {
		_, end := runUntil(t)
		end()
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, want %d", after, before)
	}
}

// The cost of one socket becoming ready, without that of the relay.
func BenchmarkWake(b *testing.B) {
	l := run(b)
	x, y := pair(b)
	defer unix.Close(y)
	woken := make(chan struct{}, 1)
	on(b, l, func() {
		l.Add(x, In, watcher(func(fd int, _ uint32) {
			l.Read(fd)
			woken <- struct{}{}
		}))
	})
	b.ReportAllocs()
	for b.Loop() {
		unix.Write(y, []byte{1})
		<-woken
	}
	on(b, l, func() { l.Close(x) })
}
