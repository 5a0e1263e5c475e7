package dhcp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"

	"photongate/gateway"
)

// server is a Server of segment that lists macs.
func server(t testing.TB, emit gateway.Sink, macs ...gateway.MAC) *Server {
	t.Helper()
	s, err := New(Config{Interface: "lo", Gateway: segment(), Table: assigned(t, macs...), Emit: emit})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNew holds what a server cannot work with.
func TestNew(t *testing.T) {
	tab := assigned(t)
	for _, c := range []struct {
		want string
		c    Config
	}{
		{"serve dhcp: no interface", Config{}},
		{"serve dhcp: no table of addresses", Config{Interface: "lo"}},
		{"serve dhcp: the gateway is 10.0.0.1/24, but the table is of 192.168.77.1/24",
			Config{Interface: "lo", Table: tab, Gateway: netip.MustParsePrefix("10.0.0.1/24")}},
	} {
		if _, err := New(c.c); text(err) != c.want {
			t.Errorf("New: %q, want %q", text(err), c.want)
		}
	}
}

// TestHandleEvents holds which packets are told of, once each.
func TestHandleEvents(t *testing.T) {
	var got []string
	s := server(t, func(e gateway.Event) {
		got = append(got, strings.TrimSpace(strings.Join([]string{string(e.Kind), e.MAC.String(), e.Addr.String(), e.ID.String()[:4], e.Text}, " ")))
	}, mac(1))
	now := time.Now()
	name := dhcpv4.WithOption(dhcpv4.OptHostName("3a0027000447333136323739"))
	discover := request(1, dhcpv4.MessageTypeDiscover, name, dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask))
	for _, req := range []*dhcpv4.DHCPv4{
		discover, discover,
		request(1, dhcpv4.MessageTypeRequest, name, asking("192.168.77.2")),
		request(1, dhcpv4.MessageTypeRequest, choosing("10.9.9.9"), asking("10.9.9.8")),
		request(1, dhcpv4.MessageTypeRequest, choosing("10.9.9.9"), asking("10.9.9.8")),
		request(2, dhcpv4.MessageTypeDiscover, name), request(2, dhcpv4.MessageTypeDiscover),
		request(3, dhcpv4.MessageTypeDiscover),
	} {
		s.handle(req.ToBytes(), now)
	}
	s.handle(request(2, dhcpv4.MessageTypeDiscover).ToBytes(), now.Add(strangerPause))
	s.handle([]byte("not dhcp"), now)
	want := []string{
		"lease-asked 6c:0b:84:00:00:01 invalid IP 3a00 1",
		"leased 6c:0b:84:00:00:01 192.168.77.2 0000",
		"lease-failed 6c:0b:84:00:00:01 invalid IP 0000 it took the offer of another DHCP server, 10.9.9.9",
		"stranger 6c:0b:84:00:00:02 invalid IP 3a00 dhcp",
		"stranger 6c:0b:84:00:00:03 invalid IP 0000 dhcp",
		"stranger 6c:0b:84:00:00:02 invalid IP 0000 dhcp",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("events:\n%s\nwant:\n%s", g, w)
	}
	if s.Granted() != 1 || s.Strangers() != 4 || s.Malformed() != 1 {
		t.Errorf("counted %d granted, %d strangers, %d malformed; want 1, 4, 1", s.Granted(), s.Strangers(), s.Malformed())
	}
}

// loopback is a UDP socket on which every reply goes to one client, because
// 127.0.0.0/8 has neither broadcast nor the segment's addresses.
type loopback struct {
	net.PacketConn
	client net.Addr
	to     chan string
}

// WriteTo notes where b should have gone and sends it to the client.
func (l loopback) WriteTo(b []byte, to net.Addr) (int, error) {
	l.to <- to.String()
	return l.PacketConn.WriteTo(b, l.client)
}

// udp is a socket on a free port of 127.0.0.1.
func udp(t *testing.T) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestRun holds a lease over a real socket: the first attempt to open it is
// refused, the second serves, and the end of ctx ends Run.
func TestRun(t *testing.T) {
	client, events := udp(t), make(chan gateway.Event, 16)
	sock := loopback{PacketConn: udp(t), client: client.LocalAddr(), to: make(chan string, 1)}
	s := server(t, func(e gateway.Event) { events <- e }, mac(1))
	attempts := 0
	s.c.Listen = func(context.Context) (net.PacketConn, error) {
		if attempts++; attempts == 1 {
			return nil, os.NewSyscallError("bind", unix.EADDRINUSE)
		}
		return sock, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if e := <-events; e.Kind != gateway.PartFailed || e.Part != gateway.PartDHCP ||
		e.Text != "bind: address already in use" || !strings.Contains(e.Hint, "dnsmasq") {
		t.Errorf("a taken port is told as %+v", e)
	}
	<-s.Ready()
	if e := <-events; e.Kind != gateway.PartOK || e.Part != gateway.PartDHCP {
		t.Errorf("the first event of a serving server is %+v", e)
	}
	if _, err := client.WriteTo(request(1, dhcpv4.MessageTypeDiscover).ToBytes(), sock.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if to := <-sock.to; to != "255.255.255.255:68" {
		t.Errorf("the offer goes to %s", to)
	}
	buf := make([]byte, packetLimit)
	n, _, err := client.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if offer, err := dhcpv4.FromBytes(buf[:n]); err != nil || offer.MessageType() != dhcpv4.MessageTypeOffer {
		t.Errorf("received %v, %v; want an offer", offer, err)
	}
	if e := <-events; e.Kind != gateway.LeaseAsked || e.Witness != gateway.WitnessAir {
		t.Errorf("the question is told as %+v", e)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// TestRunRetries holds that a missing interface is tried again, ever more slowly.
func TestRunRetries(t *testing.T) {
	tab := assigned(t)
	synctest.Test(t, func(t *testing.T) {
		failed := 0
		s, err := New(Config{Interface: "lo", Gateway: segment(), Table: tab, Emit: func(gateway.Event) { failed++ },
			Listen: func(context.Context) (net.PacketConn, error) { return nil, unix.ENODEV }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		if failed < 12 || failed > 25 {
			t.Errorf("%d attempts in ten minutes, want some 16", failed)
		}
	})
}

// TestListen holds that the socket is bound to its interface and can share its port.
func TestListen(t *testing.T) {
	first, err := listen(t.Context(), "lo", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := listen(t.Context(), "lo", first.LocalAddr().(*net.UDPAddr).Port)
	if err != nil {
		t.Fatalf("a second socket on the port: %v", err)
	}
	second.Close()
	_, err = listen(t.Context(), "none0", 0)
	if want := "listen for dhcp on none0: listen udp4 :0: bind to interface: no such device"; text(err) != want {
		t.Errorf("listen: %q, want %q", text(err), want)
	}
	if !strings.Contains(hint(err, "none0"), "ip link") {
		t.Errorf("hint: %q", hint(err, "none0"))
	}
}
