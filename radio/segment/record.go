package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"photongate/gateway"
)

// recordName is the file in the runtime directory.
const recordName = "segment.json"

// record is what was changed on the interface, or is about to be: it is written
// before the change, because taking back a change that was not made is harmless.
type record struct {
	// Interface is where.
	Interface string `json:"interface"`
	// Address was added, when valid.
	Address netip.Prefix `json:"address,omitzero"`
	// Raised: the link was set up.
	Raised bool `json:"raised,omitempty"`
	// IPv6Off: IPv6 was disabled.
	IPv6Off bool `json:"ipv6_off,omitempty"`
}

// readRecord reads what an earlier run left in dir; ok tells whether it left
// anything. A file that is not a record is an error: it may hide a change.
func readRecord(dir string) (r record, ok bool, err error) {
	path := filepath.Join(dir, recordName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, fmt.Errorf("read what was changed on the segment: %w", err)
	}
	if err = json.Unmarshal(b, &r); err == nil {
		err = checkName(r.Interface)
	}
	if err != nil {
		return record{}, false, gateway.Hint(fmt.Errorf("read what was changed on the segment: %s: %w", path, err),
			"look at the interface's addresses by `ip address`, then delete the file")
	}
	return r, true, nil
}

// write replaces the file in dir by r, whole or not at all.
func (r record) write(dir string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("note what is changed on %s: %w", r.Interface, err)
	}
	path := filepath.Join(dir, recordName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("note what is changed on %s: %w", r.Interface, err)
	}
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("note what is changed on %s: %w", r.Interface, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("note what is changed on %s: %w", r.Interface, err)
	}
	return nil
}

// forget removes the file from dir.
func forget(dir string) error {
	err := os.Remove(filepath.Join(dir, recordName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what was changed on the segment: %w", err)
	}
	return nil
}
