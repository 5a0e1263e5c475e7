package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"photongate/cmd/photonlab/site"
)

// TestOptions reads command lines.
func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		args string
		want options
	}{
		{"", options{mqtt: "127.0.0.1:1883"}},
		{"--for 30s --json", options{mqtt: "127.0.0.1:1883", length: 30 * time.Second, json: true}},
		{"--fault drop", options{mqtt: "127.0.0.1:1883", fault: site.Drop}},
		{"--fault allow-then-kill", options{mqtt: "127.0.0.1:1883", fault: site.AllowThenKill, at: killAt}},
		{"--fault allow-then-kill --at 3s", options{mqtt: "127.0.0.1:1883", fault: site.AllowThenKill, at: aliveAfter}},
		{"--mqtt 127.0.0.1:1884 --serial gate --keep", options{mqtt: "127.0.0.1:1884", chosen: true, serial: "gate", keep: true}},
	} {
		got, err := parseOptions(strings.Fields(tc.args), io.Discard)
		if err != nil || got != tc.want {
			t.Errorf("%q: got %+v, %v, want %+v", tc.args, got, err, tc.want)
		}
	}
}

// TestOptionsRefused reads command lines that make no sense.
func TestOptionsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--fault flood":                       `read --fault: "flood" is not a fault: want one of drop, refuse, dns-drop, cloud-mute, allow-then-kill, approve-one`,
		"--at 5s":                             "read --at: there is no --fault to happen then",
		"--for 5s --fault allow-then-kill":    "read --at: the fault at 10s is after the end at 5s",
		"--for -1s":                           "read flags: a time cannot be negative",
		"--serial attic":                      `read --serial: no Photon is called "attic": want porch, gate or stranger`,
		"--serial porch --json":               "read flags: --serial and --json both want stdout",
		"now":                                 `read arguments: "now" is one too many`,
		"--for soon":                          `invalid value "soon" for flag -for: parse error`,
		"--fault drop --at 1m --for 1m":       "read --at: the fault at 1m0s is after the end at 1m0s",
		"--fault allow-then-kill --at 0s":     "read --at: allow-then-kill at 0s finds no session to kill",
		"--fault allow-then-kill --at 2999ms": "read --at: allow-then-kill at 2.999s finds no session to kill",
		"--colour":                            "flag provided but not defined: -colour",
		"--fault drop --at -1s --for 1m":      "read flags: a time cannot be negative",
		"--json --for 1s --serial porch now":  `read arguments: "now" is one too many`,
	} {
		_, err := parseOptions(strings.Fields(args), io.Discard)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", args, err, want)
		}
	}
}

// TestRefusedHint is the advice that a person sees with exit code 2.
func TestRefusedHint(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--fault", "allow-then-kill", "--at", "0s"}, "photonlab: read --at: allow-then-kill at 0s finds no session to kill\n" +
			"hint: the Photons are online within 3s: --at 10s; a firewall that is shut from the start is --fault drop\n"},
		{[]string{"now"}, "photonlab: read arguments: \"now\" is one too many\nhint: photonlab demo -h\n"},
	} {
		cmd := lab(t, "", tc.args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if got := exitCode(cmd.Run()); got != exitUsage || stderr.String() != tc.want {
			t.Errorf("%q: got %d, %s\nwant %d, %s", tc.args, got, stderr.String(), exitUsage, tc.want)
		}
	}
}

// TestNext is what a stranger should try after a demo without a fault.
func TestNext(t *testing.T) {
	want := "try next:    bin/photonlab demo --fault drop   (a firewall that drops the cloud)|" +
		"             bin/photonlab demo --fault allow-then-kill   (it kills sessions after 10 s)"
	if got := strings.Join(options{}.next("bin/photonlab"), "|"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, o := range []options{{fault: site.Drop}, {json: true}, {serial: "porch"}} {
		if got := o.next("x"); got != nil {
			t.Errorf("%+v: got %q, want nothing", o, got)
		}
	}
}

// TestFindGate looks for photongate where it is and where it is not.
func TestFindGate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	_, err := options{}.findGate()
	want := `look for photongate beside photonlab and in PATH: exec: "photongate": executable file not found in $PATH`
	if err == nil || err.Error() != want {
		t.Errorf("nowhere: got %v, want %s", err, want)
	}
	path := filepath.Join(dir, "photongate")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := (options{}).findGate(); got != path || err != nil {
		t.Errorf("in PATH: got %s, %v, want %s", got, err, path)
	}
	if got, err := (options{gate: path}).findGate(); got != path || err != nil {
		t.Errorf("as said: got %s, %v, want %s", got, err, path)
	}
	gone := filepath.Join(dir, "gone")
	if _, err := (options{gate: gone}).findGate(); err == nil || err.Error() != "look for photongate: stat "+gone+": no such file or directory" {
		t.Errorf("gone: got %v", err)
	}
}
