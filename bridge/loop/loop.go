package loop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Events a socket can be watched for, and that Wake reports.
const (
	// In: there is something to read, or the end of the stream. Who is told so
	// reads, or stops watching.
	In uint32 = unix.EPOLLIN | unix.EPOLLRDHUP
	// Out: there is room to write, or a connect completed.
	Out uint32 = unix.EPOLLOUT
	// Gone: the peer reset the connection or it failed; a read or SO_ERROR says how.
	Gone uint32 = unix.EPOLLERR | unix.EPOLLHUP
)

// bufferSize is that of the one buffer all reads share. It bounds what one
// socket moves in one turn, so that one fast transfer cannot starve the rest.
const bufferSize = 64 << 10

// batch is how many ready sockets one epoll_wait collects.
const batch = 128

// rounds is how many batches are served before timers and the end of the
// context are looked at again: at 64 KiB each, a transfer that never lets the
// loop rest delays them by a few milliseconds.
const rounds = 16

// Watcher is what a loop tells that a socket is ready.
type Watcher interface {
	// Wake is called on the loop with those events that are present.
	Wake(fd int, events uint32)
}

// slot is the watcher of one descriptor. gen tells a descriptor from an
// earlier one of the same number whose events are still in the batch.
type slot struct {
	w   Watcher
	gen int32
}

// Loop is an event loop. Make one with New and give it a goroutine with Run.
type Loop struct {
	file  *os.File
	raw   syscall.RawConn
	epfd  int
	slots []slot
	buf   []byte
	evs   [batch]unix.EpollEvent

	// again: a watcher left something that is ready, and wants another turn.
	again  bool
	timers timers
	armed  time.Time // the read deadline in force; zero: none

	mu     sync.Mutex
	posted []func()
	wake   int // eventfd that Post writes to
	closed bool
	// ended is closed at the end of Run.
	ended chan struct{}
}

// New opens the loop's two descriptors; the end of Run gives them back.
func New() (*Loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll instance: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epfd)
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	l := &Loop{epfd: epfd, wake: wake, buf: make([]byte, bufferSize), ended: make(chan struct{})}
	err = unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	if err == nil {
		// os.NewFile hands only a non-blocking descriptor to Go's poller.
		err = unix.SetNonblock(epfd, true)
	}
	if err != nil {
		unix.Close(epfd)
		unix.Close(wake)
		return nil, fmt.Errorf("prepare epoll instance: %w", err)
	}
	// From here on the descriptor is the file's, which closes it once.
	l.file = os.NewFile(uintptr(epfd), "epoll")
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
		unix.Close(wake)
		return nil, fmt.Errorf("watch epoll instance: %w", err)
	}
	return l, nil
}

// Run serves until ctx ends. Sockets still watched then are left to their owners.
func (l *Loop) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { l.Post(func() {}) })
	defer stop()
	defer l.close()
	for ctx.Err() == nil {
		l.arm()
		if err := l.serve(ctx); err != nil {
			return fmt.Errorf("wait for sockets: %w", err)
		}
		l.timers.fire(time.Now())
	}
	return nil
}

// serve works until a timer is due or ctx ends. It stays inside one raw.Read
// for all that time: the poller then keeps a wake-up that comes while sockets
// are served, so that one epoll_wait a turn is enough, not a second one to see
// that nothing more is there. Only the beginning of raw.Read forgets a kept
// wake-up, and a turn follows it at once, which collects what is ready then
// whether or not anybody was woken for it.
func (l *Loop) serve(ctx context.Context) error {
	var err error
	rerr := l.raw.Read(func(uintptr) bool {
		err = l.turn()
		if err != nil || ctx.Err() != nil {
			return true
		}
		// The deadline must be set outside of Read, and unfinished work means
		// that no wake-up is to be waited for.
		return l.again || !l.timers.next().Equal(l.armed)
	})
	switch {
	case err != nil:
		return err
	case errors.Is(rerr, os.ErrDeadlineExceeded):
		l.armed = time.Time{}
		l.file.SetReadDeadline(time.Time{})
		return nil
	}
	return rerr
}

// turn serves what is ready. It asks again only while there may be more: the
// batch was full, or a watcher left something (Again). When it has asked often
// enough, again stays set.
func (l *Loop) turn() error {
	for range rounds {
		l.again = false
		n, err := epollNow(l.epfd, l.evs[:])
		if err != nil {
			return err
		}
		l.dispatch(n)
		l.again = l.again || n == batch
		if !l.again {
			return nil
		}
	}
	return nil
}

// arm makes serve return when the next timer is due.
func (l *Loop) arm() {
	next := l.timers.next()
	if !next.Equal(l.armed) {
		l.armed = next
		l.file.SetReadDeadline(next)
	}
}

// dispatch tells the watchers of the first n collected events.
func (l *Loop) dispatch(n int) {
	for i := range n {
		ev := &l.evs[i]
		fd := int(ev.Fd)
		if fd == l.wake {
			l.runPosted()
			continue
		}
		if fd >= len(l.slots) || l.slots[fd].w == nil || l.slots[fd].gen != ev.Pad {
			continue
		}
		// The end of the stream may stand behind bytes that a short read takes
		// all of. It was announced together with them, and is not a second time.
		l.again = l.again || ev.Events&unix.EPOLLRDHUP != 0
		l.slots[fd].w.Wake(fd, ev.Events)
	}
}

// close gives the descriptors back.
func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.posted = true, nil
	close(l.ended)
	l.file.Close()
	unix.Close(l.wake)
}
