package dhcp

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"photongate/gateway"
)

// xid is a transaction id of its own for every n.
func xid(n int) (x dhcpv4.TransactionID) {
	binary.BigEndian.PutUint32(x[:], uint32(n))
	return x
}

// TestQuestion holds which questions of one device are told.
func TestQuestion(t *testing.T) {
	photon, clone, third := face{fingerprint: "1,3,6"}, face{fingerprint: "1,3,6,15 udhcp"}, face{id: gateway.DeviceID{1}}
	a, start := newAsks(), time.Unix(0, 0)
	for _, tt := range []struct {
		name  string
		after time.Duration
		xid   int
		face  face
		want  bool
	}{
		{"the first", 0, 1, photon, true},
		{"repeated", 10 * time.Second, 1, photon, false},
		{"anew", 11 * time.Second, 2, photon, true},
		{"anew at once", 12 * time.Second, 3, photon, false},
		{"another client at once", 12 * time.Second, 4, clone, true},
		{"a third client at once", 12 * time.Second, 5, third, false},
		{"the third a little later", 13 * time.Second, 6, third, true},
		{"the first again, too soon", 14 * time.Second, 7, photon, false},
		{"the first again", 22 * time.Second, 8, photon, true},
		{"an id used up long ago", 2 * time.Minute, 8, photon, true},
	} {
		if got := a.question(mac(1), xid(tt.xid), tt.face, start.Add(tt.after)); got != tt.want {
			t.Errorf("%s: told %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestOutcome holds that a question that was told has its outcome told, and
// that there are no more of them.
func TestOutcome(t *testing.T) {
	a, now := newAsks(), time.Unix(0, 0)
	told := func(when string, k gateway.Kind, want bool) {
		t.Helper()
		if got := a.outcome(mac(1), k, now); got != want {
			t.Errorf("%s: told %t, want %t", when, got, want)
		}
	}
	a.question(mac(1), xid(1), face{}, now)
	told("leased", gateway.Leased, true)
	told("leased again", gateway.Leased, false)
	told("then failed", gateway.LeaseFailed, true)
	told("failed again", gateway.LeaseFailed, false)
	now = now.Add(askPause)
	told("leased later", gateway.Leased, true)
	told("failed later", gateway.LeaseFailed, false)
	a.question(mac(1), xid(2), face{}, now)
	told("leased for the next question", gateway.Leased, true)
	told("failed for the next question", gateway.LeaseFailed, true)
	now = now.Add(xidPause)
	told("failed a minute later", gateway.LeaseFailed, true)
}

// TestAsksIsBounded holds that devices are forgotten rather than hoarded.
func TestAsksIsBounded(t *testing.T) {
	a, now := newAsks(), time.Now()
	for i := range 3 * asksLimit {
		a.question(gateway.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}, xid(1), face{}, now)
		now = now.Add(askPause / asksLimit)
	}
	if len(a.last) > asksLimit {
		t.Errorf("%d devices are remembered, want at most %d", len(a.last), asksLimit)
	}
}

// TestFlood has a listed device ask without end, with a new transaction id and
// host name in every packet, and take another server's offer now and then.
func TestFlood(t *testing.T) {
	told := make(map[gateway.Kind]int)
	s := server(t, func(e gateway.Event) { told[e.Kind]++ }, mac(1))
	now := time.Now()
	const packets = 6000
	for i := range packets {
		name := dhcpv4.WithOption(dhcpv4.OptHostName(fmt.Sprintf("%024x", i+1)))
		id := dhcpv4.WithTransactionID(xid(i))
		for _, req := range []*dhcpv4.DHCPv4{
			request(1, dhcpv4.MessageTypeDiscover, name, id),
			request(1, dhcpv4.MessageTypeRequest, name, id, asking("192.168.77.2")),
			request(1, dhcpv4.MessageTypeRequest, name, id, choosing("10.9.9.9"), asking("10.9.9.8")),
		} {
			s.handle(req.ToBytes(), now)
		}
		now = now.Add(time.Minute / packets)
	}
	// One in askPause, and one in changePause for the names.
	const most = int(time.Minute/askPause + time.Minute/changePause)
	for _, k := range []gateway.Kind{gateway.LeaseAsked, gateway.Leased, gateway.LeaseFailed} {
		if n := told[k]; n < 30 || n > most {
			t.Errorf("%s is told %d times in a minute, want 30 to %d", k, n, most)
		}
	}
	if s.Granted() != packets {
		t.Errorf("%d granted, want %d: who is not told of is still served", s.Granted(), packets)
	}
}
