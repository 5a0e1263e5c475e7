package sparktest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// direction is the cipher of the records that go one way.
type direction struct {
	// block is AES-128 with the session's key.
	block cipher.Block
	// iv is the one of the next record.
	iv [aes.BlockSize]byte
}

// newDirection starts a direction with the handshake's key and IV.
func newDirection(c credentials) (*direction, error) {
	block, err := aes.NewCipher(c.key())
	if err != nil {
		return nil, fmt.Errorf("set session key: %w", err)
	}
	return &direction{block: block, iv: [aes.BlockSize]byte(c.iv())}, nil
}

// seal pads and encrypts one message.
func (d *direction) seal(plain []byte) []byte {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(d.block, d.iv[:]).CryptBlocks(out, out)
	copy(d.iv[:], out)
	return out
}

// open decrypts one record in place and takes off the padding. Its length has been checked.
func (d *direction) open(record []byte) ([]byte, error) {
	var next [aes.BlockSize]byte
	copy(next[:], record)
	cipher.NewCBCDecrypter(d.block, d.iv[:]).CryptBlocks(record, record)
	d.iv = next
	pad := int(record[len(record)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, fmt.Errorf("padding of %d bytes: %w", pad, ErrFrame)
	}
	return record[:len(record)-pad], nil
}
