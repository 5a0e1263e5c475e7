package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"photongate/gateway"
)

// device is the one at 127.0.0.1.
func device() gateway.MAC { return gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, 1} }

// known knows device, and nobody at another address.
func known(a netip.Addr) (gateway.MAC, bool) {
	return device(), a == netip.MustParseAddr("127.0.0.1")
}

// config serves the zone of served on a free port.
func config(emit gateway.Sink) Config {
	return Config{
		Addr: netip.MustParseAddrPort("127.0.0.1:0"), Answer: netip.AddrFrom4(gatewayAddr()),
		Names: []string{"device.spark.io"}, TimeNames: []string{"pool.ntp.org"}, Who: known, Emit: emit,
	}
}

// running is a server that runs until the test ends.
type running struct {
	*Server
	events chan gateway.Event
	stop   func() error
}

// start runs a server, and stops it when the test ends.
func start(t *testing.T) running {
	t.Helper()
	r := running{events: make(chan gateway.Event, 64)}
	s, err := New(config(func(e gateway.Event) { r.events <- e }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.Server, r.stop = s, func() error { cancel(); return <-done }
	<-s.Ready()
	if e := <-r.events; e.Kind != gateway.PartOK || e.Part != gateway.PartDNS {
		t.Errorf("the first event is %+v", e)
	}
	return r
}

// dial connects to r.
func (r running) dial(t *testing.T, network string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, r.local.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestNew holds what a server cannot work with.
func TestNew(t *testing.T) {
	with := func(f func(*Config)) Config { c := config(nil); f(&c); return c }
	for _, c := range []struct {
		want string
		c    Config
	}{
		{"serve dns on [::1]:53: not an IPv4 address with a port", with(func(c *Config) { c.Addr = netip.MustParseAddrPort("[::1]:53") })},
		{"serve dns on 127.0.0.1:0: the answer invalid IP is not an IPv4 address", with(func(c *Config) { c.Answer = netip.Addr{} })},
		{"serve dns on 127.0.0.1:0: no way to tell devices by their address", with(func(c *Config) { c.Who = nil })},
		{`serve dns on 127.0.0.1:0: answer for "a..b": a label is not of 1 to 63 bytes`, with(func(c *Config) { c.Names = []string{"a..b"} })},
	} {
		if _, err := New(c.c); err == nil || err.Error() != c.want {
			t.Errorf("New: %v, want %q", err, c.want)
		}
	}
}

// TestRunTaken holds how a taken port is told, of UDP and of TCP.
func TestRunTaken(t *testing.T) {
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, other := range []net.Addr{u.LocalAddr(), l.Addr()} {
		events := make(chan gateway.Event, 16)
		c := config(func(e gateway.Event) { events <- e })
		c.Addr = netip.MustParseAddrPort(other.String())
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		e := <-events
		want := fmt.Sprintf("listen for dns: listen %s4 %s: bind: address already in use", other.Network(), other)
		if e.Kind != gateway.PartFailed || e.Part != gateway.PartDNS || e.Text != want || !strings.Contains(e.Hint, "dnsmasq") {
			t.Errorf("a taken port is told as %+v, want %q", e, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	}
}

// TestRunNoAddress holds how an address that no interface has is told.
func TestRunNoAddress(t *testing.T) {
	// 192.0.2.0/24 is for documentation (RFC 5737) and stands on no interface.
	_, _, err := listen(t.Context(), netip.MustParseAddrPort("192.0.2.1:0"))
	want := "listen for dns: listen udp4 192.0.2.1:0: bind: cannot assign requested address"
	if err == nil || err.Error() != want || !strings.Contains(advice().For(err), "segment.address") {
		t.Errorf("listen: %v, hint %q; want %q", err, advice().For(err), want)
	}
}
