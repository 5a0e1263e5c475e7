package gatewaytest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// netnsDir is where ip(8) keeps named network namespaces.
const netnsDir = "/run/netns"

// Sh runs lines of shell, stops at the first that fails, and returns what they
// printed. A failure ends the test with all of the output.
func Sh(t testing.TB, lines ...string) string {
	t.Helper()
	script := strings.Join(lines, "\n")
	// -x names the line that failed.
	cmd := exec.Command("sh", "-exc", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	var out, trace strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &trace
	if err := cmd.Run(); err != nil {
		t.Fatalf("run a script: %v\n%s%s", err, out.String(), trace.String())
	}
	return out.String()
}

// NetNS adds a named network namespace with lo up; it goes with the test.
// Call it in a test for which InNamespace is true.
func NetNS(t testing.TB, name string) {
	t.Helper()
	Sh(t, "ip netns add "+name, "ip -n "+name+" link set lo up")
	t.Cleanup(func() { Sh(t, "ip netns delete "+name) })
}

// Veth adds a cable: the interface here, in the namespace of the test, to the
// interface there in the namespace ns; both are up, without addresses.
func Veth(t testing.TB, here, there, ns string) {
	t.Helper()
	Sh(t,
		fmt.Sprintf("ip link add %s type veth peer name %s netns %s", here, there, ns),
		fmt.Sprintf("ip link set %s up", here),
		fmt.Sprintf("ip -n %s link set %s up", ns, there),
	)
}

// Do calls f on a thread inside the namespace ns: sockets that f opens belong
// to ns, and keep working afterwards. Goroutines that f starts are outside.
func Do(t testing.TB, ns string, f func()) {
	t.Helper()
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatalf("open the test's own namespace: %v", err)
	}
	defer home.Close()
	away, err := os.Open(filepath.Join(netnsDir, ns))
	if err != nil {
		t.Fatalf("open namespace %s: %v", ns, err)
	}
	defer away.Close()
	if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatalf("enter namespace %s: %v", ns, err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			// The thread stays locked, and so ends with this goroutine.
			t.Errorf("leave namespace %s: %v", ns, err)
			return
		}
		runtime.UnlockOSThread()
	}()
	f()
}
