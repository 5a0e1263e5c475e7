package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// restage asks TestMatrix to record scenes anew before it judges.
var restage = flag.String("stage", "", "record the faults whose names match this `regexp` anew; all take five minutes")

// recordings is the folder of the recordings and their table.
const recordings = "../../../gateway/diagnose/testdata/matrix"

const (
	// maxFile bounds a file of a recording in bytes: the repository holds all of them.
	maxFile = 30 << 10
	// atOnce is how many scenes are played at a time: they wait more than they work.
	atOnce = 6
)

// buildGate builds photongate as it is now.
func buildGate(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photongate")
	if out, err := exec.Command("go", "build", "-o", path, "photongate/cmd/photongate").CombinedOutput(); err != nil {
		t.Fatalf("build photongate: %v\n%s", err, out)
	}
	return path
}

// mayEnclose skips where the kernel refuses namespaces, unless it must not.
func mayEnclose(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := Enclosed(t.Context(), nil, nil, "/bin/true")
	switch {
	case err == nil:
	case strings.Contains(os.Getenv("PHOTONGATE_TEST"), "net") || *restage != "":
		t.Fatalf("no namespaces here, and they were asked for: %v", err)
	default:
		t.Skipf("the kernel refuses namespaces: %v", err)
	}
}

// playAll stages scenes, some at a time, and hands each folder with what the
// witnesses saw to take, one after another.
func playAll(t *testing.T, scenes []Scene, take func(s Scene, dir string) error) {
	t.Helper()
	mayEnclose(t)
	gate := buildGate(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, s := range scenes {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			// Not t.TempDir: its path is too long for a Unix socket.
			dir, err := os.MkdirTemp("", "matrix")
			if err == nil {
				defer os.RemoveAll(dir)
				err = play(t.Context(), gate, s, dir)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				err = take(s, dir)
			}
			if err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		})
	}
	wg.Wait()
}

// play stages one scene in namespaces of its own.
func play(ctx context.Context, gate string, s Scene, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	order, err := json.Marshal(Order{Scene: s.Name, Dir: dir, Gate: gate, Self: self})
	if err != nil {
		return err
	}
	// The stage dies with the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var said bytes.Buffer
	if err := Enclosed(ctx, []string{roleVar + "=" + rolePlay, orderVar + "=" + string(order)}, &said, self); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "photongate.log"))
		return fmt.Errorf("play: %w: %s\n%s", err, said.String(), log)
	}
	return nil
}

// keep copies a recording to where the table's test reads it.
func keep(s Scene, dir string) error {
	to := filepath.Join(recordings, s.Name)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{SerialFile, JournalFile, CaptureFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if len(b) > maxFile {
			return fmt.Errorf("keep %s: %d bytes are more than %d", name, len(b), maxFile)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
