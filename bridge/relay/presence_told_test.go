package relay

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// numbered is the n-th device id.
func numbered(n int) (id gateway.DeviceID) {
	binary.BigEndian.PutUint32(id[8:], uint32(n+1))
	return id
}

// TestAnnouncements holds which announcements of one device are told.
func TestAnnouncements(t *testing.T) {
	a, start := make(announcements), time.Unix(0, 0)
	for _, tt := range []struct {
		name  string
		after time.Duration
		id    int
		want  bool
	}{
		{"the first", 0, 1, true},
		{"at once again", 9 * time.Second, 1, false},
		{"a session later", 10 * time.Second, 1, true},
		{"a clone", 11 * time.Second, 2, true},
		{"the device again", 12 * time.Second, 1, false},
		{"a third", 13 * time.Second, 3, false},
		{"the clone again", 21 * time.Second, 2, true},
		{"the device a minute after the clone", 71 * time.Second, 1, true},
		{"the clone at once", 72 * time.Second, 2, false},
	} {
		if got := a.allow(mac(1), numbered(tt.id), start.Add(tt.after)); got != tt.want {
			t.Errorf("%s: told %t, want %t", tt.name, got, tt.want)
		}
	}
	if !a.allow(mac(2), numbered(1), start) {
		t.Error("another device's is not told")
	}
}

// TestAnnouncementsAreBounded holds how many devices are remembered, and that
// they are forgotten in time.
func TestAnnouncementsAreBounded(t *testing.T) {
	a, now, told := make(announcements), time.Unix(0, 0), 0
	for i := range 3 * toldLimit {
		if a.allow(gateway.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}, numbered(i), now) {
			told++
		}
	}
	if told != toldLimit || len(a) != toldLimit {
		t.Errorf("%d told, %d remembered; want %d of each", told, len(a), toldLimit)
	}
	if !a.allow(gateway.MAC{4}, numbered(1), now.Add(changePause)) || len(a) != 1 {
		t.Errorf("a minute later %d are remembered, want the new one", len(a))
	}
}

// TestPresenceFlood has a listed device announce ever new ids without end.
func TestPresenceFlood(t *testing.T) {
	var events gatewaytest.Events
	known := netip.MustParseAddr("192.168.77.20")
	p := NewPresence("seg0", func(netip.Addr) (gateway.MAC, bool) { return mac(20), true }, events.Emit, nil)
	now := time.Now()
	for i := range 6000 {
		for _, id := range []gateway.DeviceID{numbered(0), numbered(i)} {
			p.heard(append(presencePrefix[:len(presencePrefix):len(presencePrefix)], id[:]...), known, now)
		}
		now = now.Add(time.Minute / 6000)
	}
	// The first one, and one change, which is not repeated.
	if got := len(events.All()); got < 2 || got > 7 {
		t.Errorf("%d events in a minute, want 2 to 7", got)
	}
}
