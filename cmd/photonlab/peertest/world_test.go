package peertest

import (
	"crypto/rsa"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/site"
	"photongate/gateway/gatewaytest"
)

const (
	// serverAddress is where the server answers: an address of the seed's cloud.
	serverAddress = "107.22.28.43"
	// resolverAddress is where the cloud's name is known, beyond wan0.
	resolverAddress = "10.20.0.53"
	// gatewayAddress is photongate's address on the segment.
	gatewayAddress = "192.168.77.1"
	// upLimit bounds the start of a process, on a machine that does other things.
	upLimit = 20 * time.Second
)

// world is three namespaces in a row: dev with the Photon, gw with photongate,
// cloud with the server that we did not write.
type world struct {
	t *testing.T
	// dir holds the files of the run, gate is the photongate binary.
	dir, gate string
	// key is the server's.
	key *rsa.PublicKey
}

// build lays the cables and starts all but the Photon. The caller is in a
// namespace of its own (gatewaytest.InNamespace).
func build(t *testing.T) *world {
	t.Helper()
	// Children die with the thread that starts them (prctl(2), PR_SET_PDEATHSIG),
	// so the test keeps one.
	runtime.LockOSThread()
	w := &world{t: t, dir: t.TempDir()}
	w.compile()
	for _, ns := range []string{"cloud", "gw", "dev"} {
		gatewaytest.NetNS(t, ns)
	}
	gatewaytest.Sh(t,
		"ip -n gw link add seg0 type veth peer name wlan0 netns dev",
		"ip -n gw link add wan0 type veth peer name eth0 netns cloud",
		"ip -n cloud address add "+resolverAddress+"/24 dev eth0",
		"ip -n cloud address add "+serverAddress+"/32 dev lo",
		"ip -n cloud link set eth0 up",
		"ip -n gw address add 10.20.0.2/24 dev wan0",
		"ip -n gw link set wan0 up",
		"ip -n gw route add default via "+resolverAddress,
	)
	w.serveCloud()
	w.startGate()
	return w
}

// compile builds photongate as it is shipped.
func (w *world) compile() {
	w.t.Helper()
	w.gate = filepath.Join(w.dir, "photongate")
	// Ordinary users may not ask git about a repository of root's.
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", w.gate, "photongate/cmd/photongate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("build photongate: %v\n%s", err, out)
	}
}

// serveCloud starts the server and the resolver that knows it.
func (w *world) serveCloud() {
	w.t.Helper()
	addr := netip.MustParseAddr(serverAddress)
	gatewaytest.Do(w.t, "cloud", func() {
		w.key = SparkServerAt(w.t, netip.AddrPortFrom(addr, site.CloudPort))
		questions, err := net.ListenPacket("udp4", resolverAddress+":53")
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { questions.Close() })
		go (&site.Resolver{Name: site.CloudName, Addrs: []netip.Addr{addr}}).Serve(questions)
	})
}

// socket is photongate's control socket.
func (w *world) socket() string { return filepath.Join(w.dir, "run", "control.sock") }

// settings are photongate's.
func (w *world) settings() string {
	return fmt.Sprintf(`[gateway]
name = "peer"
state_dir = %q
runtime_dir = %q
[segment]
interface = "seg0"
address = "%s/24"
[ap]
mode = "wired"
[egress]
cloud = "%s:%d"
resolvers = ["%s:53"]
[[device]]
name = "porch"
mac = "%s"
id = "%s"
`, filepath.Join(w.dir, "state"), filepath.Dir(w.socket()), gatewayAddress, site.CloudName, site.CloudPort, resolverAddress, photonMAC, photonID)
}

// startGate starts photongate and waits until it answers; at the end of the
// test it must stop in order.
func (w *world) startGate() {
	w.t.Helper()
	path := filepath.Join(w.dir, "photongate.toml")
	if err := os.WriteFile(path, []byte(w.settings()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	gate := w.start("gw", exec.Command(w.gate, "run", "--config", path), "photongate")
	gatewaytest.Eventually(w.t, upLimit, "photongate's control socket answers", func() bool {
		conn, err := net.Dial("unix", w.socket())
		if err == nil {
			conn.Close()
		}
		return err == nil || gate.ended(w.t)
	})
}

// power gives the Photon power; it takes key for its cloud's.
func (w *world) power(key *rsa.PublicKey) *process {
	w.t.Helper()
	text, err := sparktest.MarshalPublicKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.dir, "server.pub.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), photonVar+"="+path)
	return w.start("dev", cmd, "photon")
}
