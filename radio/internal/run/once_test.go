package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"photongate/gateway"
)

// TestOnce runs a real shell: what it answers, and what its errors say.
func TestOnce(t *testing.T) {
	tests := []struct {
		name, stdin, script string
		want, wantErr       string
	}{
		{name: "answers", script: "echo hello", want: "hello\n"},
		{name: "reads its input", stdin: "table\n", script: "cat", want: "table\n"},
		{name: "does not read its input", stdin: strings.Repeat("x", 1<<17), script: "exec 0<&-; echo done", want: "done\n"},
		{name: "speaks English", script: "echo $LC_ALL", want: "C\n"},
		{name: "fails silently", script: "exit 3", wantErr: "run sh: exit status 3"},
		{
			name:    "says why",
			script:  "printf 'Error: No such file\\nadd table\\n    ^^^^^\\n\\n' >&2; exit 1",
			wantErr: "run sh: exit status 1: Error: No such file; add table",
		},
		{
			name:    "says too much",
			script:  "i=0; while [ $i -lt 30 ]; do echo $i >&2; i=$((i+1)); done; exit 1",
			wantErr: "run sh: exit status 1: 10; 11; 12; 13; 14; 15; 16; 17; 18; 19; 20; 21; 22; 23; 24; 25; 26; 27; 28; 29",
		},
		{
			name:    "answers without end",
			script:  "head -c 1048577 /dev/zero",
			wantErr: "run sh: its answer is longer than 1048576 bytes",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Once(t.Context(), []byte(tt.stdin), "sh", "-c", tt.script)
			if errText(err) != tt.wantErr {
				t.Errorf("error %q, want %q", errText(err), tt.wantErr)
			}
			if string(got) != tt.want {
				t.Errorf("answer %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOnceWithoutProgram wants the name of the package as a hint.
func TestOnceWithoutProgram(t *testing.T) {
	_, err := Once(t.Context(), nil, "photongate-no-such-program")
	if want := "run photongate-no-such-program: executable file not found in $PATH"; errText(err) != want {
		t.Errorf("error %q, want %q", errText(err), want)
	}
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("error %v is not exec.ErrNotFound", err)
	}
	var h *gateway.Hinted
	if !errors.As(err, &h) || h.Hint != "install the package that contains photongate-no-such-program" {
		t.Errorf("error %#v has no hint", err)
	}
}

// TestPackageHint holds the packages of the programs that are in use.
func TestPackageHint(t *testing.T) {
	for name, want := range map[string]string{"nft": "nftables", "ip": "iproute2", "hostapd": "wpad"} {
		if got := packageHint(name); !strings.Contains(got, want) {
			t.Errorf("hint for %s is %q, want it to name %s", name, got, want)
		}
	}
}

// TestOnceOutsidePath finds a program of sbin although PATH lacks it.
func TestOnceOutsidePath(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	if _, err := Once(t.Context(), nil, "nft", "--version"); err != nil {
		t.Error(err)
	}
}

// TestOnceKilled ends ctx while a program and its child run.
func TestOnceKilled(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, cause)
	defer cancel()
	_, err := Once(ctx, nil, "sh", "-c", "sleep 600; true")
	if !errors.Is(err, cause) || err.Error() != "run sh: enough" {
		t.Errorf("error %v, want the cause of the context", err)
	}
}

// TestOnceGroup wants a program in a process group of its own, and its children
// killed with it.
func TestOnceGroup(t *testing.T) {
	// The fifth field of stat is the process group (proc_pid_stat(5)).
	got, err := Once(t.Context(), nil, "sh", "-c", "read -r _ _ _ _ group _ < /proc/$$/stat; echo $((group - $$))")
	if err != nil || string(got) != "0\n" {
		t.Errorf("the group is the program's own number and %q more, %v; want 0", got, err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Once(ctx, nil, "sh", "-c", "(echo here; exec sleep 600) > "+pipe+" & wait")
		ended <- err
	}()
	child, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if _, err := io.ReadFull(child, make([]byte, len("here\n"))); err != nil {
		t.Fatal(err)
	}
	cancel()
	// The child alone holds the pipe, so its end is the child's.
	if _, err := io.ReadAll(child); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// FuzzTail holds the bound whatever is written, in whatever pieces.
func FuzzTail(f *testing.F) {
	f.Add([]byte("Error: x\n^^\n"), 3)
	f.Add([]byte("\xff\xfe\n\n\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		w := tail{max: 16}
		for rest := b; len(rest) > 0; {
			n := min(len(rest), max(1, piece))
			w.Write(rest[:n])
			rest = rest[n:]
		}
		if want := b[max(0, len(b)-16):]; !bytes.Equal(w.b, want) {
			t.Errorf("kept %q, want %q", w.b, want)
		}
		if got := len(w.lines(2)); got > 2 {
			t.Errorf("%d lines, want at most 2", got)
		}
	})
}

// errText is the text of an error, empty for none.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
