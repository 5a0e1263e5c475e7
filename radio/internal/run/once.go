package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"photongate/gateway"
)

const (
	// maxStdout bounds what a program may answer, in bytes. The longest answer
	// in use is nft's listing of a table: 80 bytes for each of at most 253
	// devices of a /24.
	maxStdout = 1 << 20
	// maxStderr and maxLines bound what of the standard error is kept: nft
	// says its reason first and quotes the offending line after it, and hostapd
	// says its reason last, within 20 lines.
	maxStderr = 4 << 10
	maxLines  = 20
	// grace is how long a killed program's own children may hold its pipes.
	// It is ours to choose: after SIGKILL nothing is to be waited for.
	grace = time.Second
)

// errTooLong says that an answer was cut off, and so cannot be trusted.
var errTooLong = fmt.Errorf("its answer is longer than %d bytes", maxStdout)

// ErrNotFound is the cause when a program is not installed.
var ErrNotFound = exec.ErrNotFound

// Once runs a program to its end and returns its standard output. The program
// reads stdin, speaks English (LC_ALL=C), and is killed when ctx ends, with its
// own children; the error then wraps the cause of ctx. An error names the program and carries
// the last lines of its standard error. A program that is not installed is
// ErrNotFound, with the name of its package as a hint.
func Once(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	path, err := find(name)
	if err != nil {
		return nil, gateway.Hint(fmt.Errorf("run %s: %w", name, err), packageHint(name))
	}
	out, said := head{max: maxStdout}, tail{max: maxStderr}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &said
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = grace
	// A program that outlives us would act behind the back of whoever cleans up
	// after us. The kernel ties it to the thread that starts it (prctl(2),
	// PR_SET_PDEATHSIG), so that thread stays ours until the end. In a process
	// group of its own it does not hear the terminal's Ctrl-C, which is for us:
	// what takes our changes back must not end with them half undone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("run %s: %w", name, context.Cause(ctx))
	case err != nil:
		return nil, failure(name, err, said.lines(maxLines))
	case out.cut:
		return nil, fmt.Errorf("run %s: %w", name, errTooLong)
	}
	return out.b, nil
}

// failure is the error of a program that ended badly, with what it said.
func failure(name string, err error, lines []string) error {
	if len(lines) == 0 {
		return fmt.Errorf("run %s: %w", name, err)
	}
	return fmt.Errorf("run %s: %w: %s", name, err, strings.Join(lines, "; "))
}

// find is the path of a program. The search path of an ordinary user on Debian
// lacks the sbin directories, where nft, ip and hostapd are.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil || !errors.Is(err, ErrNotFound) || strings.Contains(name, "/") {
		return path, err
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", ErrNotFound
}

// packageHint says what to install for a program that is missing: the package
// of Debian, and that of OpenWrt where its name differs.
func packageHint(name string) string {
	switch name {
	case "nft":
		return "install the package nftables (on OpenWrt: nftables-json or nftables-nojson)"
	case "ip":
		return "install the package iproute2 (on OpenWrt: ip-tiny)"
	case "hostapd":
		return "install the package hostapd (on OpenWrt: hostapd or wpad)"
	}
	return "install the package that contains " + name
}
