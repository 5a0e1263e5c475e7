package photon

import (
	"context"
	"crypto/rsa"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// config is a Photon on a fake network.
func config(n Network, log *logBuffer) Config {
	return Config{
		Name: "porch", ID: testID, Network: n, Serial: log,
		Key: sparktest.DeviceKey(), ServerKey: &sparktest.ServerKey().PublicKey,
	}
}

// live gives a Photon power for so long, within a bubble of fake time.
func live(t *testing.T, c Config, d time.Duration, at func(*Photon)) {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if at != nil {
		go at(p)
	}
	if err := p.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
}

// otherDevice is a cloud that knows the device by another key.
func otherDevice(gateway.DeviceID, *rsa.PublicKey) (*rsa.PublicKey, error) {
	return &sparktest.OtherDeviceKey().PublicKey, nil
}

// closeAt ends a handshake at a phase.
func closeAt(at gateway.Phase) func(gateway.Phase) error {
	return func(p gateway.Phase) error {
		if p == at {
			return os.ErrClosed
		}
		return nil
	}
}

// stallAt stops a handshake at a phase for longer than any test.
func stallAt(at gateway.Phase) func(gateway.Phase) error {
	return func(p gateway.Phase) error {
		if p == at {
			time.Sleep(time.Hour)
		}
		return nil
	}
}

// TestLog compares whole logs, stamps and all: the time is fake.
func TestLog(t *testing.T) {
	deaf := sparktest.ServeConfig{Idle: time.Hour, Deaf: new(atomic.Bool)}
	deaf.Deaf.Store(true)
	tests := []struct {
		name  string
		net   *fakeNet
		lasts time.Duration
		at    func(*fakeNet, *Photon)
	}{
		{name: "healthy", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{})}, lasts: time.Minute},
		{name: "reset", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{})}, lasts: 20 * time.Second,
			at: func(_ *fakeNet, p *Photon) { time.Sleep(8 * time.Second); p.Reset() }},
		{name: "blocked", net: &fakeNet{dial: dropped}, lasts: 30 * time.Second},
		{name: "rejected", net: &fakeNet{dial: rejected}, lasts: 15 * time.Second},
		{name: "refused", net: &fakeNet{dial: refused, internet: open}, lasts: 12 * time.Second},
		{name: "dns", net: &fakeNet{resolve: noName, internet: open}, lasts: time.Minute},
		{name: "no-lease", net: &fakeNet{lease: func(ctx context.Context) error { return os.ErrDeadlineExceeded }}, lasts: 25 * time.Second},
		{name: "no-link", net: &fakeNet{join: func(ctx context.Context) error { return os.ErrDeadlineExceeded }}, lasts: 40 * time.Second},
		{name: "ping-lost", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, deaf)}, lasts: 45 * time.Second},
		{name: "link-lost", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{})}, lasts: 15 * time.Second,
			at: func(n *fakeNet, _ *Photon) { time.Sleep(10 * time.Second); n.lose() }},
		{name: "link-lost-in-backoff", net: &fakeNet{dial: refused, internet: open}, lasts: 8 * time.Second,
			at: func(n *fakeNet, _ *Photon) { time.Sleep(3800 * time.Millisecond); n.lose() }},
		{name: "server-closed", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{Idle: 10 * time.Second})}, lasts: 16 * time.Second},
		{name: "mute", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{Reached: stallAt(gateway.PhaseSilent)}, sparktest.ServeConfig{})}, lasts: 30 * time.Second},
		{name: "key-rejected", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{Key: sparktest.OtherServerKey()}, sparktest.ServeConfig{})}, lasts: 7 * time.Second},
		{name: "key-decryption", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{Lookup: otherDevice}, sparktest.ServeConfig{})}, lasts: 5 * time.Second},
		{name: "key-signature", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{SignKey: sparktest.OtherServerKey()}, sparktest.ServeConfig{})}, lasts: 5 * time.Second},
		{name: "no-hello", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{Reached: stallAt(gateway.PhaseHello)}, sparktest.ServeConfig{})}, lasts: 7 * time.Second},
		{name: "closed-at-hello", net: &fakeNet{dial: cloudDial(sparktest.ServerConfig{Reached: closeAt(gateway.PhaseHello)}, sparktest.ServeConfig{})}, lasts: 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := new(logBuffer)
				var at func(*Photon)
				if tt.at != nil {
					at = func(p *Photon) { tt.at(tt.net, p) }
				}
				live(t, config(tt.net, log), tt.lasts, at)
				gatewaytest.Golden(t, filepath.Join("testdata", tt.name+".log"), log.String())
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// stamp is what the lines of two devices never share.
var stamp = regexp.MustCompile(`(?m)^\d{10}|\d+\.\d+\.\d+\.\d+|\d+$`)

// TestSeedLines compares the healthy log with the lines of a real Photon with
// firmware 0.6.2 (seed-thread.txt, from 3058), stamps, addresses and times apart.
func TestSeedLines(t *testing.T) {
	healthy, err := os.ReadFile("testdata/healthy.log")
	if err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile("testdata/seed-0.6.2.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := stamp.ReplaceAllString(strings.ReplaceAll(string(healthy), "\r\n", "\n"), "N")
	_, got, found := strings.Cut(lines, "Bringing WiFi interface up with DHCP\n")
	if want := stamp.ReplaceAllString(string(seed), "N"); !found || got != want {
		t.Errorf("lines are\n%s\nwant\n%s", got, want)
	}
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{})}
		live(t, config(n, new(logBuffer)), 10*time.Second, nil)
		want := "224.0.1.187:5683 P\x02\x00\x00\xb1h\xff" + string(testID[:])
		if len(n.announced) != 1 || n.announced[0] != want {
			t.Errorf("announced %q, want %q once", n.announced, want)
		}
		time.Sleep(time.Hour)
	})
}

func TestLights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &fakeNet{dial: cloudDial(sparktest.ServerConfig{}, sparktest.ServeConfig{})}
		var got []LED
		watched := make(chan struct{})
		live(t, config(n, new(logBuffer)), 10*time.Second, func(p *Photon) {
			defer close(watched)
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if led := p.LED(); len(got) == 0 || got[len(got)-1] != led {
					got = append(got, led)
				}
			}
			select {
			case <-p.Ready():
			default:
				t.Error("not ready although connected")
			}
		})
		<-watched
		want := []LED{LEDWiFiOff, LEDJoining, LEDAddress, LEDConnecting, LEDHandshake, LEDConnected}
		if got[0] == LEDOff {
			got = got[1:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("lights %q, want %q", got, want)
		}
		time.Sleep(time.Hour)
	})
}

func TestBackoff(t *testing.T) {
	// photon.md 4.1: 1 s for attempts 1 to 5, 2 s for 6 to 10, 128 s from attempt 36.
	for attempts, want := range map[int]time.Duration{
		0: 0, 1: time.Second, 5: time.Second, 6: 2 * time.Second, 10: 2 * time.Second, 35: 64 * time.Second,
		36: 128 * time.Second, 255: 128 * time.Second,
	} {
		if got := DefaultTiming().backoff(attempts); got != want {
			t.Errorf("after %d attempts %s, want %s", attempts, got, want)
		}
	}
}

func TestSerialFormat(t *testing.T) {
	log := new(logBuffer)
	ctx, off := context.WithCancel(t.Context())
	s := serial{power: ctx, w: log, boot: time.Now()}
	s.warn("%s", strings.Repeat("x", 200))
	off()
	s.info("nobody prints without power")
	want := "0000000000 [system] WARN: " + strings.Repeat("x", 159) + "~\r\n"
	if log.String() != want {
		t.Errorf("printed %q, want %q", log, want)
	}
}

func TestNewRefuses(t *testing.T) {
	good := config(&fakeNet{}, new(logBuffer))
	tests := []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"key", func(c *Config) { c.Key = nil }, "make photon porch: a key is missing"},
		{"server key", func(c *Config) { c.ServerKey = nil }, "make photon porch: a key is missing"},
		{"id", func(c *Config) { c.ID = gateway.DeviceID{} }, "make photon porch: no device id"},
		{"interface", func(c *Config) { c.Network = nil }, "make photon porch: no interface"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.edit(&c)
			if _, err := New(c); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}
