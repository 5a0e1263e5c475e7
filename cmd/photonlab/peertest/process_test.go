package peertest

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"photongate/gateway/gatewaytest"
)

// stopLimit bounds the end of a process; photongate gives each group of its
// parts 15 s.
const stopLimit = 20 * time.Second

// process is a program in one of the namespaces.
type process struct {
	name string
	cmd  *exec.Cmd
	// out is all that it printed; done is closed at its end, err is how.
	out  *output
	done chan struct{}
	err  error
}

// start starts cmd in a namespace; it ends, in order, with the test.
func (w *world) start(ns string, cmd *exec.Cmd, name string) *process {
	w.t.Helper()
	p := &process{name: name, cmd: cmd, out: new(output), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	gatewaytest.Do(w.t, ns, func() {
		if err := cmd.Start(); err != nil {
			w.t.Fatalf("start %s: %v", name, err)
		}
	})
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	w.t.Cleanup(func() { p.stop(w.t) })
	return p
}

// ended tells whether the process ended, and fails the test then.
func (p *process) ended(t *testing.T) bool {
	select {
	case <-p.done:
		t.Fatalf("%s ended: %v\n%s", p.name, p.err, p.out)
		return true
	default:
		return false
	}
}

// stop asks the process to end, and wants it to do so without an error.
func (p *process) stop(t *testing.T) {
	// It may have ended by itself, which is an error below where it is one.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if p.err != nil {
		t.Errorf("%s ended: %v", p.name, p.err)
	}
	if t.Failed() {
		t.Logf("%s said:\n%s", p.name, p.out)
	}
}

// says waits until the process printed a line that ends in tail.
func (p *process) says(t *testing.T, limit time.Duration, tail string) {
	t.Helper()
	gatewaytest.Eventually(t, limit, p.name+" says "+strings.TrimSpace(tail), func() bool {
		return strings.Contains(p.out.String(), tail) || p.ended(t)
	})
}
