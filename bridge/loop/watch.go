package loop

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Add watches fd, which must be non-blocking, for events.
func (l *Loop) Add(fd int, events uint32, w Watcher) error {
	for fd >= len(l.slots) {
		l.slots = append(l.slots, make([]slot, max(64, len(l.slots)))...)
	}
	s := &l.slots[fd]
	s.gen++
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: s.gen}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("watch descriptor %d: %w", fd, err)
	}
	s.w = w
	return nil
}

// Modify changes what fd is watched for; with 0 only Gone is reported.
func (l *Loop) Modify(fd int, events uint32) {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: l.slots[fd].gen}
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, fd, &ev)
	// A socket reported in this turn still stands in the kernel's ready list, and
	// then a change that makes it ready wakes nobody (ep_modify in fs/eventpoll.c; seen on Linux 6.18).
	l.again = true
}

// Rewatch gives fd, which is watched, another watcher and other events.
func (l *Loop) Rewatch(fd int, events uint32, w Watcher) {
	l.slots[fd].w = w
	l.Modify(fd, events)
}

// Remove stops watching fd. A descriptor about to be closed needs Forget only.
func (l *Loop) Remove(fd int) {
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, fd, nil)
	l.Forget(fd)
}

// Forget drops the watcher of a descriptor that the caller closes now: closing
// takes it out of the epoll instance (epoll(7), Q6), and events of it that
// were collected already are not delivered.
func (l *Loop) Forget(fd int) { l.slots[fd].w = nil }

// Close closes a watched descriptor.
func (l *Loop) Close(fd int) {
	l.Forget(fd)
	unix.Close(fd)
}

// Read reads once from fd into the loop's one buffer. What it returns lasts
// until the watcher returns. The error is a bare errno, unix.EAGAIN when there
// was nothing; no bytes and no error is the end of the stream.
func (l *Loop) Read(fd int) ([]byte, error) {
	n, err := rw(unix.SYS_READ, fd, l.buf)
	l.again = l.again || n == len(l.buf)
	return l.buf[:n], err
}

// Again asks for another turn: the watcher has not taken all there is.
func (l *Loop) Again() { l.again = true }
