package sparktest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Type is a message's kind of delivery (RFC 7252 section 3).
type Type uint8

// The types.
const (
	Confirmable    Type = 0
	NonConfirmable Type = 1
	Acknowledgment Type = 2
	Reset          Type = 3
)

// The codes that the protocol uses (RFC 7252 section 12.1), class in the upper three bits.
const (
	CodeEmpty   = 0x00
	CodeGET     = 0x01
	CodePOST    = 0x02
	CodePUT     = 0x03
	CodeChanged = 0x44
	CodeContent = 0x45
)

// The options that the protocol uses (RFC 7252 section 12.2).
const (
	OptionURIPath  = 11
	OptionMaxAge   = 14
	OptionURIQuery = 15
)

// maxOptions bounds the options of one message; the protocol needs four.
const maxOptions = 16

// ErrMessage is bytes that are no CoAP message; errors of ParseMessage wrap it.
var ErrMessage = errors.New("not a CoAP message")

// Option is one option of a message.
type Option struct {
	// Number says which.
	Number uint16
	// Value is its content.
	Value []byte
}

// Message is one CoAP message (RFC 7252 section 3).
type Message struct {
	Type    Type
	Code    byte
	ID      uint16
	Token   []byte
	Options []Option
	Payload []byte
}

// Path joins the Uri-Path options with slashes.
func (m Message) Path() string { return m.join(OptionURIPath, "/") }

// Query joins the Uri-Query options with ampersands.
func (m Message) Query() string { return m.join(OptionURIQuery, "&") }

// join joins the values of an option.
func (m Message) join(number uint16, sep string) string {
	var parts []string
	for _, o := range m.Options {
		if o.Number == number {
			parts = append(parts, string(o.Value))
		}
	}
	return strings.Join(parts, sep)
}

// IsPing tells whether this is an empty confirmable message.
func (m Message) IsPing() bool { return m.Code == CodeEmpty && m.Type == Confirmable }

// ParseMessage reads one message that fills b. The result holds parts of b.
func ParseMessage(b []byte) (Message, error) {
	if len(b) < 4 {
		return Message{}, fmt.Errorf("%d bytes: %w", len(b), ErrMessage)
	}
	if b[0]>>6 != 1 {
		return Message{}, fmt.Errorf("version %d: %w", b[0]>>6, ErrMessage)
	}
	m := Message{Type: Type(b[0] >> 4 & 3), Code: b[1], ID: binary.BigEndian.Uint16(b[2:])}
	n := int(b[0] & 15)
	if n > 8 || len(b) < 4+n {
		return Message{}, fmt.Errorf("token of %d bytes in %d: %w", n, len(b), ErrMessage)
	}
	if n > 0 {
		m.Token = b[4 : 4+n]
	}
	if m.Code == CodeEmpty && len(b) != 4 {
		return Message{}, fmt.Errorf("empty message of %d bytes: %w", len(b), ErrMessage)
	}
	return m, m.parseOptions(b[4+n:])
}

// parseOptions reads what stands behind the token.
func (m *Message) parseOptions(b []byte) error {
	number := 0
	for len(b) > 0 {
		if b[0] == 0xff {
			if len(b) == 1 {
				return fmt.Errorf("payload marker without payload: %w", ErrMessage)
			}
			m.Payload = b[1:]
			return nil
		}
		head := b[0]
		delta, rest, ok := nibble(head>>4, b[1:])
		length, rest, ok2 := nibble(head&15, rest)
		if !ok || !ok2 || length > len(rest) || number+delta > 0xffff || len(m.Options) == maxOptions {
			return fmt.Errorf("option %d: %w", len(m.Options)+1, ErrMessage)
		}
		number += delta
		m.Options = append(m.Options, Option{Number: uint16(number), Value: rest[:length]})
		b = rest[length:]
	}
	return nil
}

// nibble decodes an option's delta or length with its extension (RFC 7252 section 3.1).
func nibble(v byte, b []byte) (n int, rest []byte, ok bool) {
	switch {
	case v < 13:
		return int(v), b, true
	case v == 13 && len(b) >= 1:
		return int(b[0]) + 13, b[1:], true
	case v == 14 && len(b) >= 2:
		return int(binary.BigEndian.Uint16(b)) + 269, b[2:], true
	}
	return 0, b, false
}

// Append writes the message behind b. Options must stand in the order of their numbers.
func (m Message) Append(b []byte) []byte {
	b = append(b, 1<<6|byte(m.Type)<<4|byte(len(m.Token)), m.Code)
	b = binary.BigEndian.AppendUint16(b, m.ID)
	b = append(b, m.Token...)
	last := uint16(0)
	for _, o := range m.Options {
		b = appendOption(b, int(o.Number-last), o.Value)
		last = o.Number
	}
	if len(m.Payload) > 0 {
		b = append(append(b, 0xff), m.Payload...)
	}
	return b
}

// appendOption writes one option.
func appendOption(b []byte, delta int, value []byte) []byte {
	d, dx := extend(delta)
	l, lx := extend(len(value))
	b = append(b, d<<4|l)
	b = append(append(b, dx...), lx...)
	return append(b, value...)
}

// extend is nibble backwards.
func extend(n int) (byte, []byte) {
	switch {
	case n < 13:
		return byte(n), nil
	case n < 269:
		return 13, []byte{byte(n - 13)}
	}
	return 14, binary.BigEndian.AppendUint16(nil, uint16(n-269))
}
