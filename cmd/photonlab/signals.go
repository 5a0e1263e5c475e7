package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// secondCtrlC is how long after a signal Ctrl-C begins to end the program at
// once. Sooner it is the same event: timeout(1) and a shell that hangs up
// signal a program and its process group.
const secondCtrlC = time.Second

// untilSignal is a context that ends with Ctrl-C, SIGTERM, or SIGHUP when the
// terminal goes; its cause says which. Call end to end it for another reason.
func untilSignal() (ctx context.Context, end context.CancelCauseFunc) {
	ctx, end = context.WithCancelCause(context.Background())
	// A reader of stdout that goes, as `head` does, must not kill the program
	// before it has cleaned up: the write fails instead, see outlet.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	came := make(chan os.Signal, 1)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	// nohup(1) asks to outlive the terminal.
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(came, syscall.SIGHUP)
	}
	go func() {
		end(fmt.Errorf("got signal: %s", <-came))
		time.AfterFunc(secondCtrlC, func() { signal.Reset(os.Interrupt) })
	}()
	return ctx, end
}

// outlet is stdout or stderr; lost is called when nobody reads it any more.
type outlet struct {
	// file is where it goes.
	file *os.File
	// lost gets the error of a write.
	lost func(error)
}

// Write writes b.
func (o outlet) Write(b []byte) (int, error) {
	n, err := o.file.Write(b)
	if err != nil {
		o.lost(err)
	}
	return n, err
}

// Fd is the descriptor, for terminals.
func (o outlet) Fd() uintptr { return o.file.Fd() }
