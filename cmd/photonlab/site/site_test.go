package site

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// silence is how long a test waits for an answer that must not come; on a
// cable of one machine an answer takes less than a millisecond.
const silence = 250 * time.Millisecond

// serveInternet answers at every cloud address with one byte and echoes after
// it, and runs the resolver.
func serveInternet(t *testing.T, s *Site) {
	t.Helper()
	listeners, err := s.ListenCloud()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range listeners {
		t.Cleanup(func() { l.Close() })
		go Forward(l, echo)
	}
	conn, err := s.Internet.ListenPacket(ResolverAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := &Resolver{Name: CloudName, Addrs: CloudAddrs()}
	go r.Serve(conn)
}

// echo is a connection that gives back what is written to it.
func echo() (net.Conn, error) {
	a, b := net.Pipe()
	go pipe(b, b)
	return a, nil
}

// dial connects from a namespace and says how it went.
func dial(s *Space, to netip.AddrPort) (c net.Conn, outcome string) {
	err := s.Do(func() (err error) {
		c, err = (&net.Dialer{Timeout: silence}).Dial("tcp4", to.String())
		return err
	})
	var netErr net.Error
	switch {
	case err == nil:
		return c, "accepted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, "refused"
	case errors.As(err, &netErr) && netErr.Timeout():
		return nil, "timeout"
	}
	return nil, err.Error()
}

// echoes tells whether a byte written comes back.
func echoes(c net.Conn) bool {
	c.SetDeadline(time.Now().Add(silence))
	var got [1]byte
	if _, err := c.Write([]byte{'x'}); err != nil {
		return false
	}
	_, err := c.Read(got[:])
	return err == nil && got[0] == 'x'
}

// ask sends a question for the cloud's name from the gateway and counts the addresses.
func ask(t *testing.T, s *Site) int {
	t.Helper()
	c, err := s.Gateway.ListenPacket(netip.MustParseAddrPort("10.10.0.2:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(silence))
	if _, err := c.WriteToUDPAddrPort(question(t, CloudName+".", dnsmessage.TypeA), ResolverAddr()); err != nil {
		return 0
	}
	reply := make([]byte, 512)
	n, err := c.Read(reply)
	if err != nil {
		return 0
	}
	var m dnsmessage.Message
	if err := m.Unpack(reply[:n]); err != nil {
		t.Fatal(err)
	}
	return len(m.Answers)
}

// TestFaults dials every address of the cloud from the gateway under every
// fault, and watches a connection that stood before.
func TestFaults(t *testing.T) {
	s := open(t)
	serveInternet(t, s)
	for _, tc := range []struct {
		fault Fault
		// approved and others are how connects to the approved and the other addresses end.
		approved, others string
		// stands tells whether the standing connection goes on; answers counts DNS records.
		stands  bool
		answers int
	}{
		{NoFault, "accepted", "accepted", true, 6},
		{Drop, "timeout", "timeout", true, 6},
		{Refuse, "refused", "refused", true, 6},
		{DNSDrop, "accepted", "accepted", true, 0},
		{CloudMute, "accepted", "accepted", true, 6},
		{AllowThenKill, "timeout", "timeout", false, 6},
		{ApproveOne, "accepted", "timeout", true, 6},
	} {
		t.Run("fault "+string(tc.fault), func(t *testing.T) {
			if err := s.SetFault(t.Context(), NoFault); err != nil {
				t.Fatal(err)
			}
			stood, outcome := dial(s.Gateway, netip.AddrPortFrom(CloudAddrs()[1], CloudPort))
			if outcome != "accepted" || !echoes(stood) {
				t.Fatalf("before the fault: got %s, want a connection that echoes", outcome)
			}
			defer stood.Close()
			if err := s.SetFault(t.Context(), tc.fault); err != nil {
				t.Fatal(err)
			}
			for _, addr := range CloudAddrs() {
				want := tc.others
				if addr == Approved() {
					want = tc.approved
				}
				c, got := dial(s.Gateway, netip.AddrPortFrom(addr, CloudPort))
				if c != nil {
					c.Close()
				}
				if got != want {
					t.Errorf("connect to %s: got %s, want %s", addr, got, want)
				}
			}
			if got := echoes(stood); got != tc.stands {
				t.Errorf("standing connection goes on: got %v, want %v", got, tc.stands)
			}
			if got := ask(t, s); got != tc.answers {
				t.Errorf("DNS records: got %d, want %d", got, tc.answers)
			}
		})
	}
}

// TestFaultPasses lifts a kill again: what was blocked connects.
func TestFaultPasses(t *testing.T) {
	s := open(t)
	serveInternet(t, s)
	to := netip.AddrPortFrom(CloudAddrs()[5], CloudPort)
	for _, step := range []struct {
		fault Fault
		want  string
	}{{AllowThenKill, "timeout"}, {NoFault, "accepted"}} {
		if err := s.SetFault(t.Context(), step.fault); err != nil {
			t.Fatal(err)
		}
		c, got := dial(s.Gateway, to)
		if c != nil {
			c.Close()
		}
		if got != step.want {
			t.Errorf("fault %q: got %s, want %s", step.fault, got, step.want)
		}
	}
}

// TestAir plugs all Photons in: each has its MAC and reaches the gateway, none
// reaches another, and none gets an address by itself.
func TestAir(t *testing.T) {
	s := open(t)
	if err := ip(t.Context(), s.Gateway, "address add "+SegmentAddress+" dev "+SegmentInterface); err != nil {
		t.Fatal(err)
	}
	l, err := s.Gateway.Listen(netip.MustParseAddrPort("192.168.77.1:5683"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go Forward(l, echo)

	spaces := make(map[string]*Space)
	for _, p := range Photons() {
		space, err := s.Plug(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		spaces[p.Name] = space
		if got := mac(t, space); got != p.MAC.String() {
			t.Errorf("%s: MAC %s, want %s", p.Name, got, p.MAC)
		}
	}
	if got, err := s.Leases(); err != nil || len(got) != 0 {
		t.Errorf("leases before any address: got %v, %v, want none", got, err)
	}
	for i, p := range Photons() {
		addr := fmt.Sprintf("192.168.77.%d", 50+i)
		if err := ip(t.Context(), spaces[p.Name], "address add "+addr+"/24 dev "+PhotonInterface); err != nil {
			t.Fatal(err)
		}
	}
	other, err := spaces["gate"].Listen(netip.MustParseAddrPort("192.168.77.51:5683"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, got := dial(spaces["porch"], netip.MustParseAddrPort("192.168.77.1:5683")); got != "accepted" {
		t.Errorf("from a Photon to the gateway: got %s, want accepted", got)
	}
	if _, got := dial(spaces["porch"], netip.MustParseAddrPort("192.168.77.51:5683")); got != "timeout" {
		t.Errorf("from a Photon to another: got %s, want timeout", got)
	}
	want := map[string]string{"porch": "192.168.77.50", "gate": "192.168.77.51", "stranger": "192.168.77.52"}
	if got, err := s.Leases(); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("leases: got %v, %v, want %v", got, err, want)
	}
}

// mac reads the hardware address of a Photon's interface.
func mac(t *testing.T, s *Space) (mac string) {
	t.Helper()
	err := s.Do(func() error {
		ifi, err := net.InterfaceByName(PhotonInterface)
		if err == nil {
			mac = ifi.HardwareAddr.String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

// TestPowerCycle takes the power away while a connection stands: the gateway
// must hear nothing of it, and the Photon must come back.
func TestPowerCycle(t *testing.T) {
	s := open(t)
	if err := ip(t.Context(), s.Gateway, "address add "+SegmentAddress+" dev "+SegmentInterface); err != nil {
		t.Fatal(err)
	}
	l, err := s.Gateway.Listen(netip.MustParseAddrPort("192.168.77.1:5683"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := Photons()[0]
	for range 2 {
		space, err := s.Plug(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Plug(t.Context(), p); err == nil || err.Error() != "plug porch in: it has power already" {
			t.Errorf("second plug: got %v, want a refusal", err)
		}
		if err := ip(t.Context(), space, "address add 192.168.77.50/24 dev "+PhotonInterface); err != nil {
			t.Fatal(err)
		}
		c, got := dial(space, netip.MustParseAddrPort("192.168.77.1:5683"))
		if got != "accepted" {
			t.Fatalf("connect: got %s, want accepted", got)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Unplug(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		c.Close()
		server.SetReadDeadline(time.Now().Add(silence))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("at the gateway after the power went: got %v, want silence", err)
		}
		server.Close()
	}
	if err := s.Unplug(t.Context(), p); err == nil || err.Error() != "unplug porch: it has no power" {
		t.Errorf("second unplug: got %v, want a refusal", err)
	}
}

// TestClosedSpace is used after its end.
func TestClosedSpace(t *testing.T) {
	s := open(t)
	s.Close()
	err := s.Gateway.Do(func() error { return nil })
	if !errors.Is(err, os.ErrClosed) || err.Error() != "enter namespace gw: file already closed" {
		t.Errorf("got %v, want enter namespace gw: file already closed", err)
	}
}
