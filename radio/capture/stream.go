//go:build !nowatch

package capture

import (
	"encoding/binary"
	"fmt"
	"time"
)

const (
	// nonceLen, deviceKeyLen and cloudKeyLen are the parts of the handshake
	// that have a fixed length (photon.md 4.1, rows 1 to 3).
	nonceLen     = 40
	deviceKeyLen = 256
	cloudKeyLen  = 384
	// pingLen is a record with one block of the cipher, as a ping is.
	pingLen = 2 + recordBlock
	// recordBlock and recordLimit are what a record's length is a multiple of,
	// and its bound: the Photon's buffer has 800 bytes (photon.md 4.1).
	recordBlock = 16
	recordLimit = 1024
	// jumpLimit bounds how many bytes a capture may have missed at once; no
	// TCP window here is larger. Beyond, the count starts anew.
	jumpLimit = 1 << 20
	// copyWindow is within what time the same packet is a copy by the capture
	// (two interfaces, the air's retries) and no retransmission: the shortest
	// timeout of a sender is 200 ms (Linux TCP_RTO_MIN).
	copyWindow = 100 * time.Millisecond
)

// stream is one direction of a connection: what was sent, and how much of it
// was acknowledged.
type stream struct {
	// known: next and acked mean something. next is the sequence number
	// behind the bytes counted, top behind all that were sent, acked behind
	// those acknowledged.
	known            bool
	next, top, acked uint32
	// bytes counts those that crossed once.
	bytes uint64
	// fixed is how many bytes of fixed length are still to come, left those of the record.
	fixed, left int
	// lost: where records begin is not known at present; guessed: it was once.
	lost, guessed bool
	// records counts complete ones.
	records int
	// length is the first byte of a length field that arrived alone, half whether there is one.
	length byte
	half   bool
	// opening is how the stream begins.
	opening []byte
	// shape says how the bytes are not the protocol's, empty where they are.
	shape string
	// retransmits counts segments that were sent again, stuck those since the
	// last progress; waiting is since when bytes wait for an acknowledgement.
	retransmits uint32
	stuck       int
	waiting     time.Time
	// lastAt is when the latest bytes crossed, lastLen the length of their segment.
	lastAt  time.Time
	lastLen int
	// ttl is that of the sender's packets, 0 before the first.
	ttl uint8
	// copied is the latest packet, to tell copies.
	copied packetMark
}

// packetMark is what tells a packet from the next.
type packetMark struct {
	seq, ack uint32
	id       uint16
	n        int
	flags    byte
	at       time.Time
}

// start sets the sequence number of the first byte.
func (s *stream) start(seq uint32) { s.known, s.next, s.top, s.acked = true, seq, seq, seq }

// isCopy tells whether a packet is the one before it once more, and remembers it.
func (s *stream) isCopy(m packetMark) bool {
	was := s.copied
	s.copied = m
	since := m.at.Sub(was.at)
	was.at = m.at
	return was == m && since < copyWindow && m.id != 0
}

// sent takes a segment of n bytes of which b was captured. It returns how many
// of its bytes are new.
func (s *stream) sent(seq uint32, b []byte, n int, at time.Time) int {
	if !s.known {
		s.start(seq)
	}
	end := seq + uint32(n)
	if s.waiting.IsZero() && after(end, s.acked) {
		s.waiting = at
	}
	if !after(end, s.top) {
		// A probe of one old byte keeps the connection alive, and is no loss.
		if n > 1 || seq != s.top-1 {
			s.retransmits++
			s.stuck++
		}
	} else {
		s.top = end
	}
	if !after(end, s.next) || after(seq, s.next) {
		// Old, or ahead of bytes that are missing: if the capture has lost
		// them, the acknowledgement will tell.
		return 0
	}
	old := int(s.next - seq)
	fresh := n - old
	s.take(b[min(old, len(b)):], fresh)
	s.next = end
	s.lastAt, s.lastLen = at, n
	return fresh
}

// confirmed takes an acknowledgement of the other side. It returns how many
// bytes it tells of that were not seen.
func (s *stream) confirmed(ack uint32, at time.Time) int {
	if !s.known {
		s.start(ack)
		return 0
	}
	if !after(ack, s.acked) {
		return 0
	}
	s.acked, s.stuck, s.waiting = ack, 0, time.Time{}
	missed := 0
	if after(ack, s.next) {
		missed = int(ack - s.next)
		s.lost = s.lost || missed > jumpLimit
		if missed <= jumpLimit {
			s.take(nil, missed)
			s.lastAt, s.lastLen = at, missed
		}
		s.next = ack
	}
	if !after(s.top, ack) {
		s.top = ack
	} else {
		s.waiting = at
	}
	return missed
}

// unacked is how many bytes wait for an acknowledgement.
func (s *stream) unacked() uint64 {
	if !s.known || !after(s.top, s.acked) {
		return 0
	}
	return uint64(s.top - s.acked)
}

// after tells whether sequence number a is behind b (RFC 9293 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }

// take counts n new bytes of which b was captured.
func (s *stream) take(b []byte, n int) {
	if s.bytes < 4 && len(s.opening) < 4 && uint64(len(s.opening)) == s.bytes {
		s.opening = append(s.opening, b[:min(len(b), 4-len(s.opening))]...)
	}
	s.bytes += uint64(n)
	b = b[:min(len(b), n)]
	skip := min(s.fixed, n)
	s.fixed -= skip
	if n -= skip; n == 0 {
		return
	}
	b = b[min(skip, len(b)):]
	if s.lost {
		s.resume(b, n)
		return
	}
	s.follow(b, n)
}

// follow counts records in n bytes of which b was captured.
func (s *stream) follow(b []byte, n int) {
	for n > 0 {
		if s.left > 0 {
			k := min(s.left, n)
			s.left -= k
			n -= k
			b = b[min(k, len(b)):]
			if s.left == 0 {
				s.records++
			}
			continue
		}
		if len(b) == 0 {
			// The length was not captured: count what is there as one.
			s.lost, s.half = true, false
			s.records++
			return
		}
		c := b[0]
		b, n = b[1:], n-1
		if !s.half {
			s.length, s.half = c, true
			continue
		}
		s.half = false
		s.left = int(s.length)<<8 | int(c)
		if !plausible(s.left) {
			if !s.guessed {
				s.shape = badRecord(s.left)
			}
			s.left, s.lost = 0, true
			return
		}
	}
}

// resume looks for the beginning of a record at the beginning of a segment,
// where nearly all begin; what does not fit counts as one record.
func (s *stream) resume(b []byte, n int) {
	if len(b) >= 2 {
		if k := int(binary.BigEndian.Uint16(b)); plausible(k) && 2+k <= n {
			s.lost, s.guessed, s.left = false, true, 0
			s.follow(b, n)
			return
		}
	}
	s.records++
}

// plausible tells whether a record may have n bytes.
func plausible(n int) bool { return n > 0 && n%recordBlock == 0 && n <= recordLimit }

// badRecord says how a record's length is wrong.
func badRecord(n int) string {
	return fmt.Sprintf("a record of %d bytes, which is not a multiple of 16 up to %d", n, recordLimit)
}

// impostor names what the first bytes of a supposed cloud really are, or
// returns "" (photon.md 4.3, last row).
func impostor(b []byte) string {
	switch {
	case len(b) < 3:
		return ""
	case string(b[:3]) == "HTT":
		return "an HTTP server or captive portal"
	case string(b[:3]) == "SSH":
		return "an SSH server"
	case b[0] == '<':
		return "a web page"
	case (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 && b[2] <= 4:
		return "a TLS endpoint"
	}
	return ""
}
