package site

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// demoRole encloses a stage and waits to be killed.
func demoRole() int {
	runtime.LockOSThread()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+roleStage)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	Enclose(cmd)
	if err := Start(cmd); err != nil {
		fmt.Println(err)
		return 1
	}
	_ = cmd.Wait()
	return 1
}

// stageRole opens a site, starts a process in it, says so, and waits.
func stageRole() int {
	s, err := Open(context.Background())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	cmd := exec.Command("sleep", "600")
	cmd.Stdout = os.Stdout
	if err := s.Gateway.Start(cmd); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	_ = cmd.Wait()
	return 1
}

// TestKilled kills the process that encloses the stage with SIGKILL. All that
// came of it holds the write end of one pipe, so its end proves that no
// process is left, and without a process no namespace is.
func TestKilled(t *testing.T) {
	open(t)
	before, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+roleDemo)
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the stage said %q, %v, want ready", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	// A real process is to end: ten seconds are for a loaded machine.
	out.SetReadDeadline(time.Now().Add(10 * time.Second))
	if rest, err := io.ReadAll(r); err != nil {
		t.Errorf("after kill -9: got %q, %v, want all processes gone", rest, err)
	}
	after, err := net.Interfaces()
	if err != nil || len(after) != len(before) {
		t.Errorf("interfaces outside: got %d, %v, want %d as before", len(after), err, len(before))
	}
}
