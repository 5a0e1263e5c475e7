package incident

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"photongate/gateway"
)

// Write writes a bundle as one zip file of at most MaxBundle bytes. What does
// not fit is left out: of captures the oldest packets, then the captures, then
// events as a Recorder lets them go, then the log. The manifest says so.
func Write(w io.Writer, b Bundle) error {
	data, err := encode(b, MaxBundle)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// encode makes the file of a bundle.
func encode(b Bundle, limit int) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	b = bounded(b)
	for step := range cuts {
		data, err := pack(b)
		if err != nil {
			return nil, fmt.Errorf("write bundle: %w", err)
		}
		if len(data) <= limit {
			return data, nil
		}
		b = cuts[step](b, len(data)-limit)
	}
	data, err := pack(b)
	if err == nil && len(data) > limit {
		err = fmt.Errorf("its %d bytes are more than %d, and nothing can be left out", len(data), limit)
	}
	if err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	return data, nil
}

// bounded cuts the parts to what Read takes.
func bounded(b Bundle) Bundle {
	b.Cut = slices.Clone(b.Cut)
	if len(b.Log) > maxLog {
		b.Log = tail(b.Log, maxLog)
		b.Cut = append(b.Cut, fmt.Sprintf("all but the last %d bytes of the log", len(b.Log)))
	}
	if len(b.Events) > maxEvents {
		b = fewer(b, maxEvents)
	}
	return b
}

// packed is one file of a bundle.
type packed struct {
	name string
	data []byte
}

// pack makes the zip file.
func pack(b Bundle) ([]byte, error) {
	events, err := lines(b.Events)
	for err == nil && len(events) > maxEventBytes {
		b = fewer(b, len(b.Events)/2)
		events, err = lines(b.Events)
	}
	if err != nil {
		return nil, err
	}
	files := []packed{{name: eventsName, data: events}}
	for _, doc := range []struct {
		name  string
		value any
	}{{verdictName, verdicts{Path: b.Path, Device: b.Verdict}}, {alertName, documentOf(b.Alert)}} {
		data, err := document(doc.name, doc.value)
		if err != nil {
			return nil, err
		}
		files = append(files, packed{doc.name, data})
	}
	if len(b.Log) > 0 {
		files = append(files, packed{logName, b.Log})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Captures)) {
		files = append(files, packed{name, b.Captures[name]})
	}
	m, err := document(manifestName, manifestOf(b, files))
	if err != nil {
		return nil, err
	}
	return archive(append([]packed{{manifestName, m}}, files...), b.Made)
}

// lines writes events as one JSON document each.
func lines(evs []gateway.Event) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for _, ev := range evs {
		if err := enc.Encode(ev); err != nil {
			return nil, fmt.Errorf("encode an event of kind %q: %w", ev.Kind, err)
		}
	}
	return buf.Bytes(), nil
}

// document writes one value for people and programs.
func document(name string, v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	if len(data) >= maxDocument {
		return nil, fmt.Errorf("encode %s: %d bytes are more than %d", name, len(data), maxDocument)
	}
	return append(data, '\n'), nil
}

// archive writes files into a zip file, with one time for all.
func archive(files []packed, at time.Time) ([]byte, error) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at.UTC()})
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
