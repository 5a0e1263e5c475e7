package ntp

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"photongate/gateway"
)

// device is the one that every address belongs to.
var device = gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, 1}

// known is a Who that knows device at 127.0.0.1 only.
func known(a netip.Addr) (gateway.MAC, bool) {
	return device, a == netip.MustParseAddr("127.0.0.1")
}

// question is a client's message of a version, with its transmit time.
func question(version byte, transmit uint64) []byte {
	b := make([]byte, packetSize)
	b[0], b[2] = version<<3|modeClient, 6
	binary.BigEndian.PutUint64(b[40:48], transmit)
	return b
}

// TestReply holds the reply byte by byte, and what gets none.
func TestReply(t *testing.T) {
	received := time.Unix(1700000000, 500000000)
	sent := received.Add(250 * time.Millisecond)
	want := "240a06ec" + "00000000" + "00010000" + "7f7f0101" +
		"e8fe6f8080000000" + "1122334455667788" + "e8fe6f8080000000" + "e8fe6f80c0000000"
	var buf [packetSize]byte
	if got := hex.EncodeToString(reply(question(4, 0x1122334455667788), received, sent, &buf)); got != want {
		t.Errorf("reply is\n%s, want\n%s", got, want)
	}
	bend := func(first byte) []byte {
		b := question(4, 1)
		b[0] = first
		return b
	}
	for _, c := range []struct {
		name string
		in   []byte
		want bool
	}{
		{"version 1", question(1, 1), true},
		{"version 3", question(3, 1), true},
		{"authenticated", append(question(4, 1), make([]byte, 20)...), true},
		{"version 0", question(0, 1), false},
		{"version 5", question(5, 1), false},
		{"short", question(4, 1)[:packetSize-1], false},
		{"empty", nil, false},
		{"a server's", bend(4<<3 | modeServer), false},
		{"a peer's", bend(4<<3 | 1), false},
		{"control", bend(2<<3 | 6), false},
	} {
		if got := reply(c.in, received, sent, &buf) != nil; got != c.want {
			t.Errorf("%s: answered %v, want %v", c.name, got, c.want)
		}
	}
}

// TestStamp holds the epoch, the fraction and the wrap of 2036.
func TestStamp(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{
		{time.Unix(0, 0), 2208988800 << 32},
		{time.Unix(0, 999999999), 2208988800<<32 | 0xfffffffb},
		{time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC), 0},
	} {
		if got := stamp(c.at); got != c.want {
			t.Errorf("stamp(%s) is %x, want %x", c.at, got, c.want)
		}
	}
}

// TestNew holds what a server cannot work with.
func TestNew(t *testing.T) {
	at, yes := netip.MustParseAddrPort("127.0.0.1:0"), func() bool { return true }
	for _, c := range []struct {
		want string
		c    Config
	}{
		{"serve ntp on [::1]:123: not an IPv4 address with a port", Config{Addr: netip.MustParseAddrPort("[::1]:123")}},
		{"serve ntp on 127.0.0.1:0: no way to tell whether the clock is right", Config{Addr: at, Who: known}},
		{"serve ntp on 127.0.0.1:0: no way to tell devices by their address", Config{Addr: at, Synced: yes}},
	} {
		if _, err := New(c.c); err == nil || err.Error() != c.want {
			t.Errorf("New: %v, want %q", err, c.want)
		}
	}
}

// TestRun holds the service over a real socket: silence while the clock is
// wrong, an answer and one event once it is right.
func TestRun(t *testing.T) {
	events, asked := make(chan gateway.Event, 16), make(chan struct{}, 16)
	var synced atomic.Bool
	s, err := New(Config{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Who: known,
		Synced: func() bool { defer func() { asked <- struct{}{} }(); return synced.Load() },
		Emit:   func(e gateway.Event) { events <- e }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	if e := <-events; e.Kind != gateway.PartOK || e.Part != gateway.PartNTP {
		t.Errorf("the first event is %+v", e)
	}
	conn, err := net.Dial("udp4", s.local.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func(n uint64) {
		t.Helper()
		if _, err := conn.Write(question(4, n)); err != nil {
			t.Fatal(err)
		}
		<-asked
	}
	ask(1)
	synced.Store(true)
	ask(2)
	ask(3)
	for _, want := range []uint64{2, 3} {
		buf := make([]byte, 100)
		n, err := conn.Read(buf)
		if err != nil || n != packetSize || binary.BigEndian.Uint64(buf[24:32]) != want {
			t.Errorf("received %x, %v; want the answer to question %d", buf[:n], err, want)
		}
	}
	if e := <-events; e.Kind != gateway.InternetTest || e.MAC != device || !e.OK || e.Witness != gateway.WitnessAir {
		t.Errorf("the test is told as %+v", e)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
	if len(events) != 0 || s.Answered() != 2 || s.Unsynced() != 1 || s.Malformed() != 0 {
		t.Errorf("%d more events, %d answered, %d unsynced, %d malformed; want 0, 2, 1, 0",
			len(events), s.Answered(), s.Unsynced(), s.Malformed())
	}
}

// TestRunTaken holds how a taken port is told.
func TestRunTaken(t *testing.T) {
	other, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	at := other.LocalAddr().(*net.UDPAddr).AddrPort()
	events := make(chan gateway.Event, 16)
	s, err := New(Config{Addr: at, Who: known, Synced: func() bool { return true }, Emit: func(e gateway.Event) { events <- e }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	e := <-events
	want := "listen for ntp: listen udp4 " + at.String() + ": bind: address already in use"
	if e.Kind != gateway.PartFailed || e.Text != want || !strings.Contains(e.Hint, "chronyd") {
		t.Errorf("a taken port is told as %+v, want %q", e, want)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// TestTell holds that a device's test is told once in testPause.
func TestTell(t *testing.T) {
	told := 0
	s, err := New(Config{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Synced: func() bool { return true },
		Who: known, Emit: func(gateway.Event) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, after := range []time.Duration{0, testPause - 1, testPause} {
		s.tell(netip.MustParseAddr("127.0.0.1"), now.Add(after))
		s.tell(netip.MustParseAddr("127.0.0.9"), now.Add(after))
	}
	if told != 2 {
		t.Errorf("told %d times, want 2", told)
	}
}

// FuzzNTP holds that no bytes make it panic, and that an answer is one of the
// question's version with the question's own time.
func FuzzNTP(f *testing.F) {
	f.Add(question(4, 1))
	f.Add(append(question(3, 2), 1, 2, 3))
	f.Add([]byte{0x23})
	f.Fuzz(func(t *testing.T, in []byte) {
		var buf [packetSize]byte
		out := reply(in, time.Now(), time.Now(), &buf)
		if out != nil && (out[0] != in[0]&0x38|modeServer || !bytes.Equal(out[24:32], in[40:48])) {
			t.Errorf("%x is answered by %x", in, out)
		}
	})
}
