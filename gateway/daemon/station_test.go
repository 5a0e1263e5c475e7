package daemon_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// leaseScript is what udhcpc calls: it uses the lease as a host does.
const leaseScript = `#!/bin/sh
case $1 in
bound|renew)
	ip addr replace $ip/$mask dev $interface
	ip route replace default via $router
	echo "$dns" >"$0.dns" ;;
esac
`

// lease runs busybox udhcpc for a device, and tells whether it got an address.
func (p *place) lease(ns string) bool {
	p.Helper()
	script := p.path("lease." + ns)
	if err := os.WriteFile(script, []byte(leaseScript), 0o700); err != nil {
		p.Fatal(err)
	}
	// Five tries, one in a second at the most; a gateway answers the first.
	tries := "5"
	if ns == "gate" && p.device("gate").Name == "" {
		tries = "2" // a stranger's silence need not be waited for
	}
	out, err := exec.Command("nsenter", "--net=/run/netns/"+ns, "busybox", "udhcpc",
		"-i", "wlan0", "-n", "-q", "-f", "-t", tries, "-T", "1", "-s", script).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.Fatal(err)
	}
	if err != nil {
		p.Logf("udhcpc in %s: %v\n%s", ns, err, out)
	}
	return err == nil
}

// dial connects from a device, within limit.
func (p *place) dial(ns, network, addr string, limit time.Duration) (conn net.Conn, err error) {
	p.Helper()
	gatewaytest.Do(p, ns, func() { conn, err = net.DialTimeout(network, addr, limit) })
	return conn, err
}

// wantDropped wants a connection to hear nothing at all.
func (p *place) wantDropped(ns, addr string) {
	p.Helper()
	conn, err := p.dial(ns, "tcp", addr, silence)
	var timeout net.Error
	switch {
	case err == nil:
		conn.Close()
		p.Errorf("%s reaches %s", ns, addr)
	case !errors.As(err, &timeout) || !timeout.Timeout():
		p.Errorf("%s to %s: %v, want silence", ns, addr, err)
	}
}

// query asks the gateway for the address of a name, over UDP.
func (p *place) query(ns, name string) (dnsmessage.RCode, []netip.Addr) {
	p.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	b, err := m.Pack()
	if err != nil {
		p.Fatal(err)
	}
	conn, err := p.dial(ns, "udp", gatewayAddr+":53", patience)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(b); err != nil {
		p.Fatal(err)
	}
	buf := make([]byte, 512)
	n, err := conn.Read(buf)
	if err != nil {
		p.Fatalf("ask for %s: %v\n%s", name, err, p.gate)
	}
	if err := m.Unpack(buf[:n]); err != nil {
		p.Fatal(err)
	}
	var addrs []netip.Addr
	for _, a := range m.Answers {
		if r, ok := a.Body.(*dnsmessage.AResource); ok {
			addrs = append(addrs, netip.AddrFrom4(r.A))
		}
	}
	return m.RCode, addrs
}

// session is a device's session with its cloud, through the gateway.
type session struct {
	*sparktest.Session
	// heard counts the cloud's messages.
	heard atomic.Int64
	// over is closed when it ended, for err.
	over chan struct{}
	err  error
}

// online connects a device to its cloud as a Photon does.
func (p *place) online(ns string, id gateway.DeviceID) *session {
	p.Helper()
	conn, err := p.dial(ns, "tcp", gatewayAddr+":5683", patience)
	if err != nil {
		p.Fatalf("%v\n%s", err, p.gate)
	}
	p.Cleanup(func() { conn.Close() })
	s, err := sparktest.Device(context.Background(), conn, sparktest.DeviceConfig{
		ID: id, Key: sparktest.DeviceKey(), ServerKey: &sparktest.ServerKey().PublicKey,
	})
	if err != nil {
		p.Fatalf("%v\n%s", err, p.gate)
	}
	out := &session{Session: s, over: make(chan struct{})}
	go func() {
		defer close(out.over)
		for out.err == nil {
			if _, out.err = s.ReadMessage(); out.err == nil {
				out.heard.Add(1)
			}
		}
	}()
	p.ping(out)
	p.eventually(ns+" online", func() bool { return p.device(ns).Online() })
	return out
}

// ping makes a message cross each way.
func (p *place) ping(s *session) {
	p.Helper()
	before := s.heard.Load()
	if err := s.Send(sparktest.Ping); err != nil {
		p.Fatalf("the session does not stand: %v\n%s", err, p.gate)
	}
	p.eventually("the cloud's answer to a ping", func() bool { return s.heard.Load() > before })
}

// wantStanding wants a session never to have ended, and to carry messages.
func (p *place) wantStanding(s *session) {
	p.Helper()
	select {
	case <-s.over:
		p.Fatalf("the session ended: %v\n%s", s.err, p.gate)
	default:
		p.ping(s)
	}
}

// spray sends bytes over UDP from a device, from a port or any (0).
func (p *place) spray(ns string, from int, to string, datagrams ...string) {
	p.Helper()
	gatewaytest.Do(p, ns, func() {
		addr := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{Port: from})
		if err != nil {
			p.Fatal(err)
		}
		defer conn.Close()
		for _, d := range datagrams {
			if _, err := conn.WriteToUDP([]byte(d), addr); err != nil && !strings.Contains(err.Error(), "refused") {
				p.Fatal(err)
			}
		}
	})
}
