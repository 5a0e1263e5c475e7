package incident

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"photongate/gateway"
)

// TestRedact: nothing public is left, and every fault replays to the same.
func TestRedact(t *testing.T) {
	for _, f := range faults {
		b, saw := record(t, f, 5, 1024, 1, false)
		b.Log = []byte("dial 52.90.98.3:5683: timeout, ssid=\"Our Net\" at 192.168.77.1\n")
		b.Captures = map[string][]byte{"porch.pcapng": capture(1, 8)}
		b.Events = append(b.Events, gateway.Event{Time: b.Made, Kind: gateway.DeviceLog, MAC: gate, Text: "Resolved device.spark.io to 52.90.98.3"})
		r := Redact(b)
		all, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"52.90.98.3", "107.22.28.43", "Our Net"} {
			if bytes.Contains(all, []byte(secret)) || bytes.Contains(r.Log, []byte(secret)) {
				t.Errorf("%s: %s is left", f.name, secret)
			}
		}
		if !r.Redacted || r.Captures != nil || len(r.Cut) != 1 || r.Cut[0] != "porch.pcapng, because a capture cannot be redacted" {
			t.Errorf("%s: captures %d, cut %q", f.name, len(r.Captures), r.Cut)
		}
		if !strings.Contains(string(r.Log), "192.168.77.1") || !strings.Contains(string(r.Log), "ssid=(network) at") {
			t.Errorf("%s: log %s", f.name, r.Log)
		}
		path, devices := Replay(passedCut(t, r))
		if got := findingOf(devices); got != saw {
			t.Errorf("%s: got %+v, want %+v", f.name, got, saw)
		}
		if path.Code != b.Path.Code || path.Hop != b.Path.Hop {
			t.Errorf("%s: path: got %s, %s, want %s, %s", f.name, path.Hop, path.Code, b.Path.Hop, b.Path.Code)
		}
		if again := Redact(r); again.Path.Summary != r.Path.Summary {
			t.Errorf("%s: redacted twice", f.name)
		}
	}
}

// passedCut writes and reads a bundle that lacks something.
func passedCut(t *testing.T, b Bundle) Bundle {
	t.Helper()
	data, err := encode(b, MaxBundle)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestMaskText: addresses are found in what people write, and nothing else.
func TestMaskText(t *testing.T) {
	m := newMask([]gateway.Event{{Kind: gateway.Joining, Name: "Lab"}})
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"TCP 5683 to 52.90.98.3 (no answer).", "TCP 5683 to 203.0.113.1 (no answer)."},
		{"52.90.98.3:5683: timeout", "203.0.113.1:5683: timeout"},
		{"from 8.8.8.8. Then 52.90.98.3.", "from 203.0.113.2. Then 203.0.113.1."},
		{"10.1.2.3, 192.168.77.1, 127.0.0.1, 100.64.0.9, 0.0.0.0", "10.1.2.3, 192.168.77.1, 127.0.0.1, 100.64.0.9, 0.0.0.0"},
		{"[2a00:1450::1]:443 and fe80::1 and ::ffff:8.8.8.8", "[2001:db8::1]:443 and fe80::1 and 203.0.113.2"},
		{"at 12:00:05.123 6c:0b:84:59:72:95 v0.8.0 deadbeef", "at 12:00:05.123 6c:0b:84:59:72:95 v0.8.0 deadbeef"},
		{"Joining Lab, Labrador, Lab", "Joining (network), Labrador, (network)"},
		{"ssid=Home up=1", "ssid=(network) up=1"},
		{`ssid="A \"B\" C" up=1`, `ssid=(network) up=1`},
	} {
		if got := m.text(tt.text); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

// TestMaskMany: different addresses stay different.
func TestMaskMany(t *testing.T) {
	m := newMask(nil)
	seen := map[netip.Addr]bool{}
	for i := range 100000 {
		a := m.addr(netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}))
		if seen[a] || !a.IsValid() {
			t.Fatalf("%s was given out twice, at %d", a, i)
		}
		seen[a] = true
	}
}

// FuzzMask: no text makes it panic, and what is masked is masked for good.
func FuzzMask(f *testing.F) {
	f.Add("TCP 5683 to 52.90.98.3:5683 [2a00::1]:1 ssid=\"a\" Lab")
	f.Add("ssid=\"a\\")
	f.Fuzz(func(t *testing.T, text string) {
		m := newMask([]gateway.Event{{Kind: gateway.Joining, Name: "Lab"}})
		once := m.text(text)
		for a := range m.seen {
			if strings.Contains(" "+strings.ReplaceAll(once, ":", " ")+" ", " "+a.String()+" ") && m.seen[a] != a {
				// An address may be the replacement of another one.
				given := false
				for _, r := range m.seen {
					given = given || r == a
				}
				if !given {
					t.Errorf("%q: %s is left in %q", text, a, once)
				}
			}
		}
	})
}
