package segment

import (
	"context"
	"testing"

	"photongate/gateway/gatewaytest"
	"photongate/radio/internal/run"
)

// TestCleanupSignaled wants a change taken back although a signal ends ip once,
// and noted still where it ends it again.
func TestCleanupSignaled(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	dir := t.TempDir()
	for _, tt := range []struct {
		signals    int
		want, look string
		noted      bool
	}{
		{2, "remove 192.168.77.1/24 from seg0: run sh: signal: killed", "down 192.168.77.1/24 ipv6", true},
		{1, "", "down ipv6", false},
	} {
		gatewaytest.Sh(t, "ip addr replace 192.168.77.1/24 dev seg0")
		if err := (record{Interface: "seg0", Address: address}).write(dir); err != nil {
			t.Fatal(err)
		}
		calls := 0
		err := cleanup(t.Context(), dir, func(ctx context.Context, in []byte, name string, args ...string) ([]byte, error) {
			if calls++; calls <= tt.signals {
				return run.Once(ctx, nil, "sh", "-c", "kill -KILL $$")
			}
			return run.Once(ctx, in, name, args...)
		})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("error %q, want %q", got, tt.want)
		}
		wantLook(t, "after cleanup", tt.look)
		if _, noted, err := readRecord(dir); noted != tt.noted || err != nil {
			t.Errorf("noted %t, %v; want %t", noted, err, tt.noted)
		}
	}
}
