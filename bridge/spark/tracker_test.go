package spark

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"photongate/gateway"
)

// record is a frame with a payload of n bytes.
func record(n int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(n)), make([]byte, n)...)
}

// step is bytes from one side and what the tracker must make of them.
type step struct {
	from  Side
	bytes []byte
	want  gateway.Phase
	err   string
}

// healthy is a whole handshake and the first records after it.
func healthy() []step {
	return []step{
		{Cloud, make([]byte, NonceLen), gateway.PhaseNonce, ""},
		{Device, make([]byte, DeviceKeyLen), gateway.PhaseDeviceKey, ""},
		{Cloud, make([]byte, CloudKeyLen), gateway.PhaseCloudKey, ""},
		{Device, record(16), gateway.PhaseHello, ""},
		{Cloud, record(16), gateway.PhaseEstablished, ""},
		{Device, record(48), gateway.PhaseEstablished, ""},
		{Cloud, record(16), gateway.PhaseTalking, ""},
	}
}

// feed gives one step to the tracker.
func feed(t *Tracker, s step) error {
	if s.from == Cloud {
		return t.FromCloud(s.bytes)
	}
	return t.FromDevice(s.bytes)
}

func TestTracker(t *testing.T) {
	tests := map[string][]step{
		"healthy":     healthy(),
		"two records": append(healthy()[:4], step{Cloud, append(record(16), record(16)...), gateway.PhaseTalking, ""}),
		"early ping":  append(healthy()[:4], step{Device, record(16), gateway.PhaseHello, ""}, healthy()[4]),
		"key and hello record of an eager cloud": append(healthy()[:2],
			step{Cloud, append(make([]byte, CloudKeyLen), record(16)...), gateway.PhaseCloudKey, ""}),
		"device speaks first": {
			{Device, []byte("GET / HTTP/1.1\r\n"), gateway.PhaseSilent, "not spark: the device spoke before the cloud's nonce"},
		},
		"captive portal": {
			{Cloud, []byte("HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n"), gateway.PhaseNonce, "not spark: the cloud is an HTTP server or captive portal"},
		},
		"long nonce": {
			{Cloud, make([]byte, NonceLen+1), gateway.PhaseNonce, "not spark: the cloud sent more than its 40 bytes before the device answered"},
		},
		"long device key": append(healthy()[:1],
			step{Device, make([]byte, DeviceKeyLen+1), gateway.PhaseDeviceKey, "not spark: the device sent more than its 256 bytes before the cloud's key"}),
		"odd record": append(healthy()[:5],
			step{Device, []byte{0, 17}, gateway.PhaseEstablished, "not spark: the device sent a record of 17 bytes, which is not a multiple of 16 up to 1024"}),
		"empty record": append(healthy()[:5],
			step{Cloud, []byte{0, 0}, gateway.PhaseEstablished, "not spark: the cloud sent a record of 0 bytes, which is not a multiple of 16 up to 1024"}),
		"tunnel": append(healthy()[:5],
			step{Device, []byte{0x16, 3, 1}, gateway.PhaseEstablished, "not spark: the device sent a record of 5635 bytes, which is not a multiple of 16 up to 1024"}),
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			tr := New()
			for i, s := range steps {
				err := feed(&tr, s)
				if got := text(err); got != s.err {
					t.Fatalf("step %d: error %q, want %q", i, got, s.err)
				}
				if tr.Phase() != s.want {
					t.Fatalf("step %d: phase %s, want %s", i, tr.Phase(), s.want)
				}
			}
		})
	}
}

// text is an error's text, or nothing.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTrackerTorn feeds the healthy session in pieces of every size: the
// phase after each whole step must not depend on how TCP cut the stream.
func TestTrackerTorn(t *testing.T) {
	for size := 1; size < 64; size++ {
		tr := New()
		for i, s := range healthy() {
			for b := s.bytes; len(b) > 0; b = b[min(size, len(b)):] {
				if err := feed(&tr, step{from: s.from, bytes: b[:min(size, len(b))]}); err != nil {
					t.Fatalf("pieces of %d, step %d: %v", size, i, err)
				}
			}
			if tr.Phase() != s.want {
				t.Fatalf("pieces of %d, step %d: phase %s, want %s", size, i, tr.Phase(), s.want)
			}
		}
	}
}

func TestHoldBack(t *testing.T) {
	tr := New()
	tr.FromCloud(make([]byte, NonceLen))
	for _, s := range []struct{ send, want int }{{1, 255}, {200, 55}, {55, 0}} {
		if err := tr.FromDevice(make([]byte, s.send)); err != nil {
			t.Fatal(err)
		}
		if got := tr.HoldBack(); got != s.want {
			t.Errorf("after %d more bytes: hold back for %d, want %d", s.send, got, s.want)
		}
	}
}

func TestImpostor(t *testing.T) {
	for in, want := range map[string]string{
		"HTTP/1.0 400":     "an HTTP server or captive portal",
		"SSH-2.0-":         "an SSH server",
		"<html>":           "a web page",
		"\x15\x03\x01\x00": "a TLS endpoint",
		"HT":               "",
		"\x8a\x00\x13\x99": "",
	} {
		if got := Impostor([]byte(in)); got != want {
			t.Errorf("Impostor(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzTracker cuts arbitrary bytes into pieces of both sides: the tracker must
// never panic, never go back a phase, and say the same however the bytes are cut.
func FuzzTracker(f *testing.F) {
	var good []byte
	for _, s := range healthy() {
		good = append(good, s.bytes...)
	}
	f.Add(good, uint64(1))
	f.Add([]byte("HTTP/1.1 200 OK"), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tr := New()
		for last := tr.Phase(); len(b) > 0; last = tr.Phase() {
			n := min(len(b), 1+rnd.IntN(400))
			if feed(&tr, step{from: Side(rnd.IntN(2)), bytes: b[:n]}) != nil {
				return
			}
			if b = b[n:]; tr.Phase() < last {
				t.Fatalf("phase went from %s to %s", last, tr.Phase())
			}
		}
	})
}

func BenchmarkTracker(b *testing.B) {
	tr := New()
	for _, s := range healthy() {
		feed(&tr, s)
	}
	ping := record(16)
	for b.Loop() {
		tr.FromDevice(ping)
		tr.FromCloud(ping)
	}
}
