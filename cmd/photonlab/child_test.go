package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLastWords reads why a program gave up.
func TestLastWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "photongate.log")
	for _, tc := range []struct{ name, log, want string }{
		{"empty", "\n", ""},
		{"one line", "cannot live here\n", ": cannot live here"},
		{"error and hint", "info\nphotongate: open x:\tdenied\nhint: be root\n", ": photongate: open x: denied; hint: be root"},
		{"panic", "info\npanic: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n", ": panic: index out of range"},
		{"fatal", "fatal error: all goroutines are asleep\n\ngoroutine 1:\n", ": fatal error: all goroutines are asleep"},
		{"long", strings.Repeat("x", wordsShown+1), ": " + strings.Repeat("x", wordsShown) + " ..."},
	} {
		if err := os.WriteFile(path, []byte(tc.log), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := lastWords(path); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	gone := path + ".gone"
	if got, want := lastWords(gone), ": open "+gone+": no such file or directory"; got != want {
		t.Errorf("gone: got %q, want %q", got, want)
	}
}
