package diagnose

import (
	"bytes"
	"io"
	"strings"
)

// Sizes of what is held of a log.
const (
	// chunkSize is how much is read at a time: large enough that a system call
	// costs nothing beside the lines, small enough for a router's memory.
	chunkSize = 64 << 10
	// maxLine bounds what is carried over of a line without an end. The firmware
	// cuts a message at 160 characters (photon.md 6.1), so that a longer line is
	// either many records in one or no log at all.
	maxLine = 4096
	// tornTail is how many bytes of an endless line are carried over when it is
	// cut, so that a stamp of ten digits and its bracket are not torn.
	tornTail = 16
	// maxIdle is how many reads in a row may bring nothing, as in package bufio.
	maxIdle = 100
)

// cutter cuts a byte stream into records: at line ends of any kind, and where
// a stamp begins within a line.
type cutter struct {
	// give takes one piece and its line, from 1.
	give func(line int, piece string)
	// line counts the lines that ended.
	line int
	// width is the length of the present line in bytes, as it was read.
	width int
}

// read gives everything that r holds. Its error is that of r, io.EOF included.
func (c *cutter) read(r io.Reader) error {
	buf := make([]byte, chunkSize)
	held, idle := 0, 0
	for {
		n, err := r.Read(buf[held:])
		fresh := held
		held += n
		if end := bytes.LastIndexByte(buf[fresh:held], '\n'); end >= 0 {
			end += fresh + 1
			c.lines(string(buf[:end]))
			held = copy(buf, buf[end:held])
		}
		if held == len(buf) {
			held = copy(buf, c.relieve(string(buf)))
		}
		if idle++; n > 0 {
			idle = 0
		}
		if idle > maxIdle && err == nil {
			err = io.ErrNoProgress
		}
		if err != nil {
			if held > 0 {
				c.lineEnd(string(buf[:held]))
			}
			return err
		}
	}
}

// lines gives whole lines.
func (c *cutter) lines(text string) {
	for text != "" {
		end := strings.IndexByte(text, '\n')
		c.lineEnd(text[:end])
		text = text[end+1:]
	}
}

// lineEnd gives one line without its line feed. What is no plain text is
// cleaned, and every carriage return within it ends a line of its own.
func (c *cutter) lineEnd(s string) {
	for s != "" && s[len(s)-1] == '\r' {
		s = s[:len(s)-1]
	}
	c.width = len(s)
	if plain(s) {
		c.line++
		c.cut(s)
		return
	}
	// A log saved as UTF-16 has a zero byte behind every letter, line ends included.
	s = strings.Trim(s, "\r\x00")
	for {
		head, rest, more := strings.Cut(s, "\r")
		c.line++
		c.width = len(head)
		c.cut(clean(head))
		if !more {
			return
		}
		s = strings.TrimLeft(rest, "\r\x00")
	}
}

// cut gives the pieces of a clean line: it is cut before every stamp but one
// at its start.
func (c *cutter) cut(s string) {
	for i := nextStamp(s); i > 0; i = nextStamp(s) {
		c.give(c.line, s[:i])
		s = s[i:]
	}
	if s != "" {
		c.give(c.line, s)
	}
}

// relieve makes room when no line ends in a whole buffer. What it returns is
// the beginning of what comes next: lines that ended with carriage returns are
// given, and of an endless one all records but the last, which may go on.
func (c *cutter) relieve(s string) string {
	if i := strings.LastIndexByte(s, '\r'); i > 0 {
		c.lineEnd(s[:i])
		return s[i+1:]
	}
	s = clean(s)
	c.line++
	for i := nextStamp(s); i > 0; i = nextStamp(s) {
		c.give(c.line, s[:i])
		s = s[i:]
	}
	if len(s) > maxLine {
		c.give(c.line, s)
		s = s[len(s)-tornTail:]
	}
	c.line--
	return s
}

// nextStamp finds where a record begins within s, behind its first byte; 0 if
// nowhere. Ten digits in a row cover one byte in every ten, so that few bytes
// need be looked at.
func nextStamp(s string) int {
	for i := 10; i < len(s); i += 10 {
		if !isDigit(s[i]) {
			continue
		}
		from, to := i, i+1
		for from > 1 && isDigit(s[from-1]) {
			from--
		}
		for to < len(s) && isDigit(s[to]) {
			to++
		}
		if to-from >= stampLen && stampAt(s, to-stampLen) {
			return to - stampLen
		}
		i = to
	}
	return 0
}

// stampLen is how many digits a stamp has (photon.md 6.1).
const stampLen = 10

// stampAt tells whether a record begins at i: ten digits, and behind them a
// category, a level or the colon of firmware 0.5 (photon.md 6.1).
func stampAt(s string, i int) bool {
	if len(s) < i+stampLen+2 || !isDigits(s[i:i+stampLen]) {
		return false
	}
	rest := s[i+stampLen:]
	if rest[0] != ' ' && rest[0] != ':' {
		return false
	}
	if rest[0] == ' ' && rest[1] == '[' {
		return len(rest) > 2 && isWordByte(rest[2])
	}
	level, _ := cutLevel(rest[1:])
	return level != ""
}

// isDigit tells whether c is a decimal digit.
func isDigit(c byte) bool { return c-'0' <= 9 }

// isDigits tells whether s is decimal digits and nothing else.
func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// isWordByte tells whether c can stand in a category.
func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '.' || c == '_' || c == '-'
}
