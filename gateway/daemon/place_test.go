package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/cloud"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
	"photongate/gateway/daemon"
	"photongate/gateway/gatewaytest"
)

const (
	// patience bounds every wait for a real process.
	patience = 40 * time.Second
	// silence is how long nothing must come for it to count as dropped: a
	// thousand times what an answer over a veth takes.
	silence = 300 * time.Millisecond
	// gatewayAddr is the gateway's on the segment.
	gatewayAddr = "192.168.77.1"
	// uplink and outside are the two ends of the cable that leaves the site.
	uplink, outside = "203.0.113.1", "203.0.113.2"
)

// cloudAddr is where the cloud listens.
var cloudAddr = netip.MustParseAddrPort("198.51.100.10:5683")

// place is a site: the gateway in the test's own namespace, an access point
// (a bridge in namespace air), two devices, and the world outside in namespace
// world, with a cloud and a name server.
type place struct {
	*testing.T
	dir   string
	bin   string
	gate  *process
	cloud *cloud.Server
}

// newPlace builds the site and the program.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{T: t, dir: t.TempDir()}
	p.bin = filepath.Join(p.dir, "photongate")
	gatewaytest.Sh(t, "go build -o "+p.bin+" photongate/cmd/photongate")
	for _, ns := range []string{"air", "world", "porch", "gate"} {
		gatewaytest.NetNS(t, ns)
	}
	gatewaytest.Sh(t, "ip -n air link add br0 type bridge", "ip -n air link set br0 up")
	p.plugSegment()
	for i, ns := range []string{"porch", "gate"} {
		gatewaytest.Sh(t,
			fmt.Sprintf("ip -n %s link add wlan0 address 6c:0b:84:00:00:0%d type veth peer name %s netns air", ns, i+1, ns),
			fmt.Sprintf("ip -n %s link set wlan0 up", ns), fmt.Sprintf("ip -n air link set %s master br0 up", ns))
	}
	gatewaytest.Veth(t, "up0", "world0", "world")
	gatewaytest.Sh(t, "ip addr add "+uplink+"/24 dev up0", "ip route add default via "+outside,
		"ip -n world addr add "+outside+"/24 dev world0", "ip -n world addr add "+cloudAddr.Addr().String()+"/32 dev lo")
	p.serveWorld()
	p.writeSettings()
	return p
}

// plugSegment lays the cable between the gateway and its access point.
func (p *place) plugSegment() {
	// A fixed address: an interface that returns has the one that stations know.
	gatewaytest.Sh(p, "ip link add seg0 address 02:00:00:00:77:01 type veth peer name ap0 netns air",
		"ip link set seg0 up", "ip -n air link set ap0 up", "ip -n air link set ap0 master br0")
}

// serveWorld opens the cloud and the name server.
func (p *place) serveWorld() {
	p.cloud = &cloud.Server{Key: sparktest.ServerKey(), Idle: 5 * time.Minute}
	gatewaytest.Do(p, "world", func() {
		l, err := net.Listen("tcp", cloudAddr.String())
		if err != nil {
			p.Fatal(err)
		}
		names, err := net.ListenPacket("udp", outside+":53")
		if err != nil {
			p.Fatal(err)
		}
		other, err := net.Listen("tcp", outside+":80")
		if err != nil {
			p.Fatal(err)
		}
		go p.cloud.Serve(l)
		go (&site.Resolver{Name: "device.spark.io", Addrs: []netip.Addr{cloudAddr.Addr()}}).Serve(names)
		p.Cleanup(func() { p.cloud.Close(); names.Close(); other.Close() })
	})
}

// path is a file of the place.
func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// writeSettings writes the configuration, which lists porch.
func (p *place) writeSettings() {
	text := fmt.Sprintf("[gateway]\nname = \"lab\"\nstate_dir = %q\nruntime_dir = %q\n[segment]\ninterface = \"seg0\"\naddress = \"%s/24\"\n"+
		"[egress]\nresolvers = [\"%s\"]\n[mqtt]\nurl = \"tcp://127.0.0.1:1883\"\n[http]\nlisten = \"\"\n"+
		"[[device]]\nname = \"porch\"\nmac = \"6c:0b:84:00:00:01\"\n", p.path("state"), p.path("run"), gatewayAddr, outside)
	if err := os.WriteFile(p.path("photongate.toml"), []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

// cli runs a subcommand to its end and returns what it said and its exit code.
func (p *place) cli(args ...string) (said string, code int) {
	p.Helper()
	cmd := exec.Command(p.bin, append(args, "--config", p.path("photongate.toml"))...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must wants a subcommand to end with code 0.
func (p *place) must(args ...string) string {
	p.Helper()
	said, code := p.cli(args...)
	if code != 0 {
		p.Fatalf("photongate %s: exit %d\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// start runs the gateway, without waiting for it.
func (p *place) start() {
	p.Helper()
	p.gate = launch(p.T, p.bin, "run", "--config", p.path("photongate.toml"))
}

// run runs the gateway, and waits until it serves.
func (p *place) run() {
	p.Helper()
	p.start()
	p.eventually("the gateway serves", func() bool {
		s, err := p.snapshot()
		if err != nil || !s.Egress.Up {
			return false
		}
		for _, part := range s.Parts {
			if part.Status != gateway.StatusOK && part.Part != gateway.PartMQTT {
				return false
			}
		}
		return true
	})
}

// snapshot asks the gateway.
func (p *place) snapshot() (gateway.Snapshot, error) {
	return daemon.Client{Path: p.path("run/control.sock")}.Snapshot(context.Background())
}

// now is the snapshot of a gateway that must answer.
func (p *place) now() gateway.Snapshot {
	p.Helper()
	s, err := p.snapshot()
	if err != nil {
		p.Fatalf("%v\n%s", err, p.gate)
	}
	return s
}

// device is what the gateway knows of a device.
func (p *place) device(name string) gateway.DeviceStatus {
	p.Helper()
	for _, d := range p.now().Devices {
		if d.Name == name {
			return d
		}
	}
	return gateway.DeviceStatus{}
}

// eventually waits, and shows the gateway's log when that was in vain.
func (p *place) eventually(what string, cond func() bool) {
	p.Helper()
	defer func() {
		if p.Failed() && p.gate != nil {
			p.Logf("the gateway said:\n%s", p.gate)
		}
	}()
	gatewaytest.Eventually(p, patience, what, cond)
}

// left lists what of a gateway is on the machine.
func (p *place) left() []string {
	p.Helper()
	var out []string
	if s := gatewaytest.Sh(p, "nft list tables"); s != "" {
		out = append(out, s)
	}
	if s := gatewaytest.Sh(p, "ip -4 -o addr show dev seg0"); s != "" {
		out = append(out, s)
	}
	if _, err := os.Stat(p.path("run/control.sock")); err == nil {
		out = append(out, "control socket")
	}
	return out
}

// wantNothingLeft wants the machine as it was.
func (p *place) wantNothingLeft(after string) {
	p.Helper()
	if left := p.left(); len(left) > 0 {
		p.Errorf("%s, this is left: %q", after, left)
	}
}

// process is a program that runs.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
}

// launch starts a program; it is killed with the test.
func launch(t *testing.T, argv ...string) *process {
	t.Helper()
	c := &process{cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.cmd.Wait(); close(c.done) }()
	t.Cleanup(func() { c.end(t, syscall.SIGKILL) })
	return c
}

// Write keeps what the program says.
func (c *process) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

// String is all that the program said.
func (c *process) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// end sends a signal, waits for the end, and returns the exit code; -1 is a signal.
func (c *process) end(t testing.TB, sig os.Signal) int {
	t.Helper()
	_ = c.cmd.Process.Signal(sig) // it may have ended by itself
	gatewaytest.Closed(t, patience, "the end of "+c.cmd.Path, c.done)
	return c.cmd.ProcessState.ExitCode()
}
