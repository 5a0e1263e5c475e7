package dns

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"photongate/gateway"
)

// framed is a message behind its length.
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// receive reads one framed message.
func receive(t *testing.T, c net.Conn) []byte {
	t.Helper()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTCP holds questions one after the other, split and together.
func TestTCP(t *testing.T) {
	r := start(t)
	c := r.dial(t, "tcp4")
	q := framed(ask("device.spark.io.", dnsmessage.TypeA))
	for _, part := range [][]byte{q[:1], q[1:9], append(bytes.Clone(q[9:]), q...)} {
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if b := receive(t, c); !bytes.HasSuffix(b, []byte{192, 168, 77, 1}) {
			t.Errorf("received %x, want an answer that ends in the gateway's address", b)
		}
	}
	c.Close()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
	close(r.events)
	for e := range r.events {
		if e.Kind != gateway.Resolved {
			t.Errorf("told of %+v, want Resolved only", e)
		}
	}
}

// TestTCPMalformed holds that what is no question ends the connection.
func TestTCPMalformed(t *testing.T) {
	r := start(t)
	for i, in := range [][]byte{
		{0, 11}, {0xff, 0xff}, framed([]byte("no question")),
		framed(ask("device.spark.io.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Response = true })),
	} {
		c := r.dial(t, "tcp4")
		if _, err := c.Write(in); err != nil {
			t.Fatal(err)
		}
		// A close with bytes unread is a reset.
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%x is answered", in)
		}
		if got := r.Malformed(); got != uint64(i+1) {
			t.Errorf("after %x %d are malformed, want %d", in, got, i+1)
		}
	}
}

// TestInternetTest holds that a connection that says nothing is told, however it is closed.
func TestInternetTest(t *testing.T) {
	for _, linger := range []int{-1, 0} {
		t.Run(fmt.Sprintf("linger %d", linger), func(t *testing.T) {
			r := start(t)
			c := r.dial(t, "tcp4").(*net.TCPConn)
			if err := c.SetLinger(linger); err != nil {
				t.Fatal(err)
			}
			c.Close()
			if e := <-r.events; e.Kind != gateway.InternetTest || !e.OK || e.MAC != device() {
				t.Errorf("the test is told as %+v", e)
			}
		})
	}
}

// TestHangUp holds which ends of a connection are no internet test.
func TestHangUp(t *testing.T) {
	var got []gateway.Event
	s, err := New(config(func(e gateway.Event) { got = append(got, e) }))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	us := netip.MustParseAddr("127.0.0.1")
	timeout := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		name    string
		ctx     context.Context
		err     error
		unasked bool
		from    netip.Addr
		want    int
	}{
		{"we stop", ended, io.EOF, true, us, 0},
		{"after a question", t.Context(), io.EOF, false, us, 0},
		{"cut", t.Context(), errCut, true, us, 0},
		{"it waits too long", t.Context(), timeout, true, us, 0},
		{"a stranger", t.Context(), io.EOF, true, netip.MustParseAddr("127.0.0.9"), 0},
		{"a test", t.Context(), io.EOF, true, us, 1},
		{"another within the second", t.Context(), io.EOF, true, us, 0},
	} {
		got = nil
		s.hangUp(c.ctx, c.err, c.unasked, c.from)
		if len(got) != c.want {
			t.Errorf("%s: told %+v, want %d events", c.name, got, c.want)
		}
	}
	if s.Malformed() != 1 {
		t.Errorf("%d malformed, want 1", s.Malformed())
	}
}

// TestTCPLimit holds that an address has tcpEach connections and no more.
func TestTCPLimit(t *testing.T) {
	r := start(t)
	q := framed(ask("device.spark.io.", dnsmessage.TypeA))
	var open []net.Conn
	for range tcpEach {
		c := r.dial(t, "tcp4")
		open = append(open, c)
		// An answer proves that the connection was counted.
		if _, err := c.Write(q); err != nil {
			t.Fatal(err)
		}
		receive(t, c)
	}
	c := r.dial(t, "tcp4")
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("one connection too many is served")
	}
	if r.Refused() != 1 {
		t.Errorf("%d refused, want 1", r.Refused())
	}
	if _, err := open[0].Write(q); err != nil {
		t.Fatal(err)
	}
	receive(t, open[0])
	// Run waits for its connections, so this proves that stopping ends them.
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// TestGate holds both limits and that leaving makes room.
func TestGate(t *testing.T) {
	g := newGate()
	at := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }
	for n := range tcpAll {
		if !g.enter(at(n / tcpEach)) {
			t.Fatalf("connection %d is refused", n)
		}
	}
	if g.enter(at(200)) {
		t.Error("a connection over the total is let in")
	}
	g.leave(at(0))
	if g.enter(at(1)) {
		t.Error("a connection over its address's limit is let in")
	}
	if !g.enter(at(200)) {
		t.Error("leaving made no room")
	}
	for n := range tcpAll - 1 {
		if n >= tcpEach-1 {
			g.leave(at((n + 1) / tcpEach))
		} else {
			g.leave(at(0))
		}
	}
	g.leave(at(200))
	if g.all != 0 || len(g.each) != 0 {
		t.Errorf("%d connections are left, of %d addresses", g.all, len(g.each))
	}
}
