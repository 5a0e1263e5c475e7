package run

import (
	"bytes"
	"strings"
)

// head keeps the first bytes that a program writes, and remembers whether
// there were more. It never refuses a write: a program must not die of SIGPIPE
// for being talkative.
type head struct {
	b   []byte
	max int
	cut bool
}

// Write keeps what there is room for.
func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.max-len(h.b))
	h.b = append(h.b, p[:n]...)
	h.cut = h.cut || n < len(p)
	return len(p), nil
}

// tail keeps the last bytes that a program writes.
type tail struct {
	b   []byte
	max int
}

// Write drops the oldest bytes to make room.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.max {
		p = p[n-t.max:]
	}
	if over := len(t.b) + len(p) - t.max; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	t.b = append(t.b, p...)
	return n, nil
}

// lines is at most max last lines, trimmed, without empty ones and without the
// lines of ^^^ by which nft points at a column.
func (t *tail) lines(max int) []string {
	var keep []string
	for l := range strings.Lines(string(bytes.ToValidUTF8(t.b, []byte("?")))) {
		if l = strings.TrimSpace(l); strings.Trim(l, "^~ ") != "" {
			keep = append(keep, l)
		}
	}
	return keep[len(keep)-min(max, len(keep)):]
}
