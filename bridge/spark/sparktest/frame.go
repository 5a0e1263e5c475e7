package sparktest

import (
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the longest record's ciphertext: the receive buffer of a Photon (photon.md 4.1).
const MaxFrame = 800

// lengthSize is the size of a record's length field.
const lengthSize = 2

// ErrFrame is a record without the protocol's shape; errors of ReadMessage wrap it.
var ErrFrame = errors.New("not a record")

// frameReader cuts a stream into records. It keeps what it has of a record when
// a read fails, so that reading can go on after a deadline passed.
type frameReader struct {
	// r is the stream.
	r io.Reader
	// buf holds the length field and the record behind it.
	buf [lengthSize + MaxFrame]byte
	// n counts the bytes in buf.
	n int
}

// next returns the ciphertext of the next record, valid until the next call.
// An end of the stream between records is io.EOF, within one io.ErrUnexpectedEOF.
func (f *frameReader) next() ([]byte, error) {
	if err := f.fill(lengthSize); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(f.buf[:]))
	if err := checkLength(length); err != nil {
		return nil, err
	}
	if err := f.fill(lengthSize + length); err != nil {
		return nil, err
	}
	f.n = 0
	return f.buf[lengthSize : lengthSize+length], nil
}

// fill reads until buf holds want bytes.
func (f *frameReader) fill(want int) error {
	for f.n < want {
		n, err := f.r.Read(f.buf[f.n:want])
		f.n += n
		if f.n >= want {
			return nil
		}
		if err == io.EOF && f.n > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkLength tells what is wrong with a record's length field.
func checkLength(n int) error {
	switch {
	case n == 0 || n%aes.BlockSize != 0:
		return fmt.Errorf("length %d is no multiple of %d: %w", n, aes.BlockSize, ErrFrame)
	case n > MaxFrame:
		return fmt.Errorf("length %d is above %d: %w", n, MaxFrame, ErrFrame)
	}
	return nil
}
