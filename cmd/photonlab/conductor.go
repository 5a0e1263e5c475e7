package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"photongate/cmd/photonlab/site"
)

// conductor is the demo's hold on the stage.
type conductor struct {
	// cmd is the stage's process.
	cmd *exec.Cmd
	// orders is the stage's stdin; its end stops the stage.
	orders io.WriteCloser
	// reports is what the stage says; closed when it has ended.
	reports chan report
}

// startStage starts this program as the stage, enclosed. The caller's
// goroutine is locked to its thread: the stage dies with that thread. The
// stage and what it starts inherit lock, so it stays locked while one lives.
func startStage(p plan, lock *os.File) (*conductor, error) {
	path, err := writePlan(p)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("look for photonlab itself: %w", err)
	}
	c := &conductor{cmd: exec.Command(self, "stage", path), reports: make(chan report)}
	c.cmd.Stderr, c.cmd.ExtraFiles = os.Stderr, []*os.File{lock}
	if c.orders, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("open pipe to the stage: %w", err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe from the stage: %w", err)
	}
	site.Enclose(c.cmd)
	if err := site.Start(c.cmd); err != nil {
		return nil, err
	}
	go c.listen(out)
	return c, nil
}

// listen passes reports on.
func (c *conductor) listen(out io.Reader) {
	defer close(c.reports)
	for in := bufio.NewScanner(out); in.Scan(); {
		var r report
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			r = report{Is: isFailed, Error: fmt.Sprintf("read what the stage says: %v", err)}
		}
		c.reports <- r
	}
}

// order asks the stage for something. A stage that is gone shows by the end
// of its reports.
func (c *conductor) order(o order) {
	b, err := json.Marshal(o)
	if err == nil {
		_, _ = c.orders.Write(append(b, '\n'))
	}
}

// stop ends the stage in order, or after a while the hard way.
func (c *conductor) stop() {
	_ = c.orders.Close()
	// Its own children have stopGrace to end.
	t := time.AfterFunc(stopGrace+5*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer t.Stop()
	for range c.reports {
	}
	// How it ended is of no interest any more.
	_ = c.cmd.Wait()
}
