package peertest_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/peertest"
	"photongate/gateway"
)

// TestServerAgrees proves the device's end of sparktest against a cloud that we did not write.
func TestServerAgrees(t *testing.T) {
	addr, key := peertest.SparkServer(t)
	id := gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, 0x39}
	config := sparktest.DeviceConfig{ID: id, Key: sparktest.DeviceKey(), ServerKey: key}

	t.Run("session", func(t *testing.T) {
		s, err := sparktest.Device(t.Context(), dial(t, addr), config)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []func(uint16) sparktest.Message{
			func(id uint16) sparktest.Message { return sparktest.Event(id, "spark/hardware/max_binary", "131072") },
			func(id uint16) sparktest.Message { return sparktest.Subscribe(id, "spark") },
			sparktest.Ping,
		} {
			if err := s.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		token := s.NextToken()
		if err := s.Send(func(id uint16) sparktest.Message { return sparktest.TimeRequest(id, token) }); err != nil {
			t.Fatal(err)
		}
		for time := false; !time; {
			m, err := s.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("server: %+v", m)
			time = m.Code == sparktest.CodeContent && len(m.Token) == 1 && m.Token[0] == token && len(m.Payload) == 4
		}
	})
	t.Run("wrong server key", func(t *testing.T) {
		wrong := config
		wrong.ServerKey = &sparktest.OtherServerKey().PublicKey
		_, err := sparktest.Device(t.Context(), dial(t, addr), wrong)
		var h *sparktest.HandshakeError
		if !errors.As(err, &h) || h.Step != sparktest.StepKey || h.Code != sparktest.CodeClosed || !errors.Is(err, io.EOF) {
			t.Errorf("error %v, want the server to close while the device waits for the key", err)
		}
	})
}

// dial connects to the server for the length of a test.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
