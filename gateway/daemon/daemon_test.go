package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/config"
	"photongate/gateway/gatewaytest"
)

// patience bounds every wait: far above what a loaded machine needs.
const patience = 10 * time.Second

// The devices of these tests.
var (
	porch = gateway.Device{Name: "porch", MAC: gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, 1}, Pinned: true}
	gate  = gateway.Device{Name: "gate", MAC: gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, 2}}
	id1   = gateway.DeviceID{0x3a, 1}
	id2   = gateway.DeviceID{0x3a, 2}
)

// settings is a configuration in folders of the test, which pins porch.
func settings(t testing.TB) config.Config {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`
[gateway]
name = "lab"
state_dir = %q
runtime_dir = %q
[segment]
interface = "seg0"
address = "192.168.77.1/24"
[egress]
resolvers = ["192.0.2.53"]
[http]
listen = ""
[[device]]
name = "porch"
mac = %q
`, filepath.Join(dir, "state"), filepath.Join(dir, "run"), porch.MAC)
	cfg, err := config.Parse("test.toml", []byte(text), "host")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// withBroker adds a broker that is not there.
func withBroker(t testing.TB, cfg config.Config) config.Config {
	t.Helper()
	c, err := config.Parse("test.toml", []byte("[segment]\ninterface = \"seg0\"\n[mqtt]\nurl = \"tcp://127.0.0.1:1\"\n"), "host")
	if err != nil {
		t.Fatal(err)
	}
	cfg.MQTT = c.MQTT
	return cfg
}

// built is a gateway without the lock, so that tests may run beside each other.
func built(t testing.TB, cfg config.Config) *Daemon {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if _, fuzzing := t.(*testing.F); !fuzzing { // a fuzz target may not use the log of F
		log = gatewaytest.Log(t)
	}
	d, err := build(cfg, "test", log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.journal.aside.Wait()
		if d.spool != nil {
			d.spool.Close()
		}
	})
	return d
}

// running runs tasks until the test ends.
func running(t testing.TB, tasks ...gateway.Task) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() { done <- task.Run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for range tasks {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	for _, task := range tasks {
		gatewaytest.Closed(t, patience, task.String(), task.Ready())
	}
}

// wantError wants err to say text and, where hint is not empty, to carry it.
func wantError(t testing.TB, err error, text, hint string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("error %v, want %s", err, text)
		return
	}
	var h *gateway.Hinted
	switch {
	case hint != "" && (!errors.As(err, &h) || h.Hint != hint):
		t.Errorf("hint %+v, want %q", h, hint)
	case hint == "" && errors.As(err, &h):
		t.Errorf("hint %q, want none", h.Hint)
	}
}

func TestTasks(t *testing.T) {
	cfg := settings(t)
	socket := filepath.Join(cfg.Gateway.RuntimeDir, "control.sock")
	want := []string{
		"event loop", "journal",
		"firewall on seg0",
		"segment 192.168.77.1/24 on seg0",
		"egress to device.spark.io:5683",
		"dhcp on seg0",
		"dns on 192.168.77.1:53",
		"ntp on 192.168.77.1:123",
		"presence on seg0 (224.0.1.187:5683)",
		"relay on 192.168.77.1:5683",
		"control on " + socket,
		"packet witness on seg0",
	}
	if got := built(t, cfg).Tasks(); !slices.Equal(got, want) {
		t.Errorf("tasks\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	want = slices.Insert(want, 2, "mqtt to tcp://127.0.0.1:1")
	if got := built(t, withBroker(t, settings(t))).Tasks(); !slices.Equal(got[:3], want[:3]) {
		t.Errorf("tasks %q, want %q first", got[:3], want[:3])
	}
}

// TestNewRefused wants exact words from a start that cannot succeed.
func TestNewRefused(t *testing.T) {
	tests := []struct {
		name       string
		spoil      func(cfg *config.Config, dir string) error
		want, hint string
	}{
		{"no folder", func(cfg *config.Config, dir string) error {
			cfg.Gateway.StateDir = filepath.Join(dir, "file", "state")
			return os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
		}, "make directory: mkdir DIR/file: not a directory", "run as root, or name other directories in [gateway]"},
		{"corrupt whitelist", func(cfg *config.Config, dir string) error {
			cfg.Gateway.StateDir = dir
			return os.WriteFile(filepath.Join(dir, "devices.json"), []byte(`[{"mac":"6c:`), 0o600)
		}, "read the learned devices from DIR/devices.json: unexpected end of JSON input",
			"repair the file, or move it away and add the devices again with `photongate device add`"},
		{"pinned twice", func(cfg *config.Config, _ string) error {
			cfg.Devices = append(cfg.Devices, porch)
			return nil
		}, "add device porch: its MAC is listed already", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, dir := settings(t), t.TempDir()
			if err := tt.spoil(&cfg, dir); err != nil {
				t.Fatal(err)
			}
			_, err := build(cfg, "test", gatewaytest.Log(t))
			wantError(t, err, strings.ReplaceAll(tt.want, "DIR", dir), tt.hint)
		})
	}
}

// TestSpoiledStateIsSurvived wants leases and alerts that cannot be read to cost
// themselves and a line in the log, and not the start.
func TestSpoiledStateIsSurvived(t *testing.T) {
	cfg := settings(t)
	if err := os.MkdirAll(cfg.Gateway.StateDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"leases.json", "alerts.json"} {
		if err := os.WriteFile(filepath.Join(cfg.Gateway.StateDir, name), []byte("\x00{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	d, err := build(cfg, "test", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.table.Addr(porch.MAC); !ok {
		t.Error("porch has no address")
	}
	for _, want := range []string{"the leases of the last run are lost", "the alerts of the last run are unreadable"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

// TestTooManyDevices wants one device more than there are addresses to be
// refused when it is added, and to be survived when the configuration has it.
func TestTooManyDevices(t *testing.T) {
	cfg := settings(t)
	cfg.Segment.Address = netip.MustParsePrefix("192.168.77.1/30")
	d := built(t, cfg)
	err := d.devices.add(t.Context(), gate)
	wantError(t, err, "assign addresses: 1 of 2 devices get none: 192.168.77.0/30 has 1 addresses",
		"give segment.address a shorter length, or remove devices that are gone")
	if _, listed := d.devices.inventory().ByMAC(gate.MAC); listed {
		t.Error("gate is listed")
	}
	if a, ok := d.table.Addr(gate.MAC); ok {
		t.Errorf("gate has %s", a)
	}
	pinned := gate
	pinned.Pinned = true
	cfg.Devices = append(cfg.Devices, pinned)
	if got := built(t, cfg).devices.inventory().Len(); got != 2 {
		t.Errorf("%d devices, want 2", got)
	}
}
