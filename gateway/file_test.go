package gateway

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path, temp := filepath.Join(dir, "file"), filepath.Join(dir, "file.new")
	if err := os.WriteFile(temp, []byte("left by a crash, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"old", "new"} {
		if err := ReplaceFile(path, temp, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("the file holds %q, %v; want %q", got, err, want)
		}
	}
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(full, temp, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if _, err := os.Stat(temp); !os.IsNotExist(err) {
		t.Errorf("a failed replacement left its temporary file: %v", err)
	}
}
