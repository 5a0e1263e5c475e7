package diagnose

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"photongate/gateway"
)

// SerialStats counts what a log held.
type SerialStats struct {
	// Lines counts lines as an editor does.
	Lines int
	// Records counts what has the shape of a device's log.
	Records int
	// Recognised counts the records that the catalogue knows.
	Recognised int
	// Firm counts the records that no other program writes.
	Firm int
	// Firmware is the generation that the wording belongs to, one of the Firmware constants.
	Firmware string
	// Platform is the device that writes such lines, one of the Platform constants.
	Platform Platform
	// Order is how its stamps run.
	Order Order
}

// maxText bounds an event's text: a message has at most 160 characters
// (photon.md 6.1), its stamp and category some 60 more.
const maxText = 256

// wrapWindow is how near to both ends of its 32 bits the clock of a device
// must be seen for a step back to be the wrap after 49.7 days: ten minutes, as
// a device writes a line at least that often while it tries.
const wrapWindow = 600_000

// ReadSerial reads a device's log, pasted or live, and emits an event for
// every record of it. It needs constant memory. It returns an error only when
// reading fails; what is not a log is counted and passed over.
//
// An event's Time is the device's own clock counted from the Unix epoch, and
// zero where the record has no stamp; Line is its line, Text the cleaned record.
// Text shares its memory with a chunk of the log: clone it to keep it for long.
func ReadSerial(r io.Reader, emit func(gateway.Event)) (SerialStats, error) {
	s := serialReader{emit: emit}
	s.cut.give = s.piece
	err := s.cut.read(r)
	s.settle()
	s.stats.Lines = s.cut.line
	s.stats.Firmware = s.tells.firmware()
	s.stats.Platform = s.marks.platform()
	s.stats.Order = s.tracks.order()
	var whole *fs.PathError
	switch {
	case err == io.EOF:
		return s.stats, nil
	case s.cut.line == 0 && errors.As(err, &whole):
		// Nothing of it can be read: a directory, say. The caller knows its name.
		return s.stats, fmt.Errorf("read the log: %w", whole.Err)
	}
	return s.stats, fmt.Errorf("read serial log: line %d: %w", s.cut.line+1, err)
}

// serialReader turns records into events.
type serialReader struct {
	emit  func(gateway.Event)
	cut   cutter
	stats SerialStats
	tells tell
	marks platformMark
	// category is that of the latest record.
	category string
	// now is the record that is being read.
	now record
	// wrap holds a record whose end may be on the next line.
	wrap wrap
	// event is the one that is being made.
	event gateway.Event
	// last is the last stamp, epoch what its wraps add.
	last, epoch uint64
	tracks      tracks
}

// piece takes one piece of a line.
func (s *serialReader) piece(line int, piece string) {
	text := unquote(piece)
	if text == "" {
		return
	}
	if !s.now.parse(line, text, &s.event) {
		s.other(line, text)
		return
	}
	s.settle()
	s.record(&s.now)
}

// other takes a piece that is no record by itself.
func (s *serialReader) other(line int, text string) {
	if i := jsonStart(text); i >= 0 {
		s.settle()
		for _, r := range parseJSON(line, text[i:]) {
			s.record(&r)
		}
		return
	}
	if s.wrap.held && s.rejoin(text) {
		return
	}
	s.marks |= bareMark(text)
}

// record emits a record, or holds it when a next line may complete it.
func (s *serialReader) record(r *record) {
	p := lookup(r, &s.event)
	switch {
	case p == nil && unfinished(r), p != nil && s.wrap.cutShort(r, p, s.cut.width):
		s.wrap.hold(r, s.cut.width)
	case p == nil:
		s.unknown(r)
	default:
		s.recognise(r, p)
	}
}

// settle emits the held record as it is.
func (s *serialReader) settle() {
	if !s.wrap.held {
		return
	}
	s.wrap.held = false
	r := s.wrap.record
	if p := lookup(&r, &s.event); p != nil {
		s.recognise(&r, p)
		return
	}
	s.unknown(&r)
}

// unknown emits a record that the catalogue does not know.
func (s *serialReader) unknown(r *record) {
	if r.level == "" && !rooted(r.category) {
		// A number and a bracket are no device's log.
		return
	}
	s.stats.Records++
	if r.stamped && !r.epoch() {
		s.stats.Firm++
	}
	s.mark(r)
	s.event = gateway.Event{Kind: gateway.DeviceLog}
	s.send(r)
}

// recognise emits a record that the catalogue knows, as s.event has it.
func (s *serialReader) recognise(r *record, p *pattern) {
	s.stats.Records++
	s.stats.Recognised++
	if !p.common || r.stamped && !r.epoch() {
		s.stats.Firm++
	}
	s.tells |= p.tells | r.tells()
	s.mark(r)
	if s.event.Kind == gateway.HandshakeFailed && r.category == "system" {
		s.tells |= tellCode(s.event.Code)
	}
	s.send(r)
}

// mark notes what a record tells of the platform. Records of one category
// come in rows.
func (s *serialReader) mark(r *record) {
	if r.category != s.category {
		s.category = r.category
		s.marks |= categoryMark(r.category)
	}
	if r.category == "" || r.category == "system" {
		s.marks |= nameMark(r.message)
	}
}

// send completes s.event and emits it.
func (s *serialReader) send(r *record) {
	e := &s.event
	e.Witness, e.Line, e.Text = gateway.WitnessSerial, r.line, shorten(r.text, maxText)
	if e.Code == 0 {
		e.Code = r.code
	}
	if r.stamped {
		s.tracks.note(r.ms)
		e.Time = s.when(r.ms)
	}
	s.emit(*e)
}

// when turns a stamp into the time of an event.
func (s *serialReader) when(ms uint64) time.Time {
	if s.last > 1<<32-wrapWindow && ms < wrapWindow {
		s.epoch += 1 << 32
	}
	s.last = ms
	return time.UnixMilli(int64(s.epoch + ms)).UTC()
}

// shorten cuts s to at most n bytes between characters.
func shorten(s string, n int) string {
	s = strings.TrimSpace(s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
