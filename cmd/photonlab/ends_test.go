package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoEndedBy ends the lab in every way that lets it clean up.
func TestDemoEndedBy(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(*exec.Cmd) error
	}{
		{"hangup", func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGHUP) }},
		// As timeout(1) does it.
		{"twice", func(c *exec.Cmd) error {
			if err := c.Process.Signal(syscall.SIGTERM); err != nil {
				return err
			}
			return c.Process.Signal(syscall.SIGINT)
		}},
	} {
		cmd := lab(t, "", "--json")
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		stderr, _ := powered(t, cmd)
		if err := tc.end(cmd); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(stderr)
		if got := exitCode(cmd.Wait()); got != exitUnexpected {
			t.Errorf("%s: exit code %d, want %d: %s", tc.name, got, exitUnexpected, rest)
		}
		if result(t, stdout.Bytes()); t.Failed() {
			t.Logf("%s: %s", tc.name, rest)
		}
		left(t, cmd)
	}
}

// TestDemoUnread takes away who reads the lab's output: it ends by itself with
// the next thing to say, the end of a Photon.
func TestDemoUnread(t *testing.T) {
	cmd := lab(t, "", "--json")
	_, pipe := powered(t, cmd)
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(find(t, cmd, "photon porch"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Real processes end within a second; a loaded machine gets thirty.
	limit := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	if got := exitCode(cmd.Wait()); got != exitUnexpected {
		t.Errorf("exit code %d, want %d", got, exitUnexpected)
	}
	left(t, cmd)
}

// TestDemoGateKilled kills photongate: the lab ends at once, and says so once
// and in one line.
func TestDemoGateKilled(t *testing.T) {
	cmd := lab(t, "", "--json", "--fault", "drop", "--for", "10m")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, _ := powered(t, cmd)
	if err := syscall.Kill(find(t, cmd, "photongate run"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	if got := exitCode(cmd.Wait()); got != exitUnexpected {
		t.Errorf("exit code %d, want %d: %s", got, exitUnexpected, rest)
	}
	const want = "run photongate: signal: killed"
	if got := strings.Join(result(t, stdout.Bytes()).Reasons, "|"); got != want {
		t.Errorf("reasons: got %q, want %q", got, want)
	}
	if n := strings.Count(string(rest), want); n != 1 {
		t.Errorf("said %d times, want once: %s", n, rest)
	}
	left(t, cmd)
}

// TestDemoPhotonKilled kills the processes of two Photons: that is the reason,
// and not what the gateway says of the listed one.
func TestDemoPhotonKilled(t *testing.T) {
	cmd := lab(t, "", "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, _ := powered(t, cmd)
	for _, name := range []string{"porch", "stranger"} {
		if err := syscall.Kill(find(t, cmd, "photon "+name), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewScanner(stderr)
	for said := 0; said < 2 && in.Scan(); {
		said += strings.Count(in.Text(), "signal: killed")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	if got := exitCode(cmd.Wait()); got != exitUnexpected {
		t.Errorf("exit code %d, want %d", got, exitUnexpected)
	}
	reasons := result(t, stdout.Bytes()).Reasons
	got := strings.Join(reasons, "|")
	for _, want := range []string{"run porch: signal: killed", "run stranger: signal: killed",
		"gate is none, want online: the gateway says nothing of this device"} {
		if !strings.Contains(got, want) {
			t.Errorf("reasons: got %q, want %q in it", got, want)
		}
	}
	if len(reasons) != 3 {
		t.Errorf("reasons: got %q, want three", reasons)
	}
	left(t, cmd)
}

// TestDemoGateMute ends with a photongate that stopped answering.
func TestDemoGateMute(t *testing.T) {
	var out bytes.Buffer
	d := newDemo(options{}, t.TempDir(), "/nowhere", &out, &out)
	reports := make(chan report, 1)
	d.stage = &conductor{orders: discard{}, reports: reports}
	d.look(t.Context())
	d.look(t.Context())
	reports <- report{Is: isLeases, Leases: map[string]string{}}
	d.finish()
	const want = "run photongate status: fork/exec /nowhere: no such file or directory:"
	if n := strings.Count(out.String(), want); n != 1 {
		t.Errorf("said %d times, want once: %s", n, out.String())
	}
	s := summarize(d.out, d.opt)
	if s.OK || len(s.Reasons) != 1 || s.Reasons[0] != want {
		t.Errorf("got ok %v, reasons %q, want %q", s.OK, s.Reasons, want)
	}
}

// discard takes orders that nobody obeys.
type discard struct{}

// Write forgets b.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Close has nothing to close.
func (discard) Close() error { return nil }

// result is the only line of a demo's stdout, whose reasons are one line each.
func result(t *testing.T, stdout []byte) (s summary) {
	t.Helper()
	if err := json.Unmarshal(stdout, &s); err != nil {
		t.Fatalf("%v: %q", err, stdout)
	}
	for _, r := range s.Reasons {
		if strings.ContainsAny(r, "\n\r") {
			t.Errorf("reason %q, want one line", r)
		}
	}
	return s
}

// find is the id of the lab's process whose command line has the words. A real
// process is to appear, or to become another program: this looks again.
func find(t *testing.T, cmd *exec.Cmd, words string) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for path, line := range living(t, cmd) {
			if !strings.Contains(line, words) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(path))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no process %q of the lab", words)
	return 0
}

// folders lists the folders of runs in the temporary folder of cmd.
func folders(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	_, dir, _ := strings.Cut(cmd.Env[len(cmd.Env)-1], "=")
	all, err := filepath.Glob(filepath.Join(dir, "photonlab-*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDemoKilled kills the demo with SIGKILL while all of it runs. The next
// one removes what it left, and leaves a folder that was to be kept.
func TestDemoKilled(t *testing.T) {
	cmd := lab(t, "", "--json")
	killed(t, cmd)
	if got := folders(t, cmd); len(got) != 1 {
		t.Fatalf("folders left: %q, want one", got)
	}
	kept := lab(t, "", "--json", "--keep")
	kept.Env = cmd.Env
	killed(t, kept)
	last := lab(t, "", "--json", "--for", "1ms")
	last.Env = cmd.Env
	if out, err := last.CombinedOutput(); exitCode(err) != exitUnexpected {
		t.Errorf("last: %v: %s", err, out)
	}
	got := folders(t, last)
	if len(got) != 1 {
		t.Fatalf("folders left: %q, want the kept one", got)
	}
	if _, err := os.Stat(filepath.Join(got[0], keepFile)); err != nil {
		t.Error(err)
	}
}

// killed starts the lab and kills the demo with SIGKILL once all of it runs.
func killed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	stderr, _ := powered(t, cmd)
	if all := living(t, cmd); len(all) < 3 {
		t.Errorf("processes of the lab: got %q, want the demo, the stage and photongate at least", all)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The stage holds stderr, so this waits for its end.
	_, _ = io.Copy(io.Discard, stderr)
	_ = cmd.Wait()
	noProcess(t, cmd)
}
