package incident

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"photongate/gateway"
)

// maxLine bounds one line of a journal: an address book of 64 entries takes 16 KiB.
const maxLine = 64 << 10

// ReadJournal reads events, one JSON document a line, and gives each to emit
// as soon as it is read. It returns how many there were, and how many lines
// were none: torn, too long (64 KiB), or of another form. Blank lines do not
// count. The error is of reading; what came before it was given.
func ReadJournal(r io.Reader, emit func(gateway.Event)) (n, bad int, err error) {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		line, long, err := nextLine(br)
		line = bytes.TrimSpace(line)
		switch ev, ok := parse(line); {
		case long:
			bad++
		case len(line) == 0:
		case ok:
			n++
			emit(ev)
		default:
			bad++
		}
		if errors.Is(err, io.EOF) {
			return n, bad, nil
		}
		if err != nil {
			return n, bad, fmt.Errorf("read journal: %w", err)
		}
	}
}

// nextLine reads up to the end of a line. Of a line that is too long it gives nothing.
func nextLine(br *bufio.Reader) (line []byte, long bool, err error) {
	line, err = br.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		long, line = true, nil
		_, err = br.ReadSlice('\n')
	}
	return line, long, err
}

// parse reads one event and bounds it.
func parse(line []byte) (gateway.Event, bool) {
	var ev gateway.Event
	if len(line) == 0 || json.Unmarshal(line, &ev) != nil || ev.Kind == "" {
		return gateway.Event{}, false
	}
	return clip(ev), true
}
