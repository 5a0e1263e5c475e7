package mqtt

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"math"
)

// maxLine bounds a line of the spool's file, in bytes: the longest payload in
// base64, the longest topic with every byte escaped, and the members around.
const maxLine = maxPayload/3*4 + 6*maxTopic + 1024

// record is one message in the spool. Its id grows by one from record to record.
type record struct {
	id uint64
	Message
	// size is the length of its line in the file.
	size int64
}

// line is a record, or a mark about records that are done, as the spool's file
// holds it.
type line struct {
	ID uint64 `json:"id"`
	// Done makes the line a mark: all records up to ID are done, or with Events
	// those of them that are not retained.
	Done    bool   `json:"done,omitempty"`
	Events  bool   `json:"events,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Retain  bool   `json:"retain,omitempty"`
	Payload []byte `json:"payload,omitempty"`
	// CRC is the sum of the rest.
	CRC uint32 `json:"crc"`
}

// sum is the CRC-32 (IEEE) over all members but itself.
func (l *line) sum() uint32 {
	b := binary.BigEndian.AppendUint64(nil, l.ID)
	// Lines without Events have the sum that they had before there was one.
	b = append(b, flag(l.Done)|flag(l.Events)<<1, flag(l.Retain))
	b = binary.BigEndian.AppendUint32(b, uint32(len(l.Topic)))
	h := crc32.NewIEEE()
	h.Write(b)
	io.WriteString(h, l.Topic)
	h.Write(l.Payload)
	return h.Sum32()
}

// flag is a truth value as a byte.
func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// encode is the line with its newline.
func (l line) encode() []byte {
	l.CRC = l.sum()
	b, err := json.Marshal(l)
	if err != nil {
		// Numbers, truth values, strings and bytes: there is nothing to refuse.
		panic(err)
	}
	return append(b, '\n')
}

// encode is the record's line.
func (r record) encode() []byte {
	return line{ID: r.id, Topic: r.Topic, Retain: r.Retain, Payload: r.Payload}.encode()
}

// errLine says that a line is not what was written.
var errLine = errors.New("damaged line")

// parseLine reads a line without its newline.
func parseLine(b []byte) (line, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return line{}, errLine
	}
	m := Message{Topic: l.Topic, Payload: l.Payload}
	bad := l.ID == 0 || l.ID == math.MaxUint64 || l.CRC != l.sum() || (!l.Done && (l.Events || m.check() != nil))
	if bad {
		return line{}, errLine
	}
	return l, nil
}

// scan hands each whole line to take and counts the damaged ones: torn, too
// long, or changed. A last line without a newline is torn, because the newline
// is written with it.
func scan(r io.Reader, take func(line)) (damaged uint64, err error) {
	br := bufio.NewReaderSize(r, 4<<10)
	var buf []byte
	long := false
	for {
		part, err := br.ReadSlice('\n')
		if long = long || len(buf)+len(part) > maxLine; !long {
			buf = append(buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			if len(buf) > 0 || long {
				damaged++
			}
			return damaged, nil
		case err != nil:
			return damaged, err
		}
		l, bad := parseLine(buf)
		if long || bad != nil {
			damaged++
		} else {
			take(l)
		}
		buf, long = buf[:0], false
	}
}
