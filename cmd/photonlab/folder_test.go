package main

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestSweep leaves alone whatever is not certainly a dead demo's.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	alive, err := openFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := openFolder(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.close(); err != nil {
		t.Fatal(err)
	}
	dead, err := openFolder(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dead.file("state/deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	// What the kernel does for a process that is killed.
	dead.lock.Close()
	for name, file := range map[string]string{
		"photonlab-notes": lockFile, "photonlab-1": "notes", "photonlab-2": "", "other-3": lockFile,
	} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if file == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "other-3"), filepath.Join(dir, "photonlab-4")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sweep(dir); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{
		alive.path: true, kept.file(keepFile): true, dead.path: false,
		dir + "/photonlab-notes/lock": true, dir + "/photonlab-1/notes": true,
		dir + "/photonlab-2": false, dir + "/other-3/lock": true, dir + "/photonlab-4": true,
	} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s: got %v, want it there: %v", path, err, want)
		}
	}
	if err := alive.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(alive.path); !os.IsNotExist(err) {
		t.Errorf("closed: got %v, want no folder", err)
	}
}

// TestSweepErrors names the folder that cannot be looked at.
func TestSweepErrors(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	want := "look for folders of dead demos: open " + gone + ": no such file or directory"
	if err := sweep(gone); err == nil || err.Error() != want {
		t.Errorf("sweep: got %v, want %s", err, want)
	}
	if _, err := openFolder(gone, false); err == nil {
		t.Error("open folder: got no error, want one")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "photonlab-1", lockFile), 0o700); err != nil {
		t.Fatal(err)
	}
	want = "remove the folder of a dead demo: open " + dir + "/photonlab-1/lock: is a directory"
	if err := sweep(dir); err == nil || err.Error() != want {
		t.Errorf("sweep: got %v, want %s", err, want)
	}
}

// TestSweepRace opens folders while others sweep: whoever has a folder keeps
// it, and in the end nothing is left.
func TestSweepRace(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		all.Go(func() {
			for {
				if err := sweep(dir); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	var demos sync.WaitGroup
	for range 4 {
		demos.Go(func() {
			for i := range 200 {
				f, err := openFolder(dir, false)
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(f.file("plan.json"), nil, 0o600); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					f.lock.Close()
				} else if err := f.close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	demos.Wait()
	close(stop)
	all.Wait()
	if err := sweep(dir); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
