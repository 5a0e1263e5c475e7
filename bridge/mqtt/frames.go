package mqtt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The packet types that a broker sends us, as first bytes (MQTT 3.1.1 section 2.2).
const (
	frameConnack  = 0x20
	framePublish  = 0x30
	framePuback   = 0x40
	frameSuback   = 0x90
	framePingresp = 0xd0
)

// maxInbound bounds a message that is handed on, in bytes: the only one we
// subscribe to is one word. A longer one is skipped, not an error, because
// anybody at the broker may have retained it.
const maxInbound = 4 << 10

// errForeign says that the far end does not speak MQTT as a broker would.
var errForeign = errors.New("what answers is not an MQTT broker")

// frames reads packets of a broker and lets only those through that we can
// have asked for, with the length that they must have.
type frames struct {
	r *bufio.Reader
	// head is the part of the current packet's header not handed on yet, and
	// body how many bytes follow it.
	head []byte
	body int
	// begun: the CONNACK came.
	begun bool
}

// newFrames reads from r.
func newFrames(r io.Reader) *frames { return &frames{r: bufio.NewReader(r)} }

// Read hands on the next bytes of packets that passed.
func (f *frames) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.head) == 0 && f.body == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.head) > 0 {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	n, err := f.r.Read(p[:min(len(p), f.body)])
	f.body -= n
	return n, err
}

// next takes a header and decides about its packet.
func (f *frames) next() error {
	first, err := f.r.ReadByte()
	if err != nil {
		return err
	}
	// Before the length: a web server's letters are no length worth waiting for.
	if !f.begun && first != frameConnack {
		return fmt.Errorf("%w: first byte %#02x", errForeign, first)
	}
	head, n, err := f.length([]byte{first})
	if err != nil {
		return err
	}
	pass, err := f.admit(first, n)
	if err != nil {
		return err
	}
	if !pass {
		_, err = io.CopyN(io.Discard, f.r, int64(n))
		return err
	}
	f.head, f.body = head, n
	return nil
}

// length reads a packet's length behind its first byte (MQTT 3.1.1 section
// 2.2.3: at most four bytes of seven bits).
func (f *frames) length(head []byte) ([]byte, int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := f.r.ReadByte()
		if err != nil {
			return nil, 0, err
		}
		head = append(head, b)
		n |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			return head, n, nil
		}
	}
	return nil, 0, fmt.Errorf("%w: packet %#02x has no length", errForeign, head[0])
}

// admit tells whether a packet is handed on, or an error when the connection cannot go on.
func (f *frames) admit(first byte, n int) (bool, error) {
	switch {
	case first == frameConnack && n == 2 && !f.begun:
		f.begun = true
		return true, f.welcome()
	case first == framePuback && n == 2, first == framePingresp && n == 0:
		return true, nil
	case first == frameSuback && n == 3:
		// One code for our one subscription: paho indexes by how many there are.
		return true, nil
	case first&^1 == framePublish && n > maxInbound:
		return false, nil
	case first&^1 == framePublish:
		return true, f.publish(first, n)
	}
	return false, fmt.Errorf("%w: packet %#02x of %d bytes", errForeign, first, n)
}

// publish looks whether the topic of a message fits into its packet of n bytes
// (MQTT 3.1.1 section 3.3.2.1), which paho reports as the end of the connection
// where it does not.
func (f *frames) publish(first byte, n int) error {
	if n >= 2 {
		b, err := f.r.Peek(2)
		if err != nil {
			return err
		}
		if 2+int(binary.BigEndian.Uint16(b)) <= n {
			return nil
		}
	}
	return fmt.Errorf("%w: packet %#02x of %d bytes", errForeign, first, n)
}

// welcome looks at the CONNACK's code, which paho takes for success where it does not know it.
func (f *frames) welcome() error {
	b, err := f.r.Peek(2)
	if err != nil {
		return err
	}
	if b[1] != 0 {
		return refusal(b[1])
	}
	return nil
}
