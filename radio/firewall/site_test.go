package firewall

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"photongate/gateway/gatewaytest"
)

// gone is how long a probe waits for an answer that must not come. The answers
// that must come take well under a millisecond here.
const gone = 150 * time.Millisecond

// layout is the test's network: the gateway in the test's own namespace with
// the segment seg0 and a LAN behind lan0, and forwarding enabled as on a
// router. Stations of the segment: listed (porch, 192.168.77.10), stranger
// (192.168.77.50), spoofed (the MAC of attic with a wrong address) and fresh
// (the MAC of a third listed device, without an address).
func layout(t *testing.T) {
	t.Helper()
	gatewaytest.Sh(t, "ip link add seg0 address "+segmentMAC+" type bridge", "ip link set seg0 up",
		"ip addr add 192.168.77.1/24 dev seg0", "ip addr add fd77::1/64 dev seg0 nodad")
	station(t, "listed", porch.MAC.String(), "192.168.77.10")
	station(t, "stranger", "02:00:00:00:00:01", "192.168.77.50")
	station(t, "spoofed", attic.MAC.String(), "192.168.77.66")
	station(t, "fresh", fresh.MAC.String(), "")
	gatewaytest.NetNS(t, "lan")
	gatewaytest.Veth(t, "lan0", "eth0", "lan")
	gatewaytest.Sh(t, "ip addr add 10.9.9.1/24 dev lan0", "ip -n lan addr add 10.9.9.2/24 dev eth0",
		"ip -n lan route add default via 10.9.9.1", "echo 1 > /proc/sys/net/ipv4/ip_forward")
}

// fresh is a listed device that has no address yet.
var fresh = Pair{MAC: [6]byte{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x97}, Addr: porch.Addr.Next()}

// station adds a namespace with a cable to the segment. A station without an
// address still routes everything to the segment.
func station(t *testing.T, name, mac, addr string) {
	t.Helper()
	gatewaytest.NetNS(t, name)
	gatewaytest.Veth(t, "p-"+name, "wl0", name)
	gatewaytest.Sh(t, "ip link set p-"+name+" master seg0", "ip -n "+name+" link set wl0 address "+mac)
	if addr == "" {
		gatewaytest.Sh(t, "ip -n "+name+" route add default dev wl0")
		return
	}
	gatewaytest.Sh(t, "ip -n "+name+" addr add "+addr+"/24 dev wl0", "ip -n "+name+" addr add fd77::2/64 dev wl0 nodad",
		"ip -n "+name+" route add default via 192.168.77.1",
		// A station that means harm does not wait to be told our MAC.
		"ip -n "+name+" neigh replace 192.168.77.1 lladdr "+segmentMAC+" dev wl0 nud permanent")
}

// segmentMAC is the gateway's on the segment.
const segmentMAC = "02:00:00:00:77:01"

// serveTCP answers every connection at addr in the namespace ns ("" for the
// gateway's) with its own name, and then echoes.
func serveTCP(t *testing.T, ns, addr string) net.Listener {
	t.Helper()
	var l net.Listener
	inside(t, ns, func() {
		var err error
		if l, err = net.Listen("tcp4", addr); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprintf(c, "tcp %s\n", l.Addr())
				io.Copy(c, c)
			}()
		}
	}()
	return l
}

// serveUDP answers every datagram at addr with its own name, and counts them.
func serveUDP(t *testing.T, addr string) *atomic.Int64 {
	t.Helper()
	c, err := net.ListenPacket("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return answer(c)
}

// answer answers on c, and counts.
func answer(c net.PacketConn) *atomic.Int64 {
	var n atomic.Int64
	name := fmt.Appendf(nil, "udp %s\n", c.LocalAddr())
	go func() {
		buf := make([]byte, 2048)
		for {
			_, peer, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			n.Add(1)
			c.WriteTo(name, peer)
		}
	}()
	return &n
}

// inside calls f in a namespace; "" is the gateway's own.
func inside(t *testing.T, ns string, f func()) {
	t.Helper()
	if ns == "" {
		f()
		return
	}
	gatewaytest.Do(t, ns, f)
}

// probe sends to addr from a namespace and returns the first line that comes
// back, or the error in a word: timeout, refused or forbidden. A port may
// follow the network, as in "udp:68": the probe's own.
func probe(t *testing.T, ns, network, addr string) string {
	t.Helper()
	if network == "icmp" {
		return echo(t, ns, addr)
	}
	var c net.Conn
	var err error
	inside(t, ns, func() {
		d := net.Dialer{Timeout: gone, Control: bindToStation(ns)}
		if network == "udp:68" {
			network, d.LocalAddr = "udp", &net.UDPAddr{Port: 68}
		}
		if c, err = d.Dial(network, addr); err == nil && network == "udp" {
			_, err = c.Write([]byte("?\n"))
		}
	})
	if err != nil {
		return word(err)
	}
	defer c.Close()
	return read(c)
}

// bindToStation makes a station without an address send from 0.0.0.0.
func bindToStation(ns string) func(network, address string, c syscall.RawConn) error {
	if ns != "fresh" {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), "wl0") })
		if cerr != nil {
			return cerr
		}
		return err
	}
}

// read reads one line, briefly.
func read(c net.Conn) string {
	c.SetReadDeadline(time.Now().Add(gone))
	buf := make([]byte, 256)
	n, err := c.Read(buf)
	if err != nil {
		return word(err)
	}
	return string(buf[:max(0, n-1)])
}

// echo sends an ICMP echo request (RFC 792) and wants the reply.
func echo(t *testing.T, ns, addr string) string {
	t.Helper()
	var c net.Conn
	var err error
	inside(t, ns, func() {
		if c, err = net.Dial("ip4:icmp", addr); err != nil {
			t.Fatal(err)
		}
	})
	defer c.Close()
	request := []byte{8, 0, 0, 0, 0, 7, 0, 1}
	binary.BigEndian.PutUint16(request[2:], ^uint16(0x0800+7+1))
	if _, err := c.Write(request); err != nil {
		return word(err)
	}
	c.SetReadDeadline(time.Now().Add(gone))
	buf := make([]byte, 256)
	if _, err := c.Read(buf); err != nil {
		return word(err)
	}
	return "pong"
}

// word is an error in a word.
func word(err error) string {
	switch nerr, ok := err.(net.Error); {
	case ok && nerr.Timeout(), os.IsTimeout(err):
		return "timeout"
	case isErrno(err, syscall.ECONNREFUSED):
		return "refused"
	case isErrno(err, syscall.EPERM):
		return "forbidden"
	}
	return err.Error()
}

// multicast listens to the presence group on the segment.
func multicast(t *testing.T) *atomic.Int64 {
	t.Helper()
	seg, err := net.InterfaceByName("seg0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenMulticastUDP("udp4", seg, &net.UDPAddr{IP: net.IPv4(224, 0, 1, 187), Port: 5683})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return answer(c)
}

// counts are the packets dropped by the kernel's table, by reason.
func counts(t *testing.T, s *Segment) map[string]uint64 {
	t.Helper()
	l, err := s.list(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return l.drops
}
