//go:build !nowatch

package capture

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// patience is how long a test waits for the kernel and other programs.
const patience = 10 * time.Second

// TestNew wants exact errors.
func TestNew(t *testing.T) {
	tests := []struct {
		c    Config
		want string
	}{
		{Config{}, "watch packets: no interface is named"},
		{Config{Interface: "wlan0", Bytes: 12}, "watch packets on wlan0: 12 bytes for a device are not between 1024 and 16777216"},
		{Config{Interface: "wlan0", Snap: 9000}, "watch packets on wlan0: 9000 bytes of a packet are not between 64 and 1514"},
	}
	for _, tt := range tests {
		if _, err := New(tt.c); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
	r, err := New(Config{Interface: "wlan0"})
	if err != nil {
		t.Fatal(err)
	}
	var _ gateway.Task = r
	if got := r.String(); got != "packet witness on wlan0" {
		t.Errorf("name %q", got)
	}
	if err := r.Dump(nil, photon); err == nil || err.Error() != "dump packets of 6c:0b:84:59:72:95: none were seen" {
		t.Errorf("dump error %v", err)
	}
}

// site is a ring on one end of a cable, and the other end.
type site struct {
	t      *testing.T
	ring   *Ring
	events gatewaytest.Events
	peer   *packet.Conn
}

// newSite runs a ring on air0, and opens its other end air1.
func newSite(t *testing.T, c Config) *site {
	s := &site{t: t}
	plug(t)
	c.Interface, c.Emit, c.Log = "air0", s.events.Emit, gatewaytest.Log(t)
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.ring = r
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v, want nil", err)
		}
	})
	gatewaytest.Closed(t, patience, "the ring watches", r.Ready())
	s.open()
	return s
}

// plug adds the cable.
func plug(t *testing.T) {
	gatewaytest.Sh(t, "ip link add air0 type veth peer name air1", "ip link set air0 up", "ip link set air1 up")
}

// open opens the far end.
func (s *site) open() {
	s.t.Helper()
	ifi, err := net.InterfaceByName("air1")
	if err != nil {
		s.t.Fatal(err)
	}
	if s.peer, err = packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, nil); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.peer.Close() })
}

// play sends a tape.
func (s *site) play(p *tape) {
	s.t.Helper()
	for _, f := range p.frames {
		if _, err := s.peer.WriteTo(f.data, &packet.Addr{HardwareAddr: f.data[:6]}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// talking tells whether an event is a session that got through.
func talking(e gateway.Event) bool {
	return e.Kind == gateway.Phased && e.Phase == gateway.PhaseTalking
}

// TestRing watches a cable, dumps what crossed it, and reads the dump; tcpdump
// reads it too.
func TestRing(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	s := newSite(t, Config{Listed: func(m gateway.MAC) bool { return m == photon }})
	s.play(healthy(t))
	if e := s.events.Wait(t, patience, talking); e.MAC != photon || e.Session != 1 {
		t.Errorf("event %+v, want session 1 of the Photon", e)
	}
	if held := s.ring.Held(); len(held) != 1 || held[0] != photon {
		t.Errorf("packets are held of %v, want the Photon's only", held)
	}
	last := len(healthy(t).frames)
	gatewaytest.Eventually(t, patience, "all packets are kept", func() bool { return len(dump(t, s.ring)) > 0 && frames(t, dump(t, s.ring)) == last })

	file := dump(t, s.ring)
	got, st := decode(t, file)
	if !strings.Contains(got, "phase=talking") || !strings.Contains(got, "id=3a0027000447333136323739") || st.Truncated || st.Malformed != 0 {
		t.Errorf("the dump has stats %+v, events\n%s", st, got)
	}
	if long := longest(t, file); long > wholeLen {
		t.Errorf("the dump holds %d bytes of a packet", long)
	}
	if !realRoot(t) {
		t.Log(noTcpdump)
		return
	}
	path := filepath.Join(t.TempDir(), "dump.pcapng")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := gatewaytest.Sh(t, "tcpdump -n -Z root -r "+path); strings.Count(text, "\n") != last || !strings.Contains(text, "54.175.227.173.5683") || !strings.Contains(text, "length 384") {
		t.Errorf("tcpdump reads the dump as\n%s", text)
	}
}

// noTcpdump is why an ordinary user's run leaves tcpdump out.
const noTcpdump = "tcpdump gives root up by initgroups(3), which a user namespace forbids; a run as root has it"

// realRoot tells whether root of this namespace is root of the machine: then
// all user ids are its own (user_namespaces(7), uid_map).
func realRoot(t *testing.T) bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	w := strings.Fields(string(b))
	return len(w) == 3 && w[2] == "4294967295"
}

// dump is the Photon's dump.
func dump(t *testing.T, r *Ring) []byte {
	var w bytes.Buffer
	if err := r.Dump(&w, photon); err != nil {
		return nil
	}
	return w.Bytes()
}

// frames counts those of a file.
func frames(t *testing.T, file []byte) int {
	_, st := decode(t, file)
	return int(st.Frames)
}

// longest is the largest packet of the cloud's that a file holds.
func longest(t *testing.T, file []byte) int {
	t.Helper()
	n := 0
	d := &pcapng{r: newReader(file)}
	for rec, err := d.next(); err == nil; rec, err = d.next() {
		if len(rec.data) > 23 && rec.data[23] == 6 {
			n = max(n, len(rec.data))
		}
		if len(rec.data) > rec.wire {
			t.Errorf("a packet has %d bytes of %d", len(rec.data), rec.wire)
		}
	}
	if n > defaultSnap {
		t.Errorf("%d bytes of a session's packet are held, more than %d", n, defaultSnap)
	}
	return n
}

// TestRingReturns takes the interface away and brings it back.
func TestRingReturns(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	gatewaytest.Leaks(t)
	s := newSite(t, Config{})
	gatewaytest.Sh(t, "ip link delete air0")
	e := s.events.Wait(t, patience, func(e gateway.Event) bool { return e.Kind == gateway.PartFailed })
	if e.Part != gateway.PartCapture || e.Hint == "" || !strings.HasPrefix(e.Text, "receive packets on air0: ") {
		t.Errorf("event %+v, want a failure with a hint", e)
	}
	s.events.Reset()
	plug(t)
	s.events.Wait(t, patience, func(e gateway.Event) bool { return e.Kind == gateway.PartOK && e.Part == gateway.PartCapture })
	s.open()
	s.play(healthy(t))
	s.events.Wait(t, patience, talking)
}

// TestTcpdump reads what tcpdump captures, on the cable and on all interfaces.
func TestTcpdump(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip(noTcpdump)
	}
	if !gatewaytest.InNamespace(t) {
		return
	}
	gatewaytest.Sh(t, "ip link set lo up")
	plug(t)
	s := &site{t: t}
	s.open()
	for _, on := range []string{"air0", "any"} {
		path := filepath.Join(t.TempDir(), on+".pcap")
		// In immediate mode its buffer has room for eight packets of full size.
		cmd := exec.Command("tcpdump", "-n", "-U", "-Z", "root", "-i", on, "-w", path, "--immediate-mode", "-s", "600", "port 5683")
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
		first := make([]byte, 256)
		for seen := ""; !strings.Contains(seen, "listening on"); {
			n, err := said.Read(first)
			if err != nil {
				t.Fatalf("tcpdump said %q, then %v", seen, err)
			}
			seen += string(first[:n])
		}
		s.play(healthy(t))
		gatewaytest.Eventually(t, patience, "tcpdump writes", func() bool {
			file, err := os.ReadFile(path)
			if err != nil || len(file) < 24 {
				return false
			}
			got, _ := decode(t, file)
			return strings.Contains(got, photon.String()+" phase session=1 phase=talking")
		})
	}
}
