package gatewaytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// childEnv names the test that a child process runs; only a child has it.
	childEnv = "PHOTONGATE_TEST_CHILD"
	// furnished is the value of childEnv once furnish has done its work.
	furnished = "furnished"
	// strictEnv holds a layer of tests that may not skip: "net". make and the
	// continuous integration set it.
	strictEnv = "PHOTONGATE_TEST"
)

// InNamespace runs the calling test again in a child process with a network
// and a mount namespace of its own, as root there, and tells which of the two
// it is in. In the child it is true: lo is up, nothing else exists, /run is an
// empty tmpfs (so `ip netns add` works) and the host is out of reach. In the
// parent it is false, after the child has ended and its result has become the
// caller's; the caller then returns at once.
//
// It works as root and, through a user namespace, as anybody. Where the kernel
// forbids that, the test is skipped with the reason, and fails instead when
// PHOTONGATE_TEST is "net". A skip or a failure of the child is one of the
// parent. A subtest may call it; then the child runs its parents up to it.
func InNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) != "" {
		furnish(t)
		return true
	}
	cmd := exec.Command("/proc/self/exe", childArgs(t)...)
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	cmd.SysProcAttr = namespaces()
	out, err := runLocked(cmd)
	judge(t, string(out), err)
	return false
}

// namespaces asks for fresh ones, and for root's place in them. Root itself
// needs no user namespace, which many machines forbid.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// childArgs are the flags with which the test binary runs t, and only t.
func childArgs(t *testing.T) []string {
	var pattern []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	args := []string{"-test.v=true", "-test.count=1", "-test.run=" + strings.Join(pattern, "/")}
	if *update {
		args = append(args, "-update")
	}
	if end, ok := t.Deadline(); ok {
		// The child ends first, so that its goroutines are in the report.
		left := max(time.Until(end)*9/10, time.Second)
		args = append(args, fmt.Sprintf("-test.timeout=%s", left))
	}
	return args
}

// runLocked runs cmd on a thread that stays: the kernel sends Pdeathsig when
// the thread that started the child ends, not the process (prctl(2)).
func runLocked(cmd *exec.Cmd) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.CombinedOutput()
}

// judge turns the end of a child into the result of t. A run that neither
// passed nor skipped by name did not run the test at all.
func judge(t *testing.T, out string, err error) {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		refuse(t, fmt.Sprintf("start a process in new namespaces: %v", err))
	case err != nil:
		t.Fatalf("in the child process: %v\n%s", err, out)
	case strings.Contains(out, "--- SKIP: "):
		refuse(t, "in the child process:\n"+out)
	case !strings.Contains(out, "--- PASS: "+t.Name()+" ("):
		t.Fatalf("the child process did not run the test:\n%s", out)
	case testing.Verbose():
		t.Logf("in the child process:\n%s", out)
	}
}

// refuse skips t, or fails it where skipping is forbidden.
func refuse(t *testing.T, why string) {
	t.Helper()
	if os.Getenv(strictEnv) == "net" {
		t.Fatalf("%s=net forbids to skip: %s", strictEnv, why)
	}
	t.Skip(why)
}

// furnish makes the child's namespaces usable. It may run again: a second
// subtest finds them furnished.
func furnish(t *testing.T) {
	t.Helper()
	if os.Getenv(childEnv) == furnished {
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		// Some distributions give a user namespace, and no rights inside.
		refuse(t, fmt.Sprintf("make the mounts private: %v", err))
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		refuse(t, fmt.Sprintf("mount a tmpfs on /run: %v", err))
	}
	// The old sysfs lists the host's interfaces. Where the kernel refuses a
	// new one (a container that hides parts of /sys), tests use netlink alone.
	_ = unix.Mount("sysfs", "/sys", "sysfs", 0, "")
	if err := os.Mkdir(netnsDir, 0o755); err != nil {
		t.Fatalf("make a place for namespaces: %v", err)
	}
	// A tool that a test starts inherits it, which harms nothing.
	os.Setenv(childEnv, furnished)
	Sh(t, "ip link set lo up")
}
