package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lab is photonlab demo with the stand-in for photongate.
func lab(t *testing.T, mode string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: its path is too long for a Unix socket.
	dir, err := os.MkdirTemp("", "lab")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	gate := filepath.Join(dir, "photongate")
	if err := os.Symlink(self, gate); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"demo", "--mqtt", "127.0.0.1:0", "--photongate", gate}, args...)...)
	cmd.Env = append(os.Environ(), gateVar+"="+mode, "TMPDIR="+dir)
	return cmd
}

// mayEnclose skips where the kernel refuses namespaces, unless it must not.
func mayEnclose(t *testing.T, stderr string) {
	t.Helper()
	if !strings.Contains(stderr, "operation not permitted") {
		return
	}
	if os.Getenv("PHOTONGATE_TEST") == "net" {
		t.Fatalf("no namespaces here, and PHOTONGATE_TEST=net asks for them: %s", stderr)
	}
	t.Skipf("the kernel refuses namespaces: %s", stderr)
}

// exitCode is how a program ended.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// TestDemoEnds runs the lab for a moment: the stand-in brings nobody online,
// which is said as JSON on the only line of stdout, and nothing stays.
func TestDemoEnds(t *testing.T) {
	cmd := lab(t, "", "--for", "1s", "--json", "--fault", "approve-one", "--at", "500ms")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	mayEnclose(t, stderr.String())
	if got := exitCode(err); got != exitUnexpected {
		t.Errorf("exit code %d, want %d: %s", got, exitUnexpected, stderr.String())
	}
	var s summary
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("%v: %q\n%s", err, stdout.String(), stderr.String())
	}
	want := "porch is none, want online: the gateway says nothing of this device|" +
		"gate is none, want online: the gateway says nothing of this device"
	if got := strings.Join(s.Reasons, "|"); got != want {
		t.Errorf("reasons: got %s\nwant %s", got, want)
	}
	for _, want := range []string{"everything has power", "fault: approve-one", "the lab took the Photons' power"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr without %q: %s", want, stderr.String())
		}
	}
	left(t, cmd)
}

// TestDemoPhotons lets real virtual Photons go to the virtual cloud through a
// gateway made of dnsmasq and a pipe, and prints the log of one.
func TestDemoPhotons(t *testing.T) {
	cmd := lab(t, "serve", "--serial", "porch")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Real processes: a Photon is online in three seconds, a loaded machine gets thirty.
	limit := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Signal(os.Interrupt) })
	defer limit.Stop()
	var said strings.Builder
	for in := bufio.NewScanner(stdout); in.Scan(); {
		said.WriteString(in.Text() + "\n")
		if strings.Contains(in.Text(), "Cloud connected") {
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	_ = cmd.Wait()
	mayEnclose(t, stderr.String())
	if !strings.Contains(said.String(), "Cloud connected") {
		t.Errorf("the log of porch has no \"Cloud connected\":\n%s%s", said.String(), stderr.String())
	}
	if strings.Contains(said.String(), "the address") {
		t.Errorf("the stranger got an address: %s", said.String())
	}
	left(t, cmd)
}

// TestDemoGateDies starts with a photongate that cannot.
func TestDemoGateDies(t *testing.T) {
	cmd := lab(t, "die", "--for", "1s", "--json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	mayEnclose(t, stderr.String())
	want := "photonlab: set up the lab: run photongate: exit status 1: cannot live here\n"
	if got := exitCode(err); got != exitUsage || !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("exit code %d, want %d; stderr %s\nwant %s", got, exitUsage, stderr.String(), want)
	}
	left(t, cmd)
}

// TestDemoGateLeaves loses photongate on the way.
func TestDemoGateLeaves(t *testing.T) {
	cmd := lab(t, "leave", "--for", "1s", "--json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	mayEnclose(t, stderr.String())
	if got := exitCode(err); got != exitUnexpected {
		t.Errorf("exit code %d, want %d: %s", got, exitUnexpected, stderr.String())
	}
	if want := "run photongate: exit status 3: had enough"; !strings.Contains(string(stdout), want) {
		t.Errorf("got %s\nwant %s in it", stdout, want)
	}
	left(t, cmd)
}

// TestDemoInterrupted ends the lab with Ctrl-C: the result comes all the same.
func TestDemoInterrupted(t *testing.T) {
	cmd := lab(t, "", "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, _ := powered(t, cmd)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	if got := exitCode(cmd.Wait()); got != exitUnexpected {
		t.Errorf("exit code %d, want %d: %s", got, exitUnexpected, rest)
	}
	var s summary
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil || len(s.Devices) != 3 {
		t.Errorf("%v: %q", err, stdout.String())
	}
	left(t, cmd)
}

// powered starts the lab, waits until everything has power, and returns what
// is still to come on stderr, and the pipe that it comes through.
func powered(t *testing.T, cmd *exec.Cmd) (io.Reader, io.Closer) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(stderr)
	var said strings.Builder
	for !strings.Contains(said.String(), "everything has power") {
		line, err := in.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			_ = cmd.Wait()
			mayEnclose(t, said.String())
			t.Fatalf("%v after %s", err, said.String())
		}
	}
	return in, stderr
}

// left fails the test when a process or a folder of the lab is left.
func left(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	noProcess(t, cmd)
	if all := folders(t, cmd); len(all) > 0 {
		t.Errorf("folders left: %q", all)
	}
}

// noProcess fails the test when a process of the lab is left. The kernel ends
// them without anybody to wait on, so this looks again for a while.
func noProcess(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		all := living(t, cmd)
		if len(all) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes left: %q", all)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// living lists the command lines of the processes that have the TMPDIR of cmd
// in their environment, cmd and all that came of it, by their folder in /proc.
func living(t *testing.T, cmd *exec.Cmd) map[string]string {
	t.Helper()
	mark := []byte(cmd.Env[len(cmd.Env)-1] + "\x00")
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, path := range environs {
		// A process that ended meanwhile, or is not ours, has nothing to read.
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(append(env, 0), mark) {
			line, _ := os.ReadFile(filepath.Dir(path) + "/cmdline")
			all[filepath.Dir(path)] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
	return all
}
