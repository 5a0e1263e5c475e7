package gatewaytest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// subjectEnv tells TestSubject how to end.
const subjectEnv = "PHOTONGATE_TEST_SUBJECT"

// TestSubject is what TestInNamespaceResult runs, in a process of its own.
func TestSubject(t *testing.T) {
	want := os.Getenv(subjectEnv)
	if want == "" {
		return // Only TestInNamespaceResult gives it something to do.
	}
	if !InNamespace(t) {
		return
	}
	switch want {
	case "fail":
		t.Error("as asked")
	case "skip":
		t.Skip("as asked")
	case "skip a part":
		t.Run("part", func(t *testing.T) { t.Skip("as asked") })
	case "exit":
		os.Exit(0)
	}
}

// TestInNamespaceResult wants the child's result to become the caller's, and no
// child that did not run the test to count as a success.
func TestInNamespaceResult(t *testing.T) {
	tests := []struct{ subject, strict, want string }{
		{"pass", "", "--- PASS: TestSubject ("},
		{"pass", "net", "--- PASS: TestSubject ("},
		{"fail", "", "--- FAIL: TestSubject ("},
		{"skip", "", "--- SKIP: TestSubject ("},
		{"skip", "net", "PHOTONGATE_TEST=net forbids to skip: in the child process:"},
		{"skip a part", "net", "--- FAIL: TestSubject ("},
		{"exit", "", "--- FAIL: TestSubject ("},
	}
	for _, tt := range tests {
		t.Run(tt.subject+tt.strict, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^TestSubject$")
			cmd.Env = append(os.Environ(), subjectEnv+"="+tt.subject, strictEnv+"="+tt.strict)
			out, _ := cmd.CombinedOutput()
			// The child's own lines are in the report, indented; the parent's are not.
			if !strings.Contains("\n"+string(out), "\n"+tt.want) && !strings.Contains(string(out), tt.want+"\n") {
				t.Errorf("want %q in\n%s", tt.want, out)
			}
		})
	}
}

// TestInNamespace looks around in the child.
func TestInNamespace(t *testing.T) {
	if !InNamespace(t) {
		return
	}
	if got, want := interfaces(t), []string{"lo"}; !slices.Equal(got, want) {
		t.Errorf("interfaces %q, want %q", got, want)
	}
	if os.Getuid() != 0 {
		t.Errorf("uid %d, want 0", os.Getuid())
	}
	t.Run("again", func(t *testing.T) {
		if !InNamespace(t) {
			t.Error("a subtest is not in the namespace of its parent")
		}
	})
}

// TestInNamespaceSubtest runs a subtest alone in a child; its name needs quoting.
func TestInNamespaceSubtest(t *testing.T) {
	t.Run("a (strange) name", func(t *testing.T) {
		if InNamespace(t) && interfaces(t)[0] != "lo" {
			t.Errorf("interfaces %q, want lo alone", interfaces(t))
		}
	})
}

// TestTopology carries bytes over a cable between two namespaces.
func TestTopology(t *testing.T) {
	if !InNamespace(t) {
		return
	}
	NetNS(t, "far")
	Veth(t, "near0", "far0", "far")
	Sh(t, "ip addr add 192.0.2.1/24 dev near0", "ip -n far addr add 192.0.2.2/24 dev far0")

	var l net.Listener
	Do(t, "far", func() {
		if got, want := interfaces(t), []string{"far0", "lo"}; !slices.Equal(got, want) {
			t.Errorf("interfaces %q, want %q", got, want)
		}
		var err error
		if l, err = net.Listen("tcp", "192.0.2.2:0"); err != nil {
			t.Fatal(err)
		}
	})
	defer l.Close()
	if got, want := interfaces(t), []string{"lo", "near0"}; !slices.Equal(got, want) {
		t.Errorf("interfaces %q after Do, want %q", got, want)
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			fmt.Fprint(c, "hello")
			c.Close()
		}
	}()
	c, err := net.DialTimeout("tcp", l.Addr().String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 5)
	if _, err := c.Read(buf); err != nil || string(buf) != "hello" {
		t.Errorf("read %q, %v, want hello", buf, err)
	}
}

// interfaces lists the names of the interfaces, sorted.
func interfaces(t *testing.T) []string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}
