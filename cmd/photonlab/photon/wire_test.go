package photon_test

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/cloud"
	"photongate/cmd/photonlab/photon"
	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// The device of these tests.
var (
	wireID  = gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, 0x39}
	wireMAC = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}
)

// serialLog is a serial port.
type serialLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *serialLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// count is how often a text was printed.
func (l *serialLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// String is the log so far.
func (l *serialLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// far is the other end of a Photon's cable: dnsmasq, the virtual cloud and a
// listener to presence datagrams.
type far struct {
	cloud    *cloud.Server
	presence net.PacketConn
	dnsmasq  *serialLog
}

// newFar builds it in the namespace "far".
func newFar(t *testing.T) *far {
	t.Helper()
	gatewaytest.NetNS(t, "far")
	gatewaytest.Veth(t, "wlan0", "far0", "far")
	gatewaytest.Sh(t, "ip link set wlan0 down", "ip -n far addr add 192.168.77.1/24 dev far0")
	f := &far{cloud: &cloud.Server{Key: sparktest.ServerKey(), Log: gatewaytest.Log(t)}, dnsmasq: new(serialLog)}
	gatewaytest.Do(t, "far", func() {
		ln, err := net.Listen("tcp4", "192.168.77.1:5683")
		if err != nil {
			t.Error(err)
			return
		}
		go f.cloud.Serve(ln)
		i, err := net.InterfaceByName("far0")
		if err != nil {
			t.Error(err)
			return
		}
		f.presence, err = net.ListenMulticastUDP("udp4", i, &net.UDPAddr{IP: net.IPv4(224, 0, 1, 187), Port: 5683})
		if err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { f.cloud.Close(); f.presence.Close() })
	f.startDNSMasq(t)
	return f
}

// startDNSMasq serves addresses and names.
func (f *far) startDNSMasq(t *testing.T) {
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", "far", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--log-facility=-",
		"--interface=far0", "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root", "--group=", "--pid-file=", "--log-dhcp", "--no-ping",
		"--dhcp-range=192.168.77.10,192.168.77.50,255.255.255.0,5m", "--dhcp-authoritative",
		"--dhcp-leasefile="+filepath.Join(t.TempDir(), "leases"), "--address=/device.spark.io/192.168.77.1")
	cmd.Stderr, cmd.Stdout = f.dnsmasq, f.dnsmasq
	if err := cmd.Start(); err != nil {
		t.Fatalf("start dnsmasq (Debian: dnsmasq-base): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dnsmasq said:\n%s", f.dnsmasq)
		}
	})
	gatewaytest.Eventually(t, 10*time.Second, "dnsmasq serves", func() bool { return f.dnsmasq.count("DHCP, sockets bound") > 0 })
}

// TestWire runs a Photon against real DHCP and DNS over a real cable.
func TestWire(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return // it ran in a child process
	}
	f := newFar(t)
	log := new(serialLog)
	p, err := photon.New(photon.Config{
		Name: "porch", MAC: wireMAC, ID: wireID, Interface: "wlan0", Key: sparktest.DeviceKey(), ServerKey: &sparktest.ServerKey().PublicKey,
		Serial: log, HostName: true,
		// The firmware's waits where it only waits for the lab; all limits are real.
		Timing: photon.Timing{PowerOff: 100 * time.Millisecond, Boot: time.Millisecond, Join: 200 * time.Millisecond, Rejoin: 200 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("photon said:\n%s", log)
		}
	})
	gatewaytest.Closed(t, 20*time.Second, "the Photon is connected", p.Ready())
	checkPresence(t, f)
	for _, want := range []string{"DHCPDISCOVER(far0) " + wireMAC.String(), "client provides name: " + wireID.String()} {
		if f.dnsmasq.count(want) == 0 {
			t.Errorf("dnsmasq did not say %q", want)
		}
	}

	settled := func(sessions int) {
		t.Helper()
		gatewaytest.Eventually(t, 30*time.Second, "a session has said all it has to say", func() bool {
			return log.count("Sending S describe message") == sessions
		})
	}

	// Power: the cloud hears nothing of it, so the old session stays open.
	// (With bytes of the cloud under way the new life would reset it, as a real one does.)
	settled(1)
	p.Reset()
	settled(2)
	gatewaytest.Eventually(t, 5*time.Second, "the cloud has the old and the new session", func() bool { return f.cloud.Online() == 2 })

	// The cable: the session ends with -9, and all is well when it is back.
	gatewaytest.Sh(t, "ip -n far link set far0 down")
	gatewaytest.Eventually(t, 20*time.Second, "the loss shows", func() bool { return log.count("ARM_WLAN_WD 4") > 0 })
	for _, want := range []string{"bytes recieved error -9", "Resetting WLAN due to SPARK_WLAN_RESET"} {
		if log.count(want) != 1 {
			t.Errorf("log lacks %q", want)
		}
	}
	gatewaytest.Sh(t, "ip -n far link set far0 up")
	settled(3)

	// A refused connect is told apart from a dropped one.
	f.cloud.Close()
	gatewaytest.Eventually(t, 20*time.Second, "the refusal shows", func() bool {
		return log.count("connection failed to 192.168.77.1:5683, code=-18") > 0
	})
	if log.count("bytes recieved error -19") != 1 {
		t.Error("log lacks the cloud's close")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if out := gatewaytest.Sh(t, "ip -o addr show dev wlan0"); strings.Contains(out, "192.168.77") {
		t.Errorf("address left behind: %s", out)
	}
}

// checkPresence wants the datagram of photon.md 4.2.
func checkPresence(t *testing.T, f *far) {
	t.Helper()
	var buf [64]byte
	if err := f.presence.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, _, err := f.presence.ReadFrom(buf[:])
	if err != nil || !bytes.Equal(buf[:n], sparktest.Presence(wireID)) {
		t.Errorf("presence %x, %v", buf[:n], err)
	}
}
