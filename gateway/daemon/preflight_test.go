package daemon

import (
	"testing"

	"photongate/gateway/config"
	"photongate/gateway/gatewaytest"
)

// TestPreflight wants the machine's own way out refused as the segment, by
// check and by start alike, and another interface taken.
func TestPreflight(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	gatewaytest.Sh(t, "ip link add seg0 type veth peer name up0", "ip link set seg0 up", "ip link set up0 up",
		"ip addr add 10.20.0.2/24 dev up0", "ip route add default via 10.20.0.1")
	cfg := settings(t)
	if err := Preflight(cfg); err != nil {
		t.Fatalf("%s: %v, want nil", cfg.Segment.Interface, err)
	}
	cfg.Segment.Interface = "up0"
	const hint = "the segment is a closed network of the devices alone: name the interface that they are behind, never the uplink"
	wantError(t, Preflight(cfg), "segment: interface up0 carries the machine's default route", hint)
	_, err := New(cfg, "test", gatewaytest.Log(t))
	wantError(t, err, "start the gateway: segment: interface up0 carries the machine's default route", hint)
}

// TestLockDirectories wants a directory to serve one gateway, whatever its
// network namespace.
func TestLockDirectories(t *testing.T) {
	dir := t.TempDir()
	var a, b lock
	if err := a.takeDir("start", dir); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.takeDir("start", dir), "start: a gateway that uses "+dir+" runs already, in another network namespace",
		"give each gateway a state_dir and a runtime_dir of its own")
	a.release()
	if err := b.takeDir("start", dir); err != nil {
		t.Errorf("after its release: %v, want nil", err)
	}
	b.release()
	if err := b.takeDir("start", dir+"/missing"); err != nil {
		t.Errorf("a directory that is not there: %v, want nil", err)
	}
	if !trusted(0, config.Config{}) || trusted(65533, config.Config{}) {
		t.Error("root is trusted with the name, another user is not")
	}
}
