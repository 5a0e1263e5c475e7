package photon

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"photongate/cmd/photonlab/peertest"
)

// tap tells of every read and write of a connection.
type tap struct {
	net.Conn
	// seen takes the sizes, reads negative.
	seen chan<- int
}

// Read implements net.Conn.
func (c tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.seen <- -n
	}
	return n, err
}

// Write implements net.Conn.
func (c tap) Write(b []byte) (int, error) {
	c.seen <- len(b)
	return c.Conn.Write(b)
}

// TestRealCloud runs the Photon, with its real limits, against a cloud that we
// did not write: to "Cloud connected", to a description, to an answered ping.
func TestRealCloud(t *testing.T) {
	t.Parallel()
	addr, key := peertest.SparkServer(t)
	seen := make(chan int, 4096)
	log := new(logBuffer)
	c := config(&fakeNet{dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp4", addr)
		return tap{conn, seen}, err
	}}, log)
	c.ServerKey = key
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	select {
	case <-p.Ready():
	case <-ctx.Done():
		t.Fatalf("not connected; the Photon said\n%s", log)
	}
	awaitPing(t, ctx, seen, log)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	for _, want := range []string{"INFO: Completed\r\n", "INFO: Cloud connected\r\n", "INFO: Received TIME response: "} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("log lacks %q:\n%s", want, log)
		}
	}
	t.Logf("the Photon said\n%s", log)
}

// awaitPing waits for 18 bytes after 15 s of silence (photon.md 4.1), and then
// for 18 bytes back; sizes before the first record are those of the handshake.
func awaitPing(t *testing.T, ctx context.Context, seen <-chan int, log *logBuffer) {
	t.Helper()
	last, pinged := time.Now(), false
	for {
		select {
		case n := <-seen:
			silent := time.Since(last)
			switch {
			case n == 18 && silent > 14*time.Second:
				pinged = true
			case n < 0 && pinged:
				return
			case n < 0:
				last = time.Now()
			}
		case <-ctx.Done():
			t.Fatalf("no answered ping; the Photon said\n%s", log)
		}
	}
}
