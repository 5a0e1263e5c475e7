package matrix

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"photongate/gateway"
	"photongate/gateway/diagnose"
	"photongate/gateway/incident"
	"photongate/radio/capture"
)

// witness is a column of the table.
type witness string

// The witnesses.
const (
	bySerial   witness = "serial"
	byGateway  witness = "gateway"
	byCapture  witness = "capture"
	byTogether witness = "together"
)

// witnesses are the columns in their order.
var witnesses = []witness{bySerial, byGateway, byCapture, byTogether}

// row is what the witnesses say of one fault.
type row map[witness]gateway.Verdict

// judged judges the recording in a folder.
func judged(s Scene, dir string) (row, error) {
	var read [3][]byte
	for i, name := range []string{SerialFile, JournalFile, CaptureFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("judge %s: %w; record it with -stage -update", s.Name, err)
		}
		read[i] = b
	}
	serial, _, err := diagnose.Serial(bytes.NewReader(read[0]))
	if err != nil {
		return nil, err
	}
	own, err := recording(journal(bytes.NewReader(read[1])))
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", s.Name, err)
	}
	wire, err := recording(packets(bytes.NewReader(read[2])))
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", s.Name, err)
	}
	all := diagnose.Together(own, wire, serial)
	return row{bySerial: serial, byGateway: own, byCapture: wire, byTogether: all}, nil
}

// recording folds what was read, as `photongate doctor` does, and judges porch.
func recording(read func(emit gateway.Sink) error) (gateway.Verdict, error) {
	rec := diagnose.NewRecorded()
	if err := read(rec.Apply); err != nil {
		return gateway.Verdict{}, err
	}
	v, err := rec.Verdict(Porch().MAC.String())
	if err != nil {
		// The witness saw nothing of the device.
		v = gateway.Verdict{Outcome: gateway.ResultUndetermined, Code: gateway.CodeUndetermined, Confidence: gateway.Low}
	}
	return v, nil
}

// journal reads photongate's events.
func journal(r io.Reader) func(gateway.Sink) error {
	return func(emit gateway.Sink) error {
		n, bad, err := incident.ReadJournal(r, emit)
		if err == nil && (n == 0 || bad > 0) {
			err = fmt.Errorf("read journal: %d events and %d bad lines", n, bad)
		}
		return err
	}
}

// packets reads a capture.
func packets(r io.Reader) func(gateway.Sink) error {
	return func(emit gateway.Sink) error {
		_, err := capture.ReadFile(r, capture.Settings{Emit: emit})
		return err
	}
}

// wrong tells whether a witness names a hop that is not at fault, or none where
// something is.
func wrong(s Scene, w witness, v gateway.Verdict) bool {
	if v.Outcome == gateway.ResultUndetermined || v.Outcome == gateway.ResultUnrecognised {
		return false
	}
	if s.Shut && v.Hop == gateway.HopRelay && (w == bySerial || w == byCapture) {
		return false
	}
	return !slices.Contains(s.Right, v.Hop)
}

// cell is a witness's verdict in the table.
func cell(s Scene, w witness, v gateway.Verdict) string {
	text := strings.Join([]string{hopText(v.Hop), string(v.Code), string(v.Confidence)}, " ")
	if wrong(s, w, v) {
		text += " *wrong*"
	}
	return text
}

// hopText is a hop's word.
func hopText(h gateway.Hop) string {
	if h == gateway.HopNone {
		return "-"
	}
	return string(h)
}

// hopTexts are the words of hops.
func hopTexts(hops []gateway.Hop) string {
	var words []string
	for _, h := range hops {
		words = append(words, hopText(h))
	}
	return strings.Join(words, ", ")
}

// line is the row of a scene in the table.
func (r row) line(s Scene) string {
	cells := []string{s.Name, s.Says, hopTexts(s.Right)}
	for _, w := range witnesses {
		cells = append(cells, cell(s, w, r[w]))
	}
	return fmt.Sprintf("| %s |\n", strings.Join(cells, " | "))
}
