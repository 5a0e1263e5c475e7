package relay

import (
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// announcement is a Photon's datagram (photon.md 4.2).
const announcement = "50020000b168ff3a0027000447333136323739"

// unhex is the bytes behind hex digits.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParsePresence(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"photon", announcement, "3a0027000447333136323739"},
		{"empty", "", ""},
		{"prefix only", announcement[:14], ""},
		{"one byte short", announcement[:36], ""},
		{"one byte long", announcement + "00", ""},
		{"another message", "40" + announcement[2:], ""},
		{"no id", announcement[:14] + "000000000000000000000000", ""},
	} {
		id, ok := parsePresence(unhex(t, tt.in))
		if ok != (tt.want != "") || ok && id.String() != tt.want {
			t.Errorf("%s: got %s, %v; want %q", tt.name, id, ok, tt.want)
		}
	}
}

func FuzzPresence(f *testing.F) {
	f.Add(unhex(f, announcement))
	f.Add(unhex(f, announcement[:20]))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, ok := parsePresence(b)
		if ok == id.IsZero() {
			t.Errorf("got %s, %v", id, ok)
		}
		if ok && string(b) != string(presencePrefix)+string(id[:]) {
			t.Errorf("%x was taken for a presence of %s", b, id)
		}
	})
}

// A device on the other end of a cable announces itself to the group, before
// the interface exists, and after it was away.
func TestPresenceIsHeard(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	gatewaytest.NetNS(t, "device")
	var events gatewaytest.Events
	known := netip.MustParseAddr("192.168.77.20")
	who := func(a netip.Addr) (gateway.MAC, bool) { return mac(20), a == known }
	p := NewPresence("seg0", who, events.Emit, gatewaytest.Log(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	gatewaytest.Closed(t, wait, "presence is ready", p.Ready())
	gatewaytest.Veth(t, "seg0", "eth0", "device")
	gatewaytest.Sh(t, "ip addr add 192.168.77.1/24 dev seg0")
	gatewaytest.Sh(t, "ip -n device addr add 192.168.77.20/24 dev eth0", "ip -n device addr add 192.168.77.21/24 dev eth0")
	say := func(from string) {
		gatewaytest.Do(t, "device", func() {
			c, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(from)}, net.UDPAddrFromAddrPort(presenceGroup))
			if err != nil {
				return // the cable is not up yet
			}
			defer c.Close()
			c.Write([]byte("noise"))
			c.Write(unhex(t, announcement))
		})
	}
	gatewaytest.Eventually(t, wait, "the announcement is heard", func() bool {
		say("192.168.77.21") // a stranger
		say("192.168.77.20")
		return len(events.All()) > 0
	})
	for _, ev := range events.All() {
		if ev.Kind != gateway.Presence || ev.Witness != gateway.WitnessAir || ev.MAC != mac(20) || ev.Addr != known || ev.ID.String() != "3a0027000447333136323739" {
			t.Errorf("got %+v, want the presence of device 20", ev)
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run returned %v, want nil", err)
		}
	case <-time.After(wait):
		t.Error("Run did not return")
	}
	if want := "presence on seg0 (224.0.1.187:5683)"; p.String() != want {
		t.Errorf("named %q, want %q", p, want)
	}
}
