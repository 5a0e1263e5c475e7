package cloud

import (
	"errors"
	"net"
	"testing"
	"time"

	"photongate/bridge/spark/sparktest"
)

// start serves on loopback until the test ends.
func start(t *testing.T) (*Server, string) {
	t.Helper()
	s := &Server{Key: sparktest.ServerKey()}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := sparktest.Await(t, done, 5*time.Second); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, ln.Addr().String()
}

// connect runs a device's handshake.
func connect(t *testing.T, addr string, receive time.Duration) (*sparktest.Session, error) {
	t.Helper()
	conn, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return sparktest.Device(t.Context(), conn, sparktest.DeviceConfig{
		ID: [12]byte{1}, Key: sparktest.DeviceKey(), ServerKey: &sparktest.ServerKey().PublicKey, Receive: receive,
	})
}

func TestServer(t *testing.T) {
	s, addr := start(t)
	d, err := connect(t, addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Send(sparktest.Ping); err != nil {
		t.Fatal(err)
	}
	if m, err := d.ReadMessage(); err != nil || m.Type != sparktest.Acknowledgment {
		t.Errorf("ping answered by %+v, %v", m, err)
	}
	if s.Online() != 1 {
		t.Errorf("online %d, want 1", s.Online())
	}
	s.DropAll()
	if _, err := d.ReadMessage(); sparktest.Code(err) != sparktest.CodeClosed {
		t.Errorf("error %v, want the server's close", err)
	}
	s.SetMute(true)
	if _, err := connect(t, addr, 100*time.Millisecond); sparktest.Code(err) != sparktest.CodeTimeout {
		t.Errorf("error %v, want the device's timeout", err)
	}
	s.SetMute(false)
	if _, err := connect(t, addr, 0); err != nil {
		t.Error(err)
	}
	if s.Accepted() != 3 {
		t.Errorf("accepted %d, want 3", s.Accepted())
	}
}

func TestServeAfterClose(t *testing.T) {
	s := &Server{Key: sparktest.ServerKey()}
	s.Close()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want a closed listener", err)
	}
}
