package site

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// roleVar tells a copy of the test binary what it is for.
const roleVar = "PHOTONLAB_SITE_TEST_ROLE"

// The roles.
const (
	// roleEnclosed runs the tests inside namespaces of their own.
	roleEnclosed = "enclosed"
	// roleDemo is a process that encloses a stage and waits to be killed.
	roleDemo = "demo"
	// roleStage opens a site and waits.
	roleStage = "stage"
)

// TestMain runs the tests in a copy of the binary inside namespaces of its
// own, as root and as an ordinary user alike, so that nothing touches the host.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case roleEnclosed:
		os.Exit(m.Run())
	case roleDemo:
		os.Exit(demoRole())
	case roleStage:
		os.Exit(stageRole())
	}
	os.Exit(encloseTests(m))
}

// encloseTests runs the tests in the copy. Where the kernel refuses, they run
// here, and those that need namespaces say why they skip.
func encloseTests(m *testing.M) int {
	runtime.LockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), roleVar+"="+roleEnclosed)
	Enclose(cmd)
	if err := Start(cmd); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return m.Run()
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// open is a site that ends with the test.
func open(t *testing.T) *Site {
	t.Helper()
	if os.Getenv(roleVar) != roleEnclosed {
		if os.Getenv("PHOTONGATE_TEST") == "net" {
			t.Fatal("no namespaces here, and PHOTONGATE_TEST=net asks for them")
		}
		t.Skip("the kernel refused namespaces, see the message at the start")
	}
	if err := CheckTools(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
