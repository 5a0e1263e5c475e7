package incident

import (
	"os"
	"path/filepath"
)

// makeDir makes the folder of a shelf, for its owner only: events tell who
// was where.
func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// tempName is the name under which a bundle is written. There is one writer,
// so that what a crash left is overwritten by the next one.
const tempName = ".incident.new"

// writeFile writes a file whole or not at all, also across a power cut.
func writeFile(path string, data []byte) error {
	temp := filepath.Join(filepath.Dir(path), tempName)
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in a folder last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
