package diagnose

import (
	"slices"
	"strings"
)

// widths are those at which terminals wrap unless told otherwise.
var widths = [...]int{80, 100, 120, 132}

// minWidth is the least width at which the longest line so far may have been
// wrapped: no device's log fits into less.
const minWidth = 40

// wrap holds a record whose end may be on the next line: a terminal or a mail
// wrapped it, or it was torn.
type wrap struct {
	held   bool
	record record
	// width is that of the record's line, seen one at which a line was wrapped,
	// widest that of the longest line.
	width, seen, widest int
}

// hold keeps a record until the next line.
func (w *wrap) hold(r *record, width int) {
	w.held, w.record, w.width = true, *r, width
}

// cutShort tells whether a record that is complete as it stands may have lost
// the end of its number or name to the next line: that shows in the width only.
func (w *wrap) cutShort(r *record, p *pattern, width int) bool {
	if width > w.widest {
		w.widest = width
	}
	if p.fill == nil || r.message == "" || !isWordByte(r.message[len(r.message)-1]) {
		return false
	}
	return width == w.seen || width >= minWidth && width == w.widest || slices.Contains(widths[:], width)
}

// follows tells whether s can be the end of what was cut short: of a number or
// an address, or of a name where lines are known to be wrapped at that width.
func (w *wrap) follows(s string) bool {
	if strings.Trim(s, "0123456789.:") == "" {
		return len(s) <= len("255.255.255:65535")
	}
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return w.width == w.seen && strings.IndexByte(s, '.') >= 0
}

// rejoin tries whether a line is the rest of the held record. Lines in between
// that are none of it belong to the application: they end the wait.
func (s *serialReader) rejoin(rest string) bool {
	w := &s.wrap
	known := lookup(&w.record, &s.event) != nil
	if len(w.record.text) > maxText || known && !w.follows(rest) {
		s.settle()
		return false
	}
	for _, glue := range [...]string{"", " "} {
		var r record
		if !r.parse(w.record.line, w.record.text+glue+rest, &s.event) {
			continue
		}
		p := lookup(&r, &s.event)
		if p == nil && !unfinished(&r) || known && s.event.Code != 0 && codeWords[s.event.Code] == "" {
			continue
		}
		w.held, w.seen = false, w.width
		if p == nil || w.cutShort(&r, p, s.cut.width) {
			w.hold(&r, s.cut.width)
			return true
		}
		s.recognise(&r, p)
		return true
	}
	s.settle()
	return false
}
