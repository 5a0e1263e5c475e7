package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A socket that is closed while the batch is served, and whose number is used
// again at once, gets neither its own old events nor gives them to the new one.
func TestCloseInBatch(t *testing.T) {
	l := run(t)
	a1, b1 := pair(t)
	a2, b2 := pair(t)
	defer unix.Close(b1)
	defer unix.Close(b2)
	a3, b3 := pair(t) // what takes the number; nothing ever happens to it
	defer unix.Close(a3)
	defer unix.Close(b3)
	first := make(chan int, 2)
	fresh := watcher(func(int, uint32) { t.Error("the new socket was told an event of the old one") })
	replace := func(mine, others int) watcher {
		return func(fd int, _ uint32) {
			l.Close(others)
			n, err := unix.FcntlInt(uintptr(a3), unix.F_DUPFD_CLOEXEC, others)
			if err != nil || n != others {
				t.Errorf("got descriptor %d, %v; want %d", n, err, others)
			}
			if err := l.Add(n, 0, fresh); err != nil {
				t.Error(err)
			}
			l.Close(mine)
			first <- mine
		}
	}
	on(t, l, func() {
		l.Add(a1, In, replace(a1, a2))
		l.Add(a2, In, replace(a2, a1))
		unix.Write(b1, []byte{1})
		unix.Write(b2, []byte{1})
	})
	mine := get(t, first)
	on(t, l, func() { l.Close(a1 + a2 - mine) })
	if len(first) != 0 {
		t.Error("the closed socket was woken too")
	}
}

// Bytes and the end of the stream that arrive together are one announcement.
// No timer runs here that would hide a forgotten one.
func TestEndBehindBytes(t *testing.T) {
	l := run(t)
	a, b := pair(t)
	got := make(chan int, 4)
	on(t, l, func() {
		unix.Write(b, make([]byte, 40))
		unix.Close(b)
		l.Add(a, In, watcher(func(fd int, _ uint32) {
			p, err := l.Read(fd)
			if err != nil {
				t.Errorf("read: %v", err)
			}
			got <- len(p)
			if len(p) == 0 {
				l.Close(fd)
			}
		}))
	})
	if n, m := get(t, got), get(t, got); n != 40 || m != 0 {
		t.Errorf("read %d and then %d bytes, want 40 and then 0", n, m)
	}
}

// More than a buffer arrives as one announcement too.
func TestMoreThanABuffer(t *testing.T) {
	l := run(t)
	a, b := pair(t)
	defer unix.Close(b)
	unix.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
	const size = 3*bufferSize + 7
	got := make(chan int, 1)
	sum := 0
	on(t, l, func() {
		for sent := 0; sent < size; {
			n, err := unix.Write(b, make([]byte, size-sent))
			if err != nil {
				t.Fatalf("write after %d bytes: %v", sent, err)
			}
			sent += n
		}
		l.Add(a, In, watcher(func(fd int, _ uint32) {
			p, _ := l.Read(fd)
			if sum += len(p); sum == size {
				l.Close(fd)
				got <- sum
			}
		}))
	})
	get(t, got)
}

func TestRewatchAndRemove(t *testing.T) {
	l := run(t)
	a, b := pair(t)
	defer unix.Close(b)
	got := make(chan uint32, 1)
	on(t, l, func() {
		l.Add(a, 0, watcher(func(int, uint32) { t.Error("the first watcher was woken") }))
		unix.Write(b, []byte{1})
		l.Rewatch(a, In, watcher(func(fd int, ev uint32) {
			l.Remove(fd)
			got <- ev
		}))
	})
	if ev := get(t, got); ev&unix.EPOLLIN == 0 {
		t.Errorf("woken with %#x, want EPOLLIN", ev)
	}
	on(t, l, func() {
		if err := l.Add(a, Out, watcher(func(fd int, ev uint32) { l.Close(fd); got <- ev })); err != nil {
			t.Errorf("add again after Remove: %v", err)
		}
	})
	if ev := get(t, got); ev&Out == 0 {
		t.Errorf("woken with %#x, want EPOLLOUT", ev)
	}
}

// What is there already when a socket begins to be watched for it is found:
// the kernel tells nobody of it, because the socket counts as announced from
// the event before.
func TestModifyFindsWhatIsThere(t *testing.T) {
	l := run(t)
	a, b := pair(t)
	defer unix.Close(b)
	got := make(chan struct{})
	on(t, l, func() {
		l.Add(a, Out, watcher(func(fd int, ev uint32) {
			if ev&Out != 0 {
				unix.Write(b, []byte{1})
				l.Modify(fd, In)
				return
			}
			l.Close(fd)
			close(got)
		}))
	})
	get(t, got)
}

func TestAddRefuses(t *testing.T) {
	l := run(t)
	on(t, l, func() {
		err := l.Add(9999, In, nil)
		if want := "watch descriptor 9999: bad file descriptor"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
