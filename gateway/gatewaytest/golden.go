package gatewaytest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// update makes Golden write what it would compare.
var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Golden compares got with the file at path, by convention below testdata. With
// -update it writes the file.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if n, g, w, differ := firstDifference(got, string(want)); differ {
		t.Errorf("%s:%d differs (write it with -update)\n got %s\nwant %s", path, n, g, w)
	}
}

// firstDifference is the number of the first line, from 1, in which two texts
// differ, and that line of both; a missing line is "(end)".
func firstDifference(got, want string) (n int, g, w string, differ bool) {
	if got == want {
		return 0, "", "", false
	}
	gs, ws := strings.Split(got, "\n"), strings.Split(want, "\n")
	line := func(s []string) string {
		if n < len(s) {
			return s[n]
		}
		return "(end)"
	}
	for n < len(gs) && n < len(ws) && gs[n] == ws[n] {
		n++
	}
	return n + 1, line(gs), line(ws), true
}
