//go:build !nowatch

package capture

import (
	"encoding/binary"
	"time"
)

const (
	// stampLen is what stands before each packet in a recorder: its time in
	// nanoseconds, its length on the wire, and how much of it is held.
	stampLen = 8 + 4 + 2
	// firstSize is how large a recorder begins, in bytes: most strangers are
	// seen once, and do not deserve more.
	firstSize = 2 << 10
)

// recorder holds the latest packets of one device in a bounded number of bytes.
type recorder struct {
	buf   []byte
	limit int
	// head is where the oldest packet begins, used how many bytes are held.
	head, used int
	seen       time.Time
}

// add keeps a packet, and forgets the oldest ones where there is no room.
func (r *recorder) add(at time.Time, b []byte, wire int) {
	r.seen = at
	need := stampLen + len(b)
	if need > r.limit {
		return
	}
	r.grow(need)
	for r.used+need > len(r.buf) {
		r.drop()
	}
	var stamp [stampLen]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixNano()))
	binary.BigEndian.PutUint32(stamp[8:], uint32(wire))
	binary.BigEndian.PutUint16(stamp[12:], uint16(len(b)))
	r.write(stamp[:])
	r.write(b)
}

// grow makes room for need bytes more, as far as the limit allows.
func (r *recorder) grow(need int) {
	size := max(len(r.buf), min(firstSize, r.limit))
	for size < r.used+need && size < r.limit {
		size = min(2*size, r.limit)
	}
	if size == len(r.buf) {
		return
	}
	buf := make([]byte, size)
	r.read(0, buf[:r.used])
	r.buf, r.head = buf, 0
}

// drop forgets the oldest packet.
func (r *recorder) drop() {
	n := stampLen + r.held(0)
	r.head = (r.head + n) % len(r.buf)
	r.used -= n
}

// held is how many bytes are kept of the packet that begins at offset at.
func (r *recorder) held(at int) int {
	var b [2]byte
	r.read(at+12, b[:])
	return int(binary.BigEndian.Uint16(b[:]))
}

// write puts bytes behind those held.
func (r *recorder) write(b []byte) {
	tail := (r.head + r.used) % len(r.buf)
	n := copy(r.buf[tail:], b)
	copy(r.buf, b[n:])
	r.used += len(b)
}

// read copies held bytes from offset at on.
func (r *recorder) read(at int, b []byte) {
	if len(b) == 0 {
		return
	}
	from := (r.head + at) % len(r.buf)
	n := copy(b, r.buf[from:])
	copy(b[n:], r.buf)
}

// packets copies what is held, oldest first.
func (r *recorder) packets() []record {
	var out []record
	for at := 0; at < r.used; {
		var stamp [stampLen]byte
		r.read(at, stamp[:])
		b := make([]byte, binary.BigEndian.Uint16(stamp[12:]))
		r.read(at+stampLen, b)
		out = append(out, record{
			at: time.Unix(0, int64(binary.BigEndian.Uint64(stamp[:]))), link: LinkEthernet,
			data: b, wire: int(binary.BigEndian.Uint32(stamp[8:])),
		})
		at += stampLen + len(b)
	}
	return out
}
