package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompletion has bash itself complete lines with the script.
func TestCompletion(t *testing.T) {
	var script bytes.Buffer
	if code := dispatch(env{out: &script}, []string{"completion"}); code != exitOK {
		t.Fatalf("exit %d", code)
	}
	path := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(path, script.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", "-n", path).CombinedOutput(); err != nil {
		t.Fatalf("bash does not parse it: %v\n%s", err, out)
	}
	tests := []struct{ typed, want string }{
		{"photongate ", "run check status doctor incident device cleanup completion version help"},
		{"photongate c", "check cleanup completion"},
		{"photongate device ", "list add --name --id remove --json --config --socket"},
		{"photongate device a", "add"},
		{"photongate check --p", "--print-default"},
		{"photongate doctor --serial ", ""},
		{"photongate status --config x --j", "--json"},
		{"photongate version ", ""},
		{"photongate nonsense x", ""},
	}
	const complete = `set -u; source "$0"; IFS=' ' read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _photongate; echo "${COMPREPLY[*]-}"; complete -p photongate >/dev/null`
	for _, tt := range tests {
		out, err := exec.Command("bash", "-c", complete, path, tt.typed).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%q completes to %q, %v, want %q", tt.typed, got, err, tt.want)
		}
	}
}

// TestOptionWords wants every flag that a synopsis names to be one.
func TestOptionWords(t *testing.T) {
	for _, c := range commands() {
		for _, w := range strings.Fields(optionWords(c.args)) {
			if !strings.HasPrefix(w, "--") {
				continue
			}
			var complaints bytes.Buffer
			dispatch(env{in: strings.NewReader(""), out: &complaints, err: &complaints}, []string{c.name, w, "--no-such-flag"})
			if strings.Contains(complaints.String(), "not defined: "+strings.TrimPrefix(w, "-")) {
				t.Errorf("%s: %s is in the synopsis and not a flag", c.name, w)
			}
		}
	}
}
