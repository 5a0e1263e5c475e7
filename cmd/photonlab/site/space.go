package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"photongate/gateway"
)

// Space is a network namespace, held by one thread of this process that never
// leaves it. The namespace ends when that thread, the processes started in it
// and the sockets opened in it have ended.
type Space struct {
	// name is for people; the kernel knows none.
	name string
	// file is an open handle of the namespace, to hand to `ip`.
	file *os.File
	// jobs is what the thread is asked to do.
	jobs chan func()
	// quit tells the thread to end, done tells that it has.
	quit, done chan struct{}
	// once guards quit.
	once sync.Once
}

// OpenSpace makes a new namespace without IPv6 and with its loopback up. It
// needs CAP_SYS_ADMIN and CAP_NET_ADMIN, in a user namespace at least.
func OpenSpace(name string) (*Space, error) {
	s := &Space{name: name, jobs: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	opened := make(chan error)
	go s.hold(opened)
	if err := <-opened; err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	if err := s.prepare(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// hold is the thread's life.
func (s *Space) hold(opened chan<- error) {
	// Never unlocked: the runtime ends a thread whose goroutine ends locked, and
	// the namespace must not leak into the threads of others.
	runtime.LockOSThread()
	defer close(s.done)
	err := s.enter()
	opened <- err
	if err != nil {
		return
	}
	defer s.file.Close()
	for {
		select {
		case job := <-s.jobs:
			job()
		case <-s.quit:
			return
		}
	}
}

// enter moves the calling thread into a new namespace.
func (s *Space) enter() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return forbidden(err)
	}
	s.file, err = os.Open("/proc/thread-self/ns/net")
	return err
}

// prepare gives the namespace its loopback, and takes IPv6 away: a Photon has
// none, and what the kernel says over it by itself would look like a device's.
func (s *Space) prepare() error {
	if err := s.Sysctl("net/ipv6/conf/all/disable_ipv6", "1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.Tool(context.Background(), "", "ip", "link", "set", "dev", "lo", "up")
}

// String names the namespace.
func (s *Space) String() string { return s.name }

// Do runs f on the thread of the namespace: sockets that f opens and processes
// that it starts belong there.
func (s *Space) Do(f func() error) error {
	result := make(chan error, 1)
	select {
	case s.jobs <- func() { result <- f() }:
		return <-result
	case <-s.done:
		return fmt.Errorf("enter namespace %s: %w", s.name, os.ErrClosed)
	}
}

// Start starts cmd in the namespace. The kernel kills it when the thread of
// the namespace ends, so no process outlives the site.
func (s *Space) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return s.Do(cmd.Start)
}

// Tool runs a program to its end in the namespace, with stdin as its input and
// files as its descriptors from 3 on. The error carries what it said.
func (s *Space) Tool(ctx context.Context, stdin, name string, args ...string) error {
	return s.tool(ctx, stdin, nil, name, args...)
}

// tool is Tool with open files to pass on.
func (s *Space) tool(ctx context.Context, stdin string, files []*os.File, name string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = strings.NewReader(stdin), &said, &said, files
	err := s.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("run %s %s in namespace %s: %w: %s", name, strings.Join(args, " "), s.name, err, oneLine(said.String()))
	}
	return nil
}

// Sysctl sets a network setting of the namespace; key is a path below /proc/sys.
func (s *Space) Sysctl(key, value string) error {
	return s.Do(func() error {
		// /proc/sys/net shows the namespace of the thread that opens it.
		if err := os.WriteFile("/proc/sys/"+key, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set sysctl %s in namespace %s: %w", key, s.name, err)
		}
		return nil
	})
}

// Close ends the thread, kills what was started in the namespace, and lets go of it.
func (s *Space) Close() {
	s.once.Do(func() { close(s.quit) })
	<-s.done
}

// oneLine makes a program's output fit for an error message: its lines joined,
// cut at 300 bytes, which holds the longest complaint of ip and two of nft.
func oneLine(said string) string {
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > 300 {
		said = said[:300] + " ..."
	}
	return said
}

// forbidden adds what to look at when the kernel refuses a namespace.
func forbidden(err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EACCES) {
		return err
	}
	return gateway.Hint(err, "run as root, or let ordinary users make namespaces: look at sysctl user.max_user_namespaces, "+
		"user.max_net_namespaces, kernel.unprivileged_userns_clone (Debian) and kernel.apparmor_restrict_unprivileged_userns (Ubuntu)")
}
