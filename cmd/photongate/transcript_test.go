package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"photongate/gateway/gatewaytest"
)

// line is one line that a person types, with what the program reads.
type line struct {
	args []string
	in   string
}

// typed is a line without input.
func typed(args ...string) line { return line{args: args} }

// transcript runs lines one after the other and returns what a person saw.
// What stands behind $NAME in hide is shown by that name.
func transcript(lines []line, hide map[string]string) string {
	var page strings.Builder
	for _, l := range lines {
		var out, complaints bytes.Buffer
		code := dispatch(env{in: strings.NewReader(l.in), out: &out, err: &complaints}, l.args)
		fmt.Fprintf(&page, "$ photongate %s\n", strings.Join(l.args, " "))
		page.WriteString(out.String())
		for said := range strings.Lines(complaints.String()) {
			page.WriteString("2> " + said)
		}
		fmt.Fprintf(&page, "exit %d\n\n", code)
	}
	text := page.String()
	for name, value := range hide {
		text = strings.ReplaceAll(text, value, "$"+name)
	}
	return text
}

// TestTranscripts compares what the program says with testdata/NAME.txt: the
// typed line, standard output, standard error behind "2> ", and the exit code.
func TestTranscripts(t *testing.T) {
	const missing = "testdata/missing.toml"
	help := []line{typed("help"), typed("--help"), typed("-h"), typed()}
	for _, c := range commands() {
		help = append(help, typed(c.name, "-h"))
	}
	tests := map[string][]line{
		"help": help,
		"usage": {
			typed("reboot"), typed("run", "now"), typed("run", "--fast"), typed("check", "a", "b"), typed("status", "--json=maybe"),
			typed("doctor"), typed("doctor", "porch", "--serial", "porch.log"), typed("completion", "zsh"), typed("version", "1"),
			typed("run", "--config", missing), typed("cleanup", "--config", missing), typed("status", "--config", missing),
			typed("run", "--config", "testdata/bad.toml"),
			typed("device", "list", "porch"), typed("device", "rename"), typed("device", "add"), typed("device", "add", "6c:0b"),
			typed("device", "add", "6c:0b:84:59:72:95", "--name", "my porch"), typed("device", "add", "6c:0b:84:59:72:95", "--id", "3a"),
			typed("device", "add", "6c:0b:84:59:72:95", "--config", missing),
		},
		"check": {
			typed("check", "testdata/good.toml"), typed("check", "--config", "testdata/good.toml"), typed("check", "testdata/bad.toml"),
			typed("check", missing), typed("check", "--print-default"),
		},
		"status": {
			typed("status", "--socket", "testdata/none.sock"), typed("status", "--json", "--socket", "testdata/none.sock"),
			typed("status", "--watch", "--socket", "testdata/none.sock"), typed("doctor", "porch", "--socket", "testdata/none.sock"),
			typed("device", "list", "--socket", "testdata/none.sock"),
		},
		"doctor": doctorLines(t),
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			gatewaytest.Golden(t, filepath.Join("testdata", name+".txt"), transcript(lines, nil))
		})
	}
}

// doctorLines are those of the seed logs, and of what is not a device's log.
func doctorLines(t *testing.T) []line {
	t.Helper()
	logs, err := filepath.Glob("../../gateway/diagnose/testdata/seed-*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("seed logs: %q, %v", logs, err)
	}
	var lines []line
	for _, log := range logs {
		lines = append(lines, typed("doctor", "--serial", log))
	}
	seed, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	return append(lines,
		typed("doctor", "--json", "--serial", logs[0]),
		line{[]string{"doctor", "--serial", "-"}, string(seed)},
		line{[]string{"doctor", "--serial", "-"}, ""},
		line{[]string{"doctor", "--json", "--serial", "-"}, ""},
		line{[]string{"doctor", "--serial", "-"}, "\x7fELF\x02\x01\x01\x00\xff\xfe\x00\n\x1b[2J\x00\x01"},
		line{[]string{"doctor", "--serial", "-"}, "Nov 22 13:00:00 host sshd[1]: Accepted publickey for root\nNov 22 13:00:01 host kernel: eth0 up\n"},
		typed("doctor", "--serial", "testdata/missing.log"),
		typed("doctor", "--serial", "testdata"),
	)
}

// TestDeviceOffline changes the whitelist of a gateway that does not run, and
// cleans up behind one that never did. The lock is the network namespace's.
func TestDeviceOffline(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "photongate.toml")
	text := fmt.Sprintf("[gateway]\nname = \"lab\"\nstate_dir = %q\nruntime_dir = %q\n[segment]\ninterface = \"eth1\"\n"+
		"[[device]]\nname = \"porch\"\nmac = \"6c:0b:84:59:72:95\"\n", filepath.Join(dir, "state"), filepath.Join(dir, "run"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(args ...string) line { return typed(append(args, "--config", path)...) }
	const id = "3a0027000447333136323739"
	got := transcript([]line{
		at("device"), at("device", "list", "--json"),
		at("device", "add", "6C-0B-84-59-72-96", "--name", "gate", "--id", id),
		at("device", "add", "6c0b84597297", "--json"),
		at("device", "list"),
		at("device", "add", "6c:0b:84:59:72:96"), at("device", "add", "6c:0b:84:59:72:98", "--name", "gate"),
		at("device", "add", "6c:0b:84:59:72:98", "--id", id), at("device", "add", "ff:ff:ff:ff:ff:ff"),
		at("device", "remove", "porch"), at("device", "remove", "attic"), at("device", "remove", ""),
		at("device", "remove", id), at("device", "remove", "6c:0b:84:59:72:97", "--json"), at("device", "list", "--json"),
		at("status"), at("doctor", "porch"), at("cleanup"), at("cleanup"),
	}, map[string]string{"DIR": dir})
	gatewaytest.Golden(t, "testdata/device.txt", got)
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if code := dispatch(env{out: &out}, []string{"version"}); code != exitOK || !strings.HasPrefix(out.String(), "photongate ") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("version says %q, exit %d", out.String(), code)
	}
}
