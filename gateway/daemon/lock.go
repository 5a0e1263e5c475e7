package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"photongate/gateway"
	"photongate/gateway/config"
)

// lockName is an abstract Unix socket. Such names live in the network
// namespace, as the firewall's tables and the addresses do that must have one
// owner, and vanish with their process however that ends.
const lockName = "@photongate/gateway"

// lock is held by the one gateway of a network namespace and of its two
// directories. Nothing of it outlives its process.
type lock struct {
	// l is nil where somebody who is no gateway sits on the name.
	l    net.Listener
	dirs []*os.File
}

// takeLock becomes the one gateway of this network namespace, and of the
// directories of cfg that exist, to do what.
func takeLock(what string, cfg config.Config) (*lock, error) {
	k := &lock{}
	l, err := net.Listen("unix", lockName)
	switch {
	case err == nil:
		k.l = l
	case errors.Is(err, syscall.EADDRINUSE):
		// Any user can bind the name; only one who could run a gateway counts.
		if pid, uid := holder(); trusted(uid, cfg) {
			return nil, occupied(what, pid)
		}
	default:
		return nil, fmt.Errorf("%s: take the gateway's lock: %w", what, err)
	}
	for _, dir := range []string{cfg.Gateway.StateDir, cfg.Gateway.RuntimeDir} {
		if err := k.takeDir(what, dir); err != nil {
			k.release()
			return nil, err
		}
	}
	return k, nil
}

// takeDir locks a directory, against a gateway of another namespace that was
// given the same one. A directory that is not there has nothing to protect.
func (k *lock) takeDir(what, dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: lock directory: %w", what, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		k.dirs = append(k.dirs, f)
		return nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return gateway.Hint(fmt.Errorf("%s: a gateway that uses %s runs already, in another network namespace", what, filepath.Clean(dir)),
			"give each gateway a state_dir and a runtime_dir of its own")
	}
	return fmt.Errorf("%s: lock directory %s: %w", what, dir, err)
}

// release lets another gateway start.
func (k *lock) release() {
	if k.l != nil {
		k.l.Close()
	}
	for _, f := range k.dirs {
		f.Close()
	}
}

// occupied is the refusal because of a gateway that runs.
func occupied(what string, pid int) error {
	who := ""
	if pid != 0 {
		who = fmt.Sprintf(" (process %d)", pid)
	}
	return gateway.Hint(fmt.Errorf("%s: a gateway runs already%s", what, who), "see what it does with `photongate status`, or end it first")
}

// trusted tells whether a gateway of cfg may run as a user: root, ourselves, or
// the owner of the runtime directory.
func trusted(uid int, cfg config.Config) bool {
	if uid == 0 || uid == os.Geteuid() {
		return true
	}
	fi, err := os.Stat(cfg.Gateway.RuntimeDir)
	if err != nil {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == uid
}

// holder is the process that holds the name, and its user; 0 and 0 where that
// cannot be told, which trusts it.
func holder() (pid, uid int) {
	c, err := net.Dial("unix", lockName)
	if err != nil {
		return 0, 0
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, 0
	}
	raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid, uid = int(cred.Pid), int(cred.Uid)
		}
	})
	return pid, uid
}
