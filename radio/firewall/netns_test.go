package firewall

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"photongate/gateway/gatewaytest"
)

// isErrno tells whether an error is one of the kernel's.
func isErrno(err error, want syscall.Errno) bool { return errors.Is(err, want) }

// guarded starts the firewall on the layout's segment.
func guarded(t *testing.T) *Segment {
	t.Helper()
	s, err := New(Config{Interface: "seg0", Gateway: config().Gateway, RelayPort: 5683, NTP: true,
		Pairs: []Pair{porch, attic, fresh}, Log: gatewaytest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPolicy sends from every kind of station to every kind of destination, and
// wants the answer of the right service, or none and the right counter.
func TestPolicy(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	layout(t)
	s := guarded(t)
	relay := serveTCP(t, "", "192.168.77.1:5683")
	serveTCP(t, "", "192.168.77.1:53")
	serveTCP(t, "", "0.0.0.0:22")
	serveTCP(t, "lan", "10.9.9.2:80")
	serveTCP(t, "lan", "10.9.9.2:443")
	serveTCP(t, "listed", "192.168.77.10:8080")
	serveUDP(t, "192.168.77.1:53")
	serveUDP(t, "192.168.77.1:123")
	asked := serveUDP(t, "0.0.0.0:67")
	present := multicast(t)

	const relayed, resolved = "tcp 192.168.77.1:5683", "udp 192.168.77.1:53"
	tests := []struct {
		name, ns, network, addr string
		// want is the answer; reason the counter that grows, empty for none.
		want, reason string
	}{
		{"relay", "listed", "tcp", "192.168.77.1:5683", relayed, ""},
		{"any cloud address", "listed", "tcp", "54.208.229.4:5683", relayed, ""},
		{"internet test of old firmware", "listed", "tcp", "8.8.8.8:53", "tcp 192.168.77.1:53", ""},
		{"resolver", "listed", "udp", "192.168.77.1:53", resolved, ""},
		{"static resolver", "listed", "udp", "9.9.9.9:53", resolved, ""},
		{"NTP", "listed", "udp", "192.0.2.123:123", "udp 192.168.77.1:123", ""},
		{"echo", "listed", "icmp", "192.168.77.1", "pong", ""},
		{"lease renewed", "listed", "udp:68", "192.168.77.1:67", "udp 0.0.0.0:67", ""},
		{"ssh", "listed", "tcp", "192.168.77.1:22", "timeout", ClosedPort},
		{"unknown UDP", "listed", "udp", "192.168.77.1:69", "timeout", ClosedPort},
		{"CoAP over UDP", "listed", "udp", "192.168.77.1:5683", "timeout", ClosedPort},
		{"broadcast", "listed", "udp", "255.255.255.255:9999", "timeout", ClosedPort},
		{"mDNS", "listed", "udp", "224.0.0.251:5353", "timeout", ClosedPort},
		{"LAN", "listed", "tcp", "10.9.9.2:80", "timeout", Forward},
		{"LAN by TLS", "listed", "tcp", "10.9.9.2:443", "timeout", Forward},
		{"LAN echo", "listed", "icmp", "10.9.9.2", "timeout", Forward},
		{"another address of the gateway", "listed", "tcp", "10.9.9.1:22", "timeout", Forward},
		{"another port of a cloud", "listed", "tcp", "54.208.229.4:443", "timeout", Forward},
		{"IPv6", "listed", "tcp", "[fd77::1]:5683", "timeout", IPv6},

		{"relay", "stranger", "tcp", "192.168.77.1:5683", "timeout", Stranger},
		{"any cloud address", "stranger", "tcp", "54.208.229.4:5683", "timeout", Stranger},
		{"resolver", "stranger", "udp", "192.168.77.1:53", "timeout", Stranger},
		{"internet test", "stranger", "tcp", "8.8.8.8:53", "timeout", Stranger},
		{"LAN", "stranger", "tcp", "10.9.9.2:80", "timeout", Stranger},
		{"echo", "stranger", "icmp", "192.168.77.1", "timeout", Stranger},
		{"presence", "stranger", "udp", "224.0.1.187:5683", "timeout", Stranger},

		{"relay", "spoofed", "tcp", "192.168.77.1:5683", "timeout", Spoofed},
		{"resolver", "spoofed", "udp", "9.9.9.9:53", "timeout", Spoofed},
		{"LAN", "spoofed", "tcp", "10.9.9.2:80", "timeout", Spoofed},
		{"echo", "spoofed", "icmp", "192.168.77.1", "timeout", Spoofed},

		{"device", "lan", "tcp", "192.168.77.10:8080", "timeout", Forward},
		{"gateway", "lan", "tcp", "10.9.9.1:22", "tcp 0.0.0.0:22", ""},
		{"LAN", "", "tcp", "10.9.9.2:80", "tcp 10.9.9.2:80", ""},
		{"device", "", "tcp", "192.168.77.10:8080", "timeout", Outgoing},
		{"device echo", "", "icmp", "192.168.77.10", "pong", ""},
	}
	for _, tt := range tests {
		t.Run(tt.ns+" to "+tt.name, func(t *testing.T) {
			before := counts(t, s)
			got := probe(t, tt.ns, tt.network, tt.addr)
			// The kernel may tell a local sender of the drop at once.
			if got != tt.want && !(tt.reason == Outgoing && got == "forbidden") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			delta := grown(before, counts(t, s))
			for reason, n := range delta {
				// Neighbour discovery and ARP of the stations' own kernels go on all the time.
				if noise := reason == IPv6 || reason == ARP || reason == Outgoing; (n > 0) != (reason == tt.reason) && !noise {
					t.Errorf("counted %v, want %q only", delta, tt.reason)
				}
			}
			if tt.reason != "" && delta[tt.reason] == 0 {
				t.Errorf("counted %v, want %q", delta, tt.reason)
			}
		})
	}

	t.Run("presence", func(t *testing.T) {
		before := present.Load()
		probe(t, "listed", "udp", "224.0.1.187:5683")
		gatewaytest.Eventually(t, 5*time.Second, "the presence datagram arrives", func() bool { return present.Load() == before+1 })
	})
	t.Run("DHCP without an address", func(t *testing.T) {
		before := asked.Load()
		probe(t, "fresh", "udp:68", "255.255.255.255:67")
		gatewaytest.Eventually(t, 5*time.Second, "the request arrives", func() bool { return asked.Load() == before+1 })
	})
	t.Run("DHCP with a stale lease", func(t *testing.T) {
		before := asked.Load()
		probe(t, "spoofed", "udp:68", "192.168.77.1:67") // the refusal is a broadcast, which this server does not send
		gatewaytest.Eventually(t, 5*time.Second, "the request arrives", func() bool { return asked.Load() == before+1 })
	})
	t.Run("closed relay refuses at once", func(t *testing.T) {
		relay.Close()
		for _, addr := range []string{"192.168.77.1:5683", "54.208.229.4:5683"} {
			if got := probe(t, "listed", "tcp", addr); got != "refused" {
				t.Errorf("%s: got %q, want refused", addr, got)
			}
		}
	})
}

// TestClaims has a stranger claim a listed device's address by ARP: the
// gateway must go on sending to the device.
func TestClaims(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	layout(t)
	s := guarded(t)
	if got := probe(t, "", "icmp", "192.168.77.10"); got != "pong" {
		t.Fatalf("the device answers %q, want pong", got)
	}
	gatewaytest.Sh(t, "ip -n listed link set wl0 down", "ip neigh flush dev seg0",
		"ip -n stranger addr add 192.168.77.10/24 dev wl0", "ip netns exec stranger sysctl -qw net.ipv4.conf.wl0.arp_notify=1",
		"ip -n stranger link set wl0 down", "ip -n stranger link set wl0 up")
	probe(t, "", "icmp", "192.168.77.10")
	gatewaytest.Eventually(t, 5*time.Second, "the claim is dropped", func() bool { return counts(t, s)[ARP] > 0 })
	if got := gatewaytest.Sh(t, "ip neigh show 192.168.77.10"); strings.Contains(got, "02:00:00:00:00:01") {
		t.Errorf("the gateway believes the stranger: %s", got)
	}
}

// TestFloods wants a device that opens connections without end, and a stranger
// that asks for addresses without end, to be slowed down.
func TestFloods(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	layout(t)
	s := guarded(t)
	serveTCP(t, "", "192.168.77.1:5683")
	asked := serveUDP(t, "0.0.0.0:67")

	var open int
	for range 200 {
		if probe(t, "listed", "tcp", "52.1.2.3:5683") == "timeout" {
			break
		}
		open++
	}
	if open < synBurst || counts(t, s)[Rate] == 0 {
		t.Errorf("%d connections before the first drop, counted %v; want at least %d and a drop for the rate", open, counts(t, s), synBurst)
	}

	flood(t, "stranger", "192.168.77.50:68", "255.255.255.255:67")
	var dropped uint64
	gatewaytest.Eventually(t, 5*time.Second, "all requests are accounted for", func() bool {
		dropped = counts(t, s)[Stranger]
		return uint64(asked.Load())+dropped >= 500
	})
	if got := asked.Load(); got < helloBurst || dropped < 300 {
		t.Errorf("%d requests of a stranger arrived and %d were dropped, want at least %d and 300", got, dropped, helloBurst)
	}
}

// flood sends 500 datagrams from a station, as fast as it can.
func flood(t *testing.T, ns, from, to string) {
	t.Helper()
	gatewaytest.Do(t, ns, func() {
		c, err := net.ListenPacket("udp4", from)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 500 {
			if _, err := c.WriteTo([]byte("discover"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestListedFloods wants a listed device that asks for addresses, or announces
// itself, without end to be slowed down, and another not to notice.
func TestListedFloods(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	layout(t)
	s := guarded(t)
	tests := []struct {
		from, to string
		heard    *atomic.Int64
		burst    uint64
	}{
		{"192.168.77.10:68", "192.168.77.1:67", serveUDP(t, "0.0.0.0:67"), askBurst},
		{"192.168.77.10:5683", presence + ":5683", multicast(t), callBurst},
	}
	for _, tt := range tests {
		before := counts(t, s)[Rate]
		flood(t, "listed", tt.from, tt.to)
		var heard, dropped uint64
		gatewaytest.Eventually(t, 5*time.Second, "all datagrams are accounted for", func() bool {
			heard, dropped = uint64(tt.heard.Load()), counts(t, s)[Rate]-before
			return heard+dropped >= 500
		})
		if heard < tt.burst || dropped < 300 {
			t.Errorf("to %s: %d arrived and %d were dropped, want at least %d and 300", tt.to, heard, dropped, tt.burst)
		}
	}
	heard := tests[0].heard.Load()
	probe(t, "spoofed", "udp:68", "192.168.77.1:67")
	gatewaytest.Eventually(t, 5*time.Second, "another device's request arrives", func() bool { return tests[0].heard.Load() > heard })
}

// TestUpdate takes a device off the list while its session is open, and puts it back.
func TestUpdate(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	layout(t)
	s := guarded(t)
	serveTCP(t, "", "192.168.77.1:5683")

	var c net.Conn
	gatewaytest.Do(t, "listed", func() {
		var err error
		if c, err = net.Dial("tcp", "54.208.229.4:5683"); err != nil {
			t.Fatal(err)
		}
	})
	defer c.Close()
	if got := read(c); got != "tcp 192.168.77.1:5683" {
		t.Fatalf("got %q, want the relay", got)
	}
	if err := s.Update(t.Context(), []Pair{attic}); err != nil {
		t.Fatal(err)
	}
	if got := say(c, "still there?\n"); got != "timeout" {
		t.Errorf("a session of a removed device: got %q, want timeout", got)
	}
	if counts(t, s)[Stranger] == 0 {
		t.Errorf("counted %v, want a stranger", counts(t, s))
	}
	err := s.Update(t.Context(), []Pair{porch, {MAC: attic.MAC, Addr: porch.Addr}})
	if want := "change the firewall's whitelist: admit 6c:0b:84:59:72:96: address 192.168.77.10 belongs to 6c:0b:84:59:72:95"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := slices.Collect(maps.Keys(counts(t, s))); len(got) != len(Reasons()) {
		t.Errorf("the table has the counters %v after a refused change", got)
	}
	if err := s.Update(t.Context(), []Pair{porch}); err != nil {
		t.Fatal(err)
	}
	if got := probe(t, "listed", "tcp", "54.208.229.4:5683"); got != "tcp 192.168.77.1:5683" {
		t.Errorf("a device put back: got %q, want the relay", got)
	}
}

// say writes a line and reads one.
func say(c net.Conn, line string) string {
	if _, err := c.Write([]byte(line)); err != nil {
		return word(err)
	}
	return read(c)
}
