package mqtt

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// welcome is a CONNACK that accepts.
const welcome = "\x20\x02\x00\x00"

func TestFrames(t *testing.T) {
	long := "\x30\x81\x20" + strings.Repeat("x", maxInbound+1)
	tests := []struct {
		name, in, out, err string
	}{
		{"welcome", welcome, welcome, "EOF"},
		{"what we asked for", welcome + "\x90\x03\x00\x01\x00\x40\x02\x00\x02\xd0\x00", welcome + "\x90\x03\x00\x01\x00\x40\x02\x00\x02\xd0\x00", "EOF"},
		{"state", welcome + "\x31\x05\x00\x01sup", welcome + "\x31\x05\x00\x01sup", "EOF"},
		{"long message is skipped", welcome + long + "\xd0\x00", welcome + "\xd0\x00", "EOF"},
		{"nothing", "", "", "EOF"},
		{"web server", "HTTP/1.1 400 Bad Request\r\n", "", "what answers is not an MQTT broker: first byte 0x48"},
		{"TLS alert", "\x15\x03\x01\x00\x02", "", "what answers is not an MQTT broker: first byte 0x15"},
		{"CONNACK of MQTT 5", "\x20\x03\x00\x00\x00", "", "what answers is not an MQTT broker: packet 0x20 of 3 bytes"},
		{"two welcomes", welcome + welcome, welcome, "what answers is not an MQTT broker: packet 0x20 of 2 bytes"},
		{"refused", "\x20\x02\x00\x05", "", "broker refused: not authorised"},
		{"refused with an unknown code", "\x20\x02\x00\x4d", "", "broker refused: code 77, which MQTT 3.1.1 does not know"},
		{"too many codes", welcome + "\x90\x04\x00\x01\x00\x00", welcome, "what answers is not an MQTT broker: packet 0x90 of 4 bytes"},
		{"quality not asked for", welcome + "\x32\x05\x00\x01s\x00\x01", welcome, "what answers is not an MQTT broker: packet 0x32 of 5 bytes"},
		{"message without a topic", welcome + "\x30\x01\x00", welcome, "what answers is not an MQTT broker: packet 0x30 of 1 bytes"},
		{"topic longer than its message", welcome + "\x31\x05\x00\x04sup", welcome, "what answers is not an MQTT broker: packet 0x31 of 5 bytes"},
		{"message torn in its topic's length", welcome + "\x31\x05\x00", welcome, "EOF"},
		{"huge acknowledgement", welcome + "\x40\xff\xff\xff\x7f", welcome, "what answers is not an MQTT broker: packet 0x40 of 268435455 bytes"},
		{"length without end", welcome + "\x40\xff\xff\xff\xff\x01", welcome, "what answers is not an MQTT broker: packet 0x40 has no length"},
		{"torn welcome", "\x20\x02\x00", "", "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				f := newFrames(r)
				var out bytes.Buffer
				buf := make([]byte, 7)
				var err error
				for err == nil {
					var n int
					n, err = f.Read(buf)
					out.Write(buf[:n])
				}
				if out.String() != tt.out || err.Error() != tt.err {
					t.Errorf("got %q, %v\nwant %q, %s", out.String(), err, tt.out, tt.err)
				}
			}
		})
	}
}

// FuzzFrames gives a hostile broker's bytes to paho's parser behind frames.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(welcome + "\x90\x03\x00\x01\x00\x40\x02\x00\x02\xd0\x00\x31\x05\x00\x01sup"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Add([]byte(welcome + "\x30\xff\xff\xff\x7f"))
	f.Add([]byte(welcome + "\x30\x01\x00\x30\x02\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newFrames(bytes.NewReader(in))
		for {
			p, err := packets.ReadPacket(r)
			if err != nil {
				if strings.Contains(err.Error(), "unpacking") {
					t.Fatalf("passed what paho cannot read: %v", err)
				}
				return
			}
			switch p := p.(type) {
			case *packets.ConnackPacket, *packets.PubackPacket, *packets.PingrespPacket:
			case *packets.SubackPacket:
				if len(p.ReturnCodes) != 1 {
					t.Fatalf("%d codes passed, want 1", len(p.ReturnCodes))
				}
			case *packets.PublishPacket:
				if p.Qos != 0 || len(p.Payload) > maxInbound {
					t.Fatalf("passed %v", p)
				}
			default:
				t.Fatalf("passed %v", p)
			}
		}
	})
}

func TestHints(t *testing.T) {
	for _, err := range []error{refusal(1), refusal(2), refusal(3), refusal(4), refusal(5), refusal(99), errForeign, errMute} {
		if hintFor(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	}
	if got := hintFor(errors.New("other")); got != "" {
		t.Errorf("got hint %q for an unknown error, want none", got)
	}
}
