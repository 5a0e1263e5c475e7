package incident

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"photongate/gateway"
)

// ErrNotBundle is the cause where a file is no incident bundle at all.
var ErrNotBundle = errors.New("not an incident bundle")

// Read reads a bundle. The file may come from anybody: sizes and numbers are
// bounded, and nothing is written anywhere. Files that are not known are
// ignored; lines of events that cannot be read are skipped and counted. A
// bundle of a later schema is refused.
func Read(r io.ReaderAt, size int64) (Bundle, error) {
	z, err := open(r, size)
	if err != nil {
		return Bundle{}, fmt.Errorf("read bundle: %w", err)
	}
	b, err := z.bundle()
	if err != nil {
		return Bundle{}, fmt.Errorf("read bundle: %w", err)
	}
	return b, nil
}

// contents are the files of a bundle, by name.
type contents map[string]*zip.File

// open looks at the directory of a bundle.
func open(r io.ReaderAt, size int64) (contents, error) {
	if size > MaxBundle {
		// The directory alone would take memory in proportion.
		return nil, fmt.Errorf("its %d bytes are more than %d: %w", size, MaxBundle, ErrNotBundle)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("its %d files are more than %d: %w", len(z.File), maxFiles, ErrNotBundle)
	}
	c := contents{}
	for _, f := range z.File {
		if _, twice := c[f.Name]; !twice {
			c[f.Name] = f
		}
	}
	return c, nil
}

// manifest reads the first file, and refuses what it cannot understand.
func (c contents) manifest() (manifest, error) {
	var m manifest
	if c[manifestName] == nil {
		return m, fmt.Errorf("it has no %s: %w", manifestName, ErrNotBundle)
	}
	// The schema first: a later one may have other types.
	var s struct {
		Schema int `json:"schema"`
	}
	if err := c.document(manifestName, &s); err != nil {
		return m, err
	}
	switch {
	case s.Schema > Schema:
		return m, gateway.Hint(fmt.Errorf("its schema is %d, and this program reads schemas up to %d", s.Schema, Schema),
			"read it with the version of photongate that wrote it, or a later one")
	case s.Schema < 1:
		return m, fmt.Errorf("its schema is %d: %w", s.Schema, ErrNotBundle)
	}
	if err := c.document(manifestName, &m); err != nil {
		return m, err
	}
	m.Devices = m.Devices[:min(len(m.Devices), maxDevices)]
	return m, nil
}

// bundle reads everything.
func (c contents) bundle() (Bundle, error) {
	m, err := c.manifest()
	if err != nil {
		return Bundle{}, err
	}
	b := Bundle{ID: m.ID, Made: m.Made, Gateway: m.Gateway, Version: m.Version, Device: m.Device,
		Devices: m.Devices, Redacted: m.Redacted, Cut: m.Cut}
	var v verdicts
	if err := c.document(verdictName, &v); err != nil {
		return Bundle{}, err
	}
	b.Path, b.Verdict = v.Path, v.Device
	var a alertDocument
	if err := c.document(alertName, &a); err != nil {
		return Bundle{}, err
	}
	b.Alert = a.alert()
	if err := c.events(&b); err != nil {
		return Bundle{}, err
	}
	return b, c.rest(&b)
}

// events reads the events.
func (c contents) events(b *Bundle) error {
	data, err := c.file(eventsName, maxEventBytes)
	if err != nil {
		return err
	}
	_, bad, err := ReadJournal(bytes.NewReader(data), func(ev gateway.Event) {
		if len(b.Events) < maxEvents {
			b.Events = append(b.Events, ev)
		}
	})
	b.Skipped = bad
	return err
}

// rest reads the log and the captures.
func (c contents) rest(b *Bundle) error {
	var err error
	if b.Log, err = c.file(logName, maxLog); err != nil {
		return err
	}
	left := MaxBundle * 4
	for name := range c {
		if !captureName(name) {
			continue
		}
		data, err := c.file(name, left)
		if err != nil {
			return err
		}
		left -= len(data)
		if b.Captures == nil {
			b.Captures = map[string][]byte{}
		}
		b.Captures[name] = data
	}
	return nil
}

// document reads one JSON document; a missing one is empty.
func (c contents) document(name string, v any) error {
	data, err := c.file(name, maxDocument)
	if err != nil || data == nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// file unpacks one file of at most limit bytes, whatever its directory entry
// says; a missing one is nil.
func (c contents) file(name string, limit int) ([]byte, error) {
	f := c[name]
	if f == nil {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	if len(data) > limit {
		return nil, fmt.Errorf("unpack %s: it has more than %d bytes", name, limit)
	}
	return data, nil
}
