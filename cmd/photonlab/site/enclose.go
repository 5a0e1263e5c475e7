package site

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"photongate/gateway"
)

// Enclose lets cmd start as the first process of a process namespace of its
// own and in a network namespace of its own; for an ordinary user in a user
// namespace as well, where it is root. The kernel kills cmd when the calling
// thread ends, and all that cmd started when cmd ends: so the caller locks its
// goroutine to the thread (runtime.LockOSThread) for as long as cmd shall live.
func Enclose(cmd *exec.Cmd) {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
		// Ctrl-C is for the caller, which then stops cmd in order.
		Setpgid: true,
	}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	cmd.SysProcAttr = attr
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "PATH="+searchPath())
}

// Start starts an enclosed command, and says what to look at when the kernel
// refuses the namespaces.
func Start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s in namespaces of its own: %w", cmd.Path, forbidden(err))
	}
	return nil
}

// searchPath is PATH with the folders of the system's tools behind, which
// Debian leaves out of an ordinary user's.
func searchPath() string {
	return os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin"
}

// packages are the Debian packages of the programs that a site needs.
var packages = map[string]string{"ip": "iproute2", "nft": "nftables"}

// CheckTools tells which program is missing, and how to get it.
func CheckTools() error {
	for _, tool := range []string{"ip", "nft"} {
		if !found(tool) {
			return gateway.Hint(fmt.Errorf("look for the program %s: %w", tool, exec.ErrNotFound),
				"apt install "+packages[tool])
		}
	}
	return nil
}

// found looks for a program along searchPath.
func found(tool string) bool {
	for dir := range strings.SplitSeq(searchPath(), ":") {
		if info, err := os.Stat(dir + "/" + tool); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return true
		}
	}
	return false
}
