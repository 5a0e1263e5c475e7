package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"photongate/cmd/photonlab/site"
)

// stopGrace is how long a child may take to stop in order; systemd gives a
// service 90 s, and a person in front of a screen less.
const stopGrace = 10 * time.Second

// child is a process of the stage.
type child struct {
	// name is for people, log the file of what it prints.
	name, log string
	// cmd is the process.
	cmd *exec.Cmd
	// done is closed once it ended; err is how.
	done chan struct{}
	err  error
	// noticed: its end was reported, or is wanted. Only the goroutine of the
	// stage's run uses it.
	noticed bool
}

// startChild starts argv in a namespace, with its output in DIR/NAME.log and
// its complaints in the same file, or where split in DIR/NAME.err.
func startChild(space *site.Space, dir, name string, split bool, argv ...string) (*child, error) {
	c := &child{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := openLog(c.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Stdout, c.cmd.Stderr = out, out
	if split {
		c.log = filepath.Join(dir, name+".err")
		complaints, err := openLog(c.log)
		if err != nil {
			return nil, err
		}
		defer complaints.Close()
		c.cmd.Stderr = complaints
	}
	if err := space.Start(c.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// openLog opens a log to append to.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return f, nil
}

// stop asks the child to stop, and kills it when it takes too long.
func (c *child) stop() {
	// It may have ended by itself.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		c.kill()
	}
}

// kill ends the child at once.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// ended says how a child that should run came to its end, with its last words
// where it chose to end: one that was killed had no time for any.
func (c *child) ended() error {
	words := lastWords(c.log)
	if exit := (*exec.ExitError)(nil); errors.As(c.err, &exit) && !exit.Exited() {
		words = ""
	}
	return fmt.Errorf("run %s: %w%s", c.name, endError(c.err), words)
}

// endError is how a process ended; success is unexpected as well.
func endError(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// errEnded: a process that should run on ended without an error.
var errEnded = errors.New("it ended by itself")

// wordsShown is how much of a log fits in a message: 300 bytes hold
// photongate's longest complaint about its configuration, and its hint.
const wordsShown = 300

// lastWords is ": " and why a program gave up, by the end of its log: where
// the Go runtime ended it, the first line of what that says, else the last
// two lines, an error and its hint. It is one line, and empty for an empty log.
func lastWords(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ": " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	said := lines[max(0, len(lines)-2):]
	fatal := func(line string) bool {
		return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
	}
	if i := slices.IndexFunc(lines, fatal); i >= 0 {
		said = lines[i : i+1]
	}
	text := oneLine(strings.Join(said, "; "))
	if text == "" {
		return ""
	}
	if len(text) > wordsShown {
		text = text[:wordsShown] + " ..."
	}
	return ": " + text
}

// oneLine makes text fit for a list of reasons: spaces for line ends.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
