package sparktest

import (
	"context"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"photongate/gateway"
)

// testID is the id of the seed's format (photon.md 1.1).
var testID = gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, 0x39}

// device is a device that knows the fixed keys.
func device() DeviceConfig {
	return DeviceConfig{ID: testID, Key: DeviceKey(), ServerKey: &ServerKey().PublicKey}
}

// dial connects to a test cloud.
func dial(t *testing.T, c *Cloud) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", c.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestHandshakeOverPipe(t *testing.T) {
	far, near := net.Pipe()
	defer far.Close()
	defer near.Close()
	var phases []gateway.Phase
	done := make(chan *Session, 1)
	go func() {
		s, err := Server(t.Context(), far, ServerConfig{Key: ServerKey(), Reached: func(p gateway.Phase) error {
			phases = append(phases, p)
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	var steps []Step
	c := device()
	c.Trace = func(s Step) { steps = append(steps, s) }
	s, err := Device(t.Context(), near, c)
	if err != nil {
		t.Fatal(err)
	}
	cloud := <-done
	if want := (Hello{Product: 6, Version: 0xffff, Platform: 6}); cloud.ID() != testID || cloud.Hello() != want {
		t.Errorf("cloud met %s %+v, want %s %+v", cloud.ID(), cloud.Hello(), testID, want)
	}
	if len(steps) != 8 || steps[7] != StepCompleted {
		t.Errorf("steps %v, want all eight", steps)
	}
	if len(phases) != 6 || phases[0] != gateway.PhaseSilent || phases[5] != gateway.PhaseEstablished {
		t.Errorf("phases %v, want silent to established", phases)
	}
	exchange(t, s, cloud)
}

// exchange sends several records each way, so that the IVs chain.
func exchange(t *testing.T, a, b *Session) {
	t.Helper()
	for i := range 5 {
		for _, pair := range [][2]*Session{{a, b}, {b, a}} {
			m := Event(uint16(i), "spark/device/last_reset", "pin_reset")
			go pair[0].WriteMessage(m)
			got, err := pair[1].ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if got.Path() != "E/spark/device/last_reset" || string(got.Payload) != "pin_reset" || got.ID != uint16(i) {
				t.Fatalf("record %d arrived as %+v", i, got)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	other := func(gateway.DeviceID, *rsa.PublicKey) (*rsa.PublicKey, error) {
		return &OtherDeviceKey().PublicKey, nil
	}
	unknown := func(gateway.DeviceID, *rsa.PublicKey) (*rsa.PublicKey, error) {
		return nil, errors.New("not registered")
	}
	tests := []struct {
		name   string
		cloud  CloudConfig
		device func(*DeviceConfig)
		step   Step
		code   int
		cause  string
	}{
		{"wrong server key on the device", CloudConfig{}, func(c *DeviceConfig) { c.ServerKey = &OtherServerKey().PublicKey },
			StepKey, CodeClosed, "serve handshake: device's answer is not for this server key"},
		{"cloud answers another device key", CloudConfig{Lookup: other}, nil, StepSetKey, CodeDecryption, "serve handshake: read HELLO: read record: EOF"},
		{"device not registered", CloudConfig{Lookup: unknown}, nil, StepKey, CodeClosed,
			"serve handshake: look up key of 3a0027000447333136323739: not registered"},
		{"cloud signs with another key", CloudConfig{SignKey: OtherServerKey()}, nil, StepSetKey, CodeAuthentication, "serve handshake: read HELLO: read record: EOF"},
		{"closed before the nonce", CloudConfig{CloseAt: gateway.PhaseSilent}, nil, StepNonce, CodeClosed, "serve handshake: closed as configured"},
		{"closed after the nonce", CloudConfig{CloseAt: gateway.PhaseNonce}, nil, StepKey, 0, "serve handshake: closed as configured"},
		{"closed after HELLO", CloudConfig{CloseAt: gateway.PhaseHello}, nil, StepHelloResponse, CodeClosed, "serve handshake: closed as configured"},
		{"mute", CloudConfig{Stall: gateway.PhaseSilent}, nil, StepNonce, CodeTimeout, ""},
		{"silent after the device's answer", CloudConfig{Stall: gateway.PhaseDeviceKey}, nil, StepKey, CodeTimeout, ""},
		{"silent after HELLO", CloudConfig{Stall: gateway.PhaseHello}, nil, StepHelloResponse, CodeTimeout, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cloud := NewCloud(t, tt.cloud)
			c := device()
			c.Receive, c.HelloWait = 300*time.Millisecond, 300*time.Millisecond
			if tt.code != CodeTimeout {
				c.Receive, c.HelloWait = 0, 0
			}
			if tt.device != nil {
				tt.device(&c)
			}
			conn := dial(t, cloud)
			_, err := Device(t.Context(), conn, c)
			conn.Close()
			var h *HandshakeError
			if !errors.As(err, &h) {
				t.Fatalf("error %v, want a *HandshakeError", err)
			}
			// A cloud that closes with bytes unread resets instead, so both codes are right there.
			if tt.code == 0 && (h.Code == CodeClosed || h.Code == CodeReset) {
				h.Code = 0
			}
			if h.Step != tt.step || h.Code != tt.code {
				t.Errorf("failed at %v with code %d, want %v with %d: %v", h.Step, h.Code, tt.step, tt.code, err)
			}
			if tt.cause == "" {
				return
			}
			if got := Await(t, cloud.Failures(), 5*time.Second).Error(); got != tt.cause {
				t.Errorf("cloud says %q, want %q", got, tt.cause)
			}
		})
	}
}

func TestDeviceLimits(t *testing.T) {
	tests := []struct {
		name  string
		stall gateway.Phase
		want  time.Duration
		text  string
	}{
		{"nonce", gateway.PhaseSilent, 20 * time.Second, `handshake: "Started: Receive nonce": code -1: 0 of 40 bytes: read pipe: i/o timeout`},
		{"key", gateway.PhaseDeviceKey, 20 * time.Second, `handshake: "Receive key": code -1: 0 of 384 bytes: read pipe: i/o timeout`},
		{"hello", gateway.PhaseHello, 2 * time.Second, `handshake: "Receiving HELLO response": code -1: read record: read pipe: i/o timeout`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				far, near := net.Pipe()
				defer near.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go Server(ctx, far, ServerConfig{Key: ServerKey(), Limit: time.Hour, Reached: func(p gateway.Phase) error {
					if p == tt.stall {
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}})
				start := time.Now()
				_, err := Device(ctx, near, device())
				if err == nil || err.Error() != tt.text {
					t.Errorf("error %v, want %s", err, tt.text)
				}
				if took := time.Since(start); took != tt.want {
					t.Errorf("gave up after %s, want %s", took, tt.want)
				}
			})
		})
	}
}

func TestDeviceEndsWithContext(t *testing.T) {
	cloud := NewCloud(t, CloudConfig{Stall: gateway.PhaseSilent})
	ctx, cancel := context.WithCancel(t.Context())
	c := device()
	c.Trace = func(Step) { cancel() }
	if _, err := Device(ctx, dial(t, cloud), c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context canceled", err)
	}
}

func TestWireSizes(t *testing.T) {
	// photon.md 4.1: record sizes useful for classification.
	tests := []struct {
		name string
		m    Message
		want int
		hex  string
	}{
		{"hello", Hello{Product: 6, Version: 0xffff, Platform: 6}.Message(0x1234), 18, "50021234b168ff0006ffff00000006"},
		{"server hello", ServerHello(0x1234), 18, "50021234b168"},
		{"ping", Ping(1), 18, "40000001"},
		{"ack", Ack(1), 18, "60000001"},
		{"time request", TimeRequest(1, 7), 18, "4101000107b174"},
		{"time response", TimeResponse(TimeRequest(1, 7), time.Unix(1497029895, 0)), 18, "6145000107ff593add07"},
		{"subscribe spark", Subscribe(1, "spark"), 18, "40010001b16505737061726b4175"},
		{"describe request", DescribeRequest(1, 7, DescribeApplication), 18, "4101000107b1644102"},
		{"describe, small", DescribeResponse(DescribeRequest(1, 7, 2), `{"f":[],"v":{}}`), 34, ""},
		{"max_binary", Event(1, "spark/hardware/max_binary", "131072"), 50, ""},
		{"ota_chunk_size", Event(1, "spark/hardware/ota_chunk_size", "512"), 50, ""},
		{"last_reset", Event(1, "spark/device/last_reset", "pin_reset"), 50, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.m.Append(nil)
			if got := lengthSize + 16*(len(b)/16+1); got != tt.want {
				t.Errorf("record of %d bytes, want %d", got, tt.want)
			}
			if got := hex.EncodeToString(b); tt.hex != "" && got != tt.hex {
				t.Errorf("bytes %s, want %s", got, tt.hex)
			}
		})
	}
	want := "50020000b168ff3a0027000447333136323739"
	if got := hex.EncodeToString(Presence(testID)); got != want {
		t.Errorf("presence %s, want %s", got, want)
	}
}
