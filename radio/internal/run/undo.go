package run

import (
	"errors"
	"os/exec"
	"syscall"
)

// Undo does what takes something back, and does it once more when a signal
// ended the program that it ran: whoever ends everything at once, as
// `killall` and an out-of-memory killer may, ends that program too, and a
// machine that stays changed is worse than a second try. do must bear to be
// called twice.
func Undo(do func() error) error {
	err := do()
	if signaled(err) {
		err = do()
	}
	return err
}

// signaled tells whether an error is that of a program which a signal ended.
// One that Once itself ended, with its context, is none.
func signaled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}
