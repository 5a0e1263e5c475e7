package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"
)

// The files that a run's folder is known by.
const (
	// lockFile is locked (flock(2)) while a process of the run is alive.
	lockFile = "lock"
	// keepFile says that a person wants the folder to stay (--keep).
	keepFile = "keep"
)

// folderName matches what openFolder calls its folders.
var folderName = regexp.MustCompile(`^photonlab-[0-9]+$`)

// errSwept: another demo took a folder that was about to be locked for one
// that a dead demo left.
var errSwept = errors.New("another demo swept it away")

// folder holds the files of one run: logs, sockets, configuration.
type folder struct {
	// path is the folder.
	path string
	// lock is its lockFile, open and locked. The processes of the run inherit
	// it, so the lock is free when the last of them is gone.
	lock *os.File
	// keep leaves the folder where it is.
	keep bool
}

// openFolder makes a folder below dir and locks it.
func openFolder(dir string, keep bool) (*folder, error) {
	for {
		path, err := os.MkdirTemp(dir, "photonlab-")
		if err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
		lock, err := lockNew(path)
		if errors.Is(err, errSwept) {
			continue
		}
		if err != nil {
			os.RemoveAll(path)
			return nil, fmt.Errorf("lock folder %s: %w", path, err)
		}
		f := &folder{path: path, lock: lock, keep: keep}
		if !keep {
			return f, nil
		}
		if err := os.WriteFile(f.file(keepFile), nil, 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("mark folder: %w", err), f.close())
		}
		return f, nil
	}
}

// lockNew locks a folder that was just made. Until it has, the folder looks
// like one that a dead demo left, and a sweep may take it: errSwept.
func lockNew(path string) (*os.File, error) {
	name := filepath.Join(path, lockFile)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errSwept
	}
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errSwept
		}
		return nil, err
	}
	// A sweep holds the lock until all is gone, so what is there now stays.
	mine, err := f.Stat()
	if there, errThere := os.Stat(name); err != nil || errThere != nil || !os.SameFile(mine, there) {
		f.Close()
		return nil, errSwept
	}
	return f, nil
}

// tryLock locks f, or returns EWOULDBLOCK where somebody else has.
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// file is the path of a file of the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// close lets go of the folder, and removes it unless it is to be kept.
func (f *folder) close() error {
	defer f.lock.Close()
	if f.keep {
		return nil
	}
	return remove(f.path)
}

// sweep removes the folders below dir that our own demos left when they were
// killed: those of our user whose lock is free, and that nobody wanted kept.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for folders of dead demos: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if folderName.MatchString(e.Name()) && own(path) {
			if err := sweepOne(path); err != nil {
				errs = append(errs, fmt.Errorf("remove the folder of a dead demo: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

// own tells whether path is a folder, not a link to one, of the user we are.
func own(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// sweepOne removes one folder, unless a demo lives in it.
func sweepOne(path string) error {
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// Killed, or just about to be locked: removing works only while it is
		// empty, and lockNew notices. What is full is none of ours.
		_ = os.Remove(path)
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := tryLock(lock); errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	} else if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(path, keepFile)); err == nil {
		return nil
	}
	return remove(path)
}

// remove removes a folder whose lock we hold. The lock goes last: when we are
// killed in between, the next sweep finds it.
func remove(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(path, e.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(path)
}
