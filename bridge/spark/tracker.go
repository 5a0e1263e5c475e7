package spark

import (
	"fmt"

	"photongate/gateway"
)

const (
	// NonceLen is the cloud's opening (photon.md 4.1, row 1).
	NonceLen = 40
	// DeviceKeyLen is the device's answer, one RSA-2048 block (row 2).
	DeviceKeyLen = 256
	// CloudKeyLen is the cloud's answer: RSA-1024 block and signature (row 3).
	CloudKeyLen = 384
	// MaxRecord bounds a record's length field. The Photon's buffer is 800
	// bytes (photon.md 4.1); the next power of two leaves room for a cloud
	// that rounds differently, and none for a tunnel.
	MaxRecord = 1024
	// block is the cipher's: every record is a multiple of it.
	block = 16
)

// Side is an end of a session.
type Side uint8

// The sides.
const (
	Device Side = iota
	Cloud
)

// String names the side.
func (s Side) String() string {
	if s == Device {
		return "device"
	}
	return "cloud"
}

// ShapeError says how a session's bytes do not have the protocol's shape.
type ShapeError struct {
	// From is the side that sent them.
	From Side
	// What is the violation in words.
	What string
}

// Error is "not spark: the cloud sent …".
func (e *ShapeError) Error() string { return "not spark: the " + e.From.String() + " " + e.What }

// framer follows the records of one direction.
type framer struct {
	fixed  uint16 // bytes left of the fixed-length part
	left   uint16 // bytes left of the record
	length uint8  // first byte of a length field that arrived alone
	half   bool   // whether there is such a byte
}

// take consumes bytes of records and returns how many records they completed.
func (f *framer) take(b []byte) (done int, err error) {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(int(f.left), len(b))
			f.left -= uint16(n)
			b = b[n:]
			if f.left == 0 {
				done++
			}
			continue
		}
		if !f.half {
			f.length, f.half = b[0], true
			b = b[1:]
			continue
		}
		n := int(f.length)<<8 | int(b[0])
		if n == 0 || n%block != 0 || n > MaxRecord {
			return done, fmt.Errorf("sent a record of %d bytes, which is not a multiple of 16 up to %d", n, MaxRecord)
		}
		f.left, f.half = uint16(n), false
		b = b[1:]
	}
	return done, nil
}

// Tracker follows one session. Make it with New. It is small: every
// session holds one.
type Tracker struct {
	up, down framer
	phase    gateway.Phase
	opening  [4]byte // first bytes of the cloud, to name what is not one
}

// New tracks a session whose connection to the cloud stands.
func New() Tracker {
	return Tracker{
		up:    framer{fixed: DeviceKeyLen},
		down:  framer{fixed: NonceLen},
		phase: gateway.PhaseSilent,
	}
}

// Phase is how far the session got.
func (t *Tracker) Phase() gateway.Phase { return t.phase }

// HoldBack is how many bytes of the device's key block are still to come after
// those seen, 0 outside of it. The block is worth forwarding only whole: some
// servers take their first read for all of it (photon.md 4.1, relay hygiene).
func (t *Tracker) HoldBack() int {
	if t.phase == gateway.PhaseNonce && t.up.fixed < DeviceKeyLen {
		return int(t.up.fixed)
	}
	return 0
}

// FromCloud takes bytes that the cloud sent.
func (t *Tracker) FromCloud(b []byte) error {
	if t.phase == gateway.PhaseSilent {
		if at := NonceLen - int(t.down.fixed); at < len(t.opening) {
			copy(t.opening[at:], b)
		}
	}
	b = t.down.skip(b)
	switch {
	case t.phase == gateway.PhaseSilent && t.down.fixed == 0:
		t.phase = gateway.PhaseNonce
	case t.phase == gateway.PhaseDeviceKey && t.down.fixed == 0:
		t.phase = gateway.PhaseCloudKey
	}
	if len(b) == 0 {
		return nil
	}
	if t.phase < gateway.PhaseCloudKey {
		return &ShapeError{Cloud, t.tooMuch()}
	}
	done, err := t.down.take(b)
	if err != nil {
		return &ShapeError{Cloud, err.Error()}
	}
	if done > 0 && t.phase == gateway.PhaseHello {
		t.phase = gateway.PhaseEstablished
		done--
	}
	if done > 0 && t.phase == gateway.PhaseEstablished {
		t.phase = gateway.PhaseTalking
	}
	return nil
}

// FromDevice takes bytes that the device sent.
func (t *Tracker) FromDevice(b []byte) error {
	if len(b) > 0 && t.phase < gateway.PhaseNonce {
		return &ShapeError{Device, "spoke before the cloud's nonce"}
	}
	b = t.up.skip(b)
	if t.phase == gateway.PhaseNonce && t.up.fixed == 0 {
		t.phase = gateway.PhaseDeviceKey
		t.down.fixed = CloudKeyLen
	}
	if len(b) == 0 {
		return nil
	}
	if t.phase < gateway.PhaseCloudKey {
		return &ShapeError{Device, fmt.Sprintf("sent more than its %d bytes before the cloud's key", DeviceKeyLen)}
	}
	done, err := t.up.take(b)
	if err != nil {
		return &ShapeError{Device, err.Error()}
	}
	if done > 0 && t.phase == gateway.PhaseCloudKey {
		t.phase = gateway.PhaseHello
	}
	return nil
}

// skip consumes bytes of the fixed-length part and returns the rest.
func (f *framer) skip(b []byte) []byte {
	n := min(int(f.fixed), len(b))
	f.fixed -= uint16(n)
	return b[n:]
}

// tooMuch says what the cloud's surplus is, naming what answers in its place
// where its first bytes tell.
func (t *Tracker) tooMuch() string {
	if who := Impostor(t.opening[:]); who != "" {
		return "is " + who
	}
	return fmt.Sprintf("sent more than its %d bytes before the device answered", NonceLen)
}

// Opening is the first bytes of the cloud, zero where they did not come.
func (t *Tracker) Opening() [4]byte { return t.opening }

// Impostor names what the first bytes of a supposed cloud really are, or
// returns "" (photon.md 4.3, last row).
func Impostor(b []byte) string {
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
