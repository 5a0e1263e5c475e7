package daemon_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// The ids of the devices.
var (
	porchID = gateway.DeviceID{0x3a, 1}
	gateID  = gateway.DeviceID{0x3a, 2}
)

// TestNetwork runs the program itself among real peers, in namespaces. The
// parts share one site, and each leaves it as the next one wants it.
func TestNetwork(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	p := newPlace(t)
	var b *broker
	var first *session
	for _, part := range []struct {
		name string
		run  func()
	}{
		{"killed at start", p.killedAtStart},
		{"stopped at start", p.stoppedAtStart},
		{"run", func() { b = p.newBroker(); p.run(); b.await("online") }},
		{"serves listed", p.servesListed},
		{"silent to strangers", p.silentToStrangers},
		{"online", func() { first = p.online("porch", porchID) }},
		{"edits live", func() { p.editsLive(first) }},
		{"second", p.second},
		{"malformed", func() { p.malformed(first) }},
		{"disturbed", func() { p.disturbed(first, b) }},
		{"broker away", func() { p.brokerAway(first, b) }},
		{"killed", func() { p.killed(b) }},
		{"stopped", func() { p.stopped(b) }},
	} {
		began := time.Now()
		part.run()
		t.Logf("%s: %s", part.name, time.Since(began).Round(time.Millisecond))
		p.wantCalm()
	}
}

// wantCalm wants the gateway never to have panicked.
func (p *place) wantCalm() {
	if p.gate != nil && strings.Contains(p.gate.String(), "goroutine ") {
		p.Fatalf("the gateway said:\n%s", p.gate)
	}
}

// killedAtStart kills the gateway at several moments of its start, and wants
// cleanup to leave nothing.
func (p *place) killedAtStart() {
	before := p.links()
	for _, ms := range []int{0, 5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 300} {
		p.start()
		<-time.After(time.Duration(ms) * time.Millisecond) // the moment is what is tested
		p.gate.end(p, syscall.SIGKILL)
		p.must("cleanup")
		after := fmt.Sprintf("killed after %d ms and cleaned up", ms)
		p.wantNothingLeft(after)
		if now := p.links(); now != before {
			p.Errorf("%s, the links are\n%s, before\n%s", after, now, before)
		}
	}
	p.must("cleanup")
}

// stoppedAtStart is the same for a gateway that is asked to stop, and so cleans
// up by itself. Before it can be asked, a signal ends it as any program (-1).
func (p *place) stoppedAtStart() {
	before := p.links()
	for _, ms := range []int{0, 10, 20, 30, 50, 80, 120} {
		p.start()
		<-time.After(time.Duration(ms) * time.Millisecond) // the moment is what is tested
		code := p.gate.end(p, syscall.SIGTERM)
		after := fmt.Sprintf("stopped after %d ms", ms)
		if code > 0 {
			p.Errorf("%s: exit %d, want 0\n%s", after, code, p.gate)
		}
		p.wantNothingLeft(after)
		if now := p.links(); now != before {
			p.Errorf("%s, the links are\n%s, before\n%s", after, now, before)
		}
	}
}

// links is the state of seg0 that a gateway could change.
func (p *place) links() string {
	return gatewaytest.Sh(p, "ip -o -4 addr show dev seg0", "ip -o link show dev seg0 | grep -o '<.*>'",
		"cat /proc/sys/net/ipv6/conf/seg0/disable_ipv6 2>/dev/null || true")
}

// servesListed wants a listed device to get what a Photon needs, and no more.
func (p *place) servesListed() {
	if !p.lease("porch") {
		p.Fatalf("porch has no lease\n%s", p.gate)
	}
	for name, want := range map[string]dnsmessage.RCode{
		"device.spark.io": dnsmessage.RCodeSuccess, "device.tcp.particle.io": dnsmessage.RCodeSuccess,
		"example.com": dnsmessage.RCodeRefused, "spark.io": dnsmessage.RCodeRefused, "x.device.spark.io": dnsmessage.RCodeRefused,
	} {
		code, addrs := p.query("porch", name)
		switch {
		case code != want:
			p.Errorf("%s: %s, want %s", name, code, want)
		case code == dnsmessage.RCodeSuccess && (len(addrs) != 1 || addrs[0].String() != gatewayAddr):
			p.Errorf("%s is %s, want %s", name, addrs, gatewayAddr)
		}
	}
	for _, addr := range []string{outside + ":80", uplink + ":1883", gatewayAddr + ":1883", gatewayAddr + ":22", cloudAddr.Addr().String() + ":80"} {
		p.wantDropped("porch", addr)
	}
}

// silentToStrangers wants a stranger to get nothing, with an address of its own
// choice either.
func (p *place) silentToStrangers() {
	if p.lease("gate") {
		p.Error("a stranger has a lease")
	}
	p.stranger("add")
	for _, addr := range []string{gatewayAddr + ":5683", gatewayAddr + ":53", cloudAddr.String(), outside + ":80"} {
		p.wantDropped("gate", addr)
	}
	p.stranger("del")
	// With the address of the listed device it is no better off.
	gatewaytest.Sh(p, "ip -n gate addr add 192.168.77.2/24 dev wlan0")
	p.wantDropped("gate", gatewayAddr+":5683")
	// Its ARP has told the gateway's kernel that the address is its own; the
	// kernel finds the owner again by itself, in about ten seconds.
	gatewaytest.Sh(p, "ip -n gate addr flush dev wlan0", "ip neigh flush dev seg0")
	p.eventually("the stranger is known as one", func() bool {
		for _, d := range p.now().Devices {
			if d.MAC == (gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, 2}) {
				return !d.Listed
			}
		}
		return false
	})
}

// stranger adds or takes away an address and a route of gate's own choice.
func (p *place) stranger(do string) {
	gatewaytest.Sh(p, "ip -n gate addr "+do+" 192.168.77.200/24 dev wlan0",
		"ip -n gate route "+do+" default via "+gatewayAddr+" || true")
}

// editsLive adds a device and removes it, beside a session that must not notice.
func (p *place) editsLive(first *session) {
	p.must("device", "add", "6c:0b:84:00:00:02", "--name", "gate")
	if !p.lease("gate") {
		p.Fatalf("gate has no lease\n%s", p.gate)
	}
	s := p.online("gate", gateID)
	p.wantStanding(first)

	began := time.Now()
	p.must("device", "remove", "gate")
	gatewaytest.Closed(p, patience, "the end of gate's session", s.over)
	if took := time.Since(began); took > 2*time.Second {
		p.Errorf("the session of a removed device ended after %s", took)
	}
	p.wantDropped("gate", gatewayAddr+":5683")
	p.wantStanding(first)
	if said := p.must("status"); !strings.Contains(said, "porch") {
		p.Errorf("status says\n%s", said)
	}
	p.must("doctor", "porch")
}

// second wants another run beside the first to be refused.
func (p *place) second() {
	want := fmt.Sprintf("photongate: start the gateway: a gateway runs already (process %d)\n"+
		"  hint: see what it does with `photongate status`, or end it first\n", p.gate.cmd.Process.Pid)
	if said, code := p.cli("run"); said != want || code != 1 {
		p.Errorf("a second run says\n%s, exit %d, want\n%s, exit 1", said, code, want)
	}
	want = strings.Replace(want, "start the gateway", "clean up", 1)
	if said, code := p.cli("cleanup"); said != want || code != 1 {
		p.Errorf("cleanup says\n%s, exit %d, want\n%s, exit 1", said, code, want)
	}
}

// malformed sends garbage to every port that is open.
func (p *place) malformed(first *session) {
	before := p.now().Counters
	garbage := []string{"", "\x00", "\xff\xff\xff\xff", strings.Repeat("A", 1400), strings.Repeat("\xc0\x0c", 300)}
	p.spray("porch", 0, gatewayAddr+":53", garbage...)
	p.spray("porch", 68, gatewayAddr+":67", garbage...)
	p.spray("porch", 0, gatewayAddr+":123", garbage...)
	p.spray("porch", 0, "224.0.1.187:5683", garbage...)
	p.garbageTCP(gatewayAddr+":53", "\xff\xff"+strings.Repeat("A", 3000))
	// The one of gate, because a second session of porch would replace the first.
	p.must("device", "add", "6c:0b:84:00:00:02", "--name", "gate")
	p.garbageSession()
	p.must("device", "remove", "gate")
	p.eventually("the counters to grow", func() bool {
		c := p.now().Counters
		for _, part := range []string{"dhcp", "dns", "ntp"} {
			if c.Malformed[part] <= before.Malformed[part] {
				return false
			}
		}
		return c.SessionsRefused["not_spark"] > before.SessionsRefused["not_spark"]
	})
	p.wantStanding(first)
	if code, _ := p.query("porch", "device.spark.io"); code != dnsmessage.RCodeSuccess {
		p.Errorf("behind the garbage the cloud's name is %s", code)
	}
}

// garbageTCP writes to a port and wants the gateway to end it.
func (p *place) garbageTCP(addr, garbage string) {
	conn, err := p.dial("porch", "tcp", addr, patience)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, garbage)
	conn.(*net.TCPConn).CloseWrite()
	wantEnd(p, conn)
}

// garbageSession speaks what is not Spark where a session is expected.
func (p *place) garbageSession() {
	if !p.lease("gate") {
		p.Fatalf("gate has no lease\n%s", p.gate)
	}
	conn, err := p.dial("gate", "tcp", gatewayAddr+":5683", patience)
	if err != nil {
		p.Fatal(err)
	}
	defer conn.Close()
	// 256 bytes pass for a device's key; what follows has no length of a record.
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"+strings.Repeat("\xff", 600))
	wantEnd(p, conn)
}

// wantEnd wants the other side to end a connection.
func wantEnd(t testing.TB, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 512)
	for {
		if _, err := conn.Read(buf); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Errorf("%s does not end", conn.RemoteAddr())
			}
			return
		}
	}
}

// disturbed lets somebody flush the rules and the address, and take the
// interface away, and wants all of it back and told.
func (p *place) disturbed(first *session, b *broker) {
	rules := gatewaytest.Sh(p, "nft list chain inet photongate segment")
	gatewaytest.Sh(p, "nft flush ruleset", "ip addr flush dev seg0")
	p.eventually("the address is back", func() bool { return strings.Contains(p.links(), gatewayAddr) })
	p.eventually("the rules are back", func() bool {
		return gatewaytest.Sh(p, "nft list chain inet photongate segment 2>/dev/null || true") == rules
	})
	p.eventually("both are told", func() bool {
		return b.heard("event", `"part":"firewall"`, `"type":"part-failed"`) && b.heard("event", `"part":"firewall"`, `"type":"part-ok"`)
	})
	p.wantStanding(first)

	gatewaytest.Sh(p, "ip link delete seg0")
	p.eventually("the missing interface is told", func() bool { return b.heard("event", `"part":"segment"`, `"type":"part-failed"`) })
	p.plugSegment()
	p.eventually("the new interface has the address", func() bool { return strings.Contains(p.links(), gatewayAddr) })
	p.eventually("dhcp and presence serve the new interface", func() bool {
		for _, part := range p.now().Parts {
			if part.Status == gateway.StatusFailed {
				return false
			}
		}
		return p.lease("porch")
	})
	p.wantStanding(first)
}

// killed kills the gateway: what it closed stays closed, and both cleanup and
// the next run take away what is left.
func (p *place) killed(b *broker) {
	p.gate.end(p, syscall.SIGKILL)
	b.await("offline")
	for _, addr := range []string{outside + ":80", gatewayAddr + ":22", netip.AddrPortFrom(cloudAddr.Addr(), 80).String()} {
		p.wantDropped("porch", addr)
	}
	if left := p.left(); len(left) != 3 {
		p.Errorf("a killed gateway leaves %q, want its table, its address and its socket", left)
	}
	p.must("cleanup")
	p.wantNothingLeft("cleaned up once")
	p.must("cleanup")
	p.wantNothingLeft("cleaned up twice")

	p.run()
	p.gate.end(p, syscall.SIGKILL)
	p.run() // without a cleanup in between
	b.await("online")
	if !p.lease("porch") {
		p.Errorf("porch has no lease\n%s", p.gate)
	}
}

// stopped ends the gateway as an init system does.
func (p *place) stopped(b *broker) {
	if code := p.gate.end(p, syscall.SIGTERM); code != 0 {
		p.Errorf("exit %d, want 0\n%s", code, p.gate)
	}
	p.wantNothingLeft("stopped")
	b.await("offline")
}
