package gatewaytest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// leakLimit is how long goroutines may take to end after the test: as long as
// the slowest orderly close, a killed child process, takes.
const leakLimit = 3 * time.Second

// Leaks fails the test when goroutines that did not run at this call still run
// when the test and its later clean-ups are done. Call it first, in a test
// that is not parallel.
func Leaks(t testing.TB) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		var left []string
		for end := time.Now().Add(leakLimit); ; time.Sleep(poll) {
			if left = newcomers(before); len(left) == 0 {
				return
			}
			if time.Now().After(end) {
				break
			}
		}
		t.Errorf("%d goroutines are left:\n\n%s", len(left), strings.Join(left, "\n\n"))
	})
}

// newcomers are the stacks of goroutines that are not in before. Those of the
// testing package and of signal delivery live as long as the process.
func newcomers(before map[string]string) []string {
	var left []string
	for id, stack := range goroutines() {
		if _, old := before[id]; old || strings.Contains(stack, "created by testing.") || strings.Contains(stack, "created by os/signal.") {
			continue
		}
		left = append(left, stack)
	}
	return left
}

// goroutines maps the id of every goroutine, as in "goroutine 7", to its stack.
func goroutines() map[string]string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := make(map[string]string)
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		all[id] = strings.TrimSpace(stack)
	}
	return all
}
