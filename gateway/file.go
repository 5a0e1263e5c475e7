package gateway

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceFile writes a file whole or not at all, also across a power cut: b
// goes to temp, which lies in the same folder, reaches the disk, and takes the
// place of path. Two writers may not share a temp; what a crash left of one is
// overwritten by the next.
func ReplaceFile(path, temp string, b []byte, mode fs.FileMode) error {
	err := writeSynced(temp, b, mode)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		// What stands half-written is of no use; err says why it does.
		_ = os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeSynced writes a file and waits until the disk has it.
func writeSynced(path string, b []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir waits until the disk has the folder's entries, a rename among them.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
