package ntp

import (
	"encoding/binary"
	"time"
)

// packetSize is a message without extensions or authenticator (RFC 5905 7.3).
const packetSize = 48

// The modes that matter (RFC 5905 figure 10).
const (
	modeClient = 3
	modeServer = 4
)

// The versions that are answered: all that share this layout (RFC 4330 4).
const (
	oldest = 1
	newest = 4
)

// stratum is what we claim. How good the system's clock is we do not know, so
// the claim is a poor one: far from 16, which is unsynchronised (RFC 5905
// figure 11), but worse than any real source that a client may also have.
const stratum = 10

// precision is the clock's, as a power of two seconds: about a microsecond,
// which is what reading it costs.
const precision = 0xec // -20 as a signed byte

// rootDispersion is the greatest error we vouch for, in units of 2^-16 s
// (RFC 5905 6, the short format): one second, since nobody measured it.
const rootDispersion = 1 << 16

// reference is the clock's name above stratum 1, an IPv4 address (RFC 5905
// 7.3); 127.127.1.1 is how other servers name their own system's clock.
var reference = [4]byte{127, 127, 1, 1}

// epochOffset is how many seconds the NTP epoch, 1900, lies before 1970 (RFC 5905 6).
const epochOffset = 2208988800

// reply answers in, received and sent at the given times, in buf; it is nil
// when in is no client's question. What follows the first 48 bytes, an
// authenticator or extensions, is passed over (RFC 4330 4).
func reply(in []byte, received, sent time.Time, buf *[packetSize]byte) []byte {
	if len(in) < packetSize {
		return nil
	}
	version, mode := in[0]>>3&7, in[0]&7
	if mode != modeClient || version < oldest || version > newest {
		return nil
	}
	*buf = [packetSize]byte{}
	// The leap indicator stays 0: no warning.
	buf[0] = version<<3 | modeServer
	buf[1] = stratum
	buf[2] = in[2]
	buf[3] = precision
	binary.BigEndian.PutUint32(buf[8:12], rootDispersion)
	copy(buf[12:16], reference[:])
	binary.BigEndian.PutUint64(buf[16:24], stamp(received))
	// The client knows its answer by its own transmit time.
	copy(buf[24:32], in[40:48])
	binary.BigEndian.PutUint64(buf[32:40], stamp(received))
	binary.BigEndian.PutUint64(buf[40:48], stamp(sent))
	return buf[:]
}

// stamp is t as seconds since 1900, modulo 2^32, and their fraction (RFC 5905
// 6): from 2036 on the count starts over, as the standard has it.
func stamp(t time.Time) uint64 {
	seconds := uint64(t.Unix() + epochOffset)
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return seconds<<32 | fraction
}
