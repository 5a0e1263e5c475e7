package peertest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway/gatewaytest"
)

const (
	// onlineLimit is for a Photon to get online, which takes four seconds alone.
	onlineLimit = 30 * time.Second
	// verdictLimit is within which a fault must be named.
	verdictLimit = 30 * time.Second
	// silence is how long nothing crosses before a ping: 15 s (photon.md 4.1),
	// less the second between two looks.
	silence = 14 * time.Second
	// pingSize is a ping, and its answer, on the wire: 2 bytes of length and a
	// block of 16 (photon.md 4.1, "Ping").
	pingSize = 18
)

// variable is what no two logs share: stamps and addresses.
var variable = regexp.MustCompile(`(?m)^\d{10}|\d+\.\d+\.\d+\.\d+`)

// sameLog compares a Photon's log with the golden of its own tests, byte by
// byte but for stamps and addresses, up to the first line that ends in tail.
func sameLog(t *testing.T, golden, tail, got string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "photon", "testdata", golden))
	if err != nil {
		t.Fatal(err)
	}
	want := mask(t, string(b), tail)
	if got := mask(t, got, tail); got != want {
		t.Errorf("the Photon's log is\n%s\nwant\n%s", got, want)
	}
}

// mask cuts a log behind tail and takes out what varies.
func mask(t *testing.T, log, tail string) string {
	t.Helper()
	before, _, found := strings.Cut(log, tail)
	if !found {
		t.Fatalf("no %q in the log:\n%s", tail, log)
	}
	return variable.ReplaceAllString(before+tail, "N")
}

// TestGatewayToRealCloud is the whole way: a virtual Photon, the photongate
// binary, and a cloud that we did not write. That server takes its first read
// for the device's whole 256 bytes, so a handshake that completes also proves
// that the relay wrote them at once (peers.md A).
func TestGatewayToRealCloud(t *testing.T) {
	// The registry is out of reach from inside.
	install(t)
	if !gatewaytest.InNamespace(t) {
		return
	}
	begin := time.Now()
	w := build(t)
	t.Logf("all but the Photon stands after %s", time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	porch := w.power(w.key)
	porch.says(t, onlineLimit, "Cloud connected\r\n")
	t.Logf("the Photon is connected after %s", time.Since(begin).Round(time.Millisecond))
	sameLog(t, "healthy.log", "Cloud connected\r\n", porch.out.String())

	var first session
	w.watch(verdictLimit, "the status says online", func(s status) bool {
		d := s.Devices[0]
		if d.Session != nil {
			first = *d.Session
		}
		return d.Online && d.Stage == "online" && d.Session != nil && d.Session.Phase == "talking" &&
			d.Verdict.Outcome == "online" && d.Verdict.Code == "OK" && s.Status == "ok"
	})
	if want := serverAddress + ":5683"; first.Cloud != want {
		t.Errorf("the session is with %s, want %s", first.Cloud, want)
	}
	begin = time.Now()
	w.awaitPing(first)
	t.Logf("a ping was answered %s later", time.Since(begin).Round(time.Millisecond))
	if log := porch.out.String(); strings.Contains(log, "WARN") || strings.Contains(log, "ERROR") || strings.Count(log, "Cloud connected") != 1 {
		t.Errorf("the Photon was not content:\n%s", log)
	}
	t.Logf("the Photon said\n%s", porch.out)
}

// awaitPing waits for a silence, and wants it to end in a ping and its answer,
// with the session as it was.
func (w *world) awaitPing(first session) {
	w.t.Helper()
	// before is the traffic at the beginning of the silence, which began at since.
	var before session
	var since time.Time
	w.watch(onlineLimit+silence, "a ping is answered", func(s status) bool {
		d := s.Devices[0]
		if !d.Online || d.Reconnects != 0 || d.Session == nil || d.Session.ID != first.ID {
			w.t.Fatalf("the session did not stay: %+v", s)
		}
		up, down := d.Session.Up-before.Up, d.Session.Down-before.Down
		switch {
		case up == 0 && down == 0:
			return false
		case since.IsZero() || s.TS.Sub(since) < silence:
			before, since = *d.Session, s.TS
			return false
		case up == pingSize && down == 0:
			// The answer is under way.
			return false
		case up != pingSize || down != pingSize:
			w.t.Fatalf("after %s of silence %d bytes went up and %d came down, want %d each", s.TS.Sub(since), up, down, pingSize)
		}
		return true
	})
}

// TestGatewayWrongKey powers a Photon that has another cloud's key: the server
// cannot read its 256 bytes and hangs up.
func TestGatewayWrongKey(t *testing.T) {
	install(t)
	if !gatewaytest.InNamespace(t) {
		return
	}
	w := build(t)
	begin := time.Now()
	porch := w.power(&sparktest.OtherServerKey().PublicKey)
	const tail = "Cloud: disconnected\r\n"
	porch.says(t, onlineLimit, tail)
	sameLog(t, "key-rejected.log", tail, porch.out.String())

	var got verdict
	w.watch(verdictLimit, "the verdict names the key", func(s status) bool {
		got = s.Devices[0].Verdict
		return !s.Devices[0].Online && got.Outcome == "key-mismatch"
	})
	t.Logf("key-mismatch %s after power: %+v", time.Since(begin).Round(time.Millisecond), got)
	if got.Hop != "handshake" || got.Code != "KEY_REJECTED" || got.Owner != "device owner" {
		t.Errorf("verdict %+v, want hop handshake, code KEY_REJECTED, owner device owner", got)
	}
}
