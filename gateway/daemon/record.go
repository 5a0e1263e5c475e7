package daemon

import (
	"encoding/json"
	"fmt"
	"os"

	"photongate/gateway"
)

// record writes every event to a file, a JSON line each, which `photongate
// doctor --journal` reads. It is for a support case, not for every day.
type record struct {
	f   *os.File
	enc *json.Encoder
}

// Record appends every event to a file from now on. Call it before Run.
func (d *Daemon) Record(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("record the journal: %w", err)
	}
	d.journal.record = &record{f: f, enc: json.NewEncoder(f)}
	return nil
}

// add writes one event. A file that cannot be written is given up, and said so once.
func (r *record) add(ev gateway.Event) error {
	if r == nil || r.f == nil {
		return nil
	}
	if err := r.enc.Encode(ev); err != nil {
		r.close()
		return fmt.Errorf("record the journal: %w", err)
	}
	return nil
}

// close ends the recording.
func (r *record) close() {
	if r != nil && r.f != nil {
		r.f.Close()
		r.f = nil
	}
}
