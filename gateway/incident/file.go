package incident

import (
	"os"
	"path/filepath"

	"photongate/gateway"
)

// makeDir makes the folder of a shelf, for its owner only: events tell who
// was where.
func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// tempName is the name under which a bundle is written. There is one writer,
// so that what a crash left is overwritten by the next one.
const tempName = ".incident.new"

// writeFile writes a file whole or not at all, also across a power cut.
func writeFile(path string, data []byte) error {
	return gateway.ReplaceFile(path, filepath.Join(filepath.Dir(path), tempName), data, 0o600)
}
