//go:build !nowatch

package capture

import (
	"encoding/binary"

	"photongate/gateway"
)

// The bits of an 802.11 frame control field (IEEE 802.11-2020 9.2.4.1), its
// second byte.
const (
	toDS      = 0x01
	fromDS    = 0x02
	retried   = 0x08
	protected = 0x40
	ordered   = 0x80
)

// headerLen is the 802.11 header with three addresses (IEEE 802.11-2020 9.3.2).
const headerLen = 24

// radiotap takes the radio's header off; its length stands in bytes 2 and 3.
// A check sequence at the end does no harm: IP knows its own length.
func radiotap(b []byte) (frame, bool) {
	if len(b) < 8 || b[0] != 0 {
		return frame{}, false
	}
	n := int(binary.LittleEndian.Uint16(b[2:]))
	if n < 8 || n > len(b) {
		return frame{}, false
	}
	return dot11(b[n:])
}

// dot11 reads a frame of 802.11.
func dot11(b []byte) (frame, bool) {
	// The shortest frame is an acknowledgement of ten bytes.
	if len(b) < 10 || b[0]&3 != 0 {
		return frame{}, false
	}
	kind := b[0] >> 2 & 3
	switch {
	case kind == 1, kind == 3:
		return frame{body: b}, true
	case len(b) < headerLen:
		return frame{}, false
	case kind == 0:
		return frame{dst: gateway.MAC(b[4:10]), src: gateway.MAC(b[10:16]), body: b, management: true, encrypted: b[1]&protected != 0}, true
	}
	return dot11Data(b)
}

// dot11Data reads a data frame (IEEE 802.11-2020 9.3.2.1, table 9-60).
func dot11Data(b []byte) (frame, bool) {
	a1, a2, a3 := gateway.MAC(b[4:10]), gateway.MAC(b[10:16]), gateway.MAC(b[16:22])
	f := frame{dst: a1, src: a2, body: b}
	n := headerLen
	switch b[1] & (toDS | fromDS) {
	case toDS:
		f.dst = a3
	case fromDS:
		f.src = a3
	case toDS | fromDS:
		if len(b) < headerLen+6 {
			return frame{}, false
		}
		f.dst, f.src = a3, gateway.MAC(b[24:30])
		n += 6
	}
	switch {
	case b[0]&0x40 != 0:
		return f, true // without data: power saving
	case b[1]&protected != 0:
		f.encrypted = true
		return f, true
	}
	if b[0]&0x80 != 0 {
		if len(b) < n+2 {
			return frame{}, false
		}
		if b[n]&0x80 != 0 {
			return f, true // several frames in one, which Photons do not send
		}
		n += 2
		if b[1]&ordered != 0 {
			n += 4
		}
	}
	return snap(f, b, n)
}

// snapHeader is what stands between 802.11 and an EtherType (RFC 1042).
const snapHeader = "\xaa\xaa\x03\x00\x00\x00"

// snap reads the protocol of a data frame whose header has n bytes.
func snap(f frame, b []byte, n int) (frame, bool) {
	if len(b) < n+8 {
		return frame{}, false
	}
	if string(b[n:n+6]) != snapHeader {
		return f, true
	}
	f.proto, f.body = binary.BigEndian.Uint16(b[n+6:]), b[n+8:]
	return f, true
}
