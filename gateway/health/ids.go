package health

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// crockford is the base-32 alphabet whose order is that of its values (ULID
// specification, "Encoding").
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// idLength is how many digits of five bits hold 128 bits.
const idLength = 26

// ids names the lives of alerts in the form of a ULID: 48 bits of milliseconds,
// then, instead of chance, 16 bits of a counter and 64 bits of the key's hash.
// So ids sort by time, differ within a millisecond, and are the same for the
// same input.
type ids struct {
	// n counts the ids given out.
	n uint16
}

// next returns the id of a life of key that begins at now.
func (i *ids) next(key string, now time.Time) string {
	i.n++
	h := fnv.New64a()
	h.Write([]byte(key))
	hi := uint64(now.UnixMilli())<<16 | uint64(i.n)
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], h.Sum64())
	return encode(b)
}

// encode writes 128 bits as 26 digits, the first of which holds three bits.
func encode(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [idLength]byte
	for i := idLength - 1; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}
