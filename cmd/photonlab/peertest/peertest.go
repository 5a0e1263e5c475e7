// Package peertest starts a cloud server that this project did not write, the
// open-source @brewskey/spark-server from npm, as the judge of both our ends of
// the protocol (peers.md A). For tests only.
package peertest

import (
	"bytes"
	"context"
	"crypto/rsa"
	_ "embed" // The preload and the manifest are files.
	"encoding/json"
	"fmt"
	"io"
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
)

// The files of the installation.
var (
	// manifest names the server's version and what npm must replace (peers.md A).
	//
	//go:embed package.json
	manifest []byte
	// preload keeps the server on one address: its HOST setting is ignored.
	//
	//go:embed loopback.js
	preload []byte
)

const (
	// installLimit bounds npm; 390 packages took 20 s (peers.md A).
	installLimit = 5 * time.Minute
	// startLimit bounds the server's start, which takes two seconds on an idle machine.
	startLimit = 60 * time.Second
	// entry is the server's program in the installation.
	entry = "node_modules/@brewskey/spark-server/dist/main.js"
	// hostVar tells the preload the address; without it it is loopback.
	hostVar = "PHOTONGATE_PEER_HOST"
	// nonceSize is what the server says first (photon.md 4.1).
	nonceSize = 40
)

// SparkServer runs the server on a free loopback port until the test ends, and
// returns its address and its key. Any device may register. Where npm or node
// is missing, or the registry cannot be reached, the test is skipped, unless
// PHOTONGATE_TEST contains "net".
func SparkServer(t testing.TB) (addr string, key *rsa.PublicKey) {
	t.Helper()
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), freePort(t))
	return at.String(), SparkServerAt(t, at)
}

// SparkServerAt is SparkServer at an address of the network namespace in which
// the calling thread is.
func SparkServerAt(t testing.TB, at netip.AddrPort) *rsa.PublicKey {
	t.Helper()
	dir := install(t)
	private, err := sparktest.NewServerKey()
	if err != nil {
		t.Fatal(err)
	}
	run := runFolder(t, private, at)
	out := new(output)
	cmd := exec.Command("node", "-r", filepath.Join(dir, "loopback.js"), filepath.Join(dir, entry))
	cmd.Dir, cmd.Stdout, cmd.Stderr = run, out, out
	cmd.Env = append(os.Environ(), hostVar+"="+at.Addr().String())
	// The preload ends the server when this pipe closes, even if the test is killed.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("spark-server said:\n%s", out)
		}
	})
	awaitNonce(t, at.String(), out)
	return &private.PublicKey
}

// runFolder makes the server's working folder: its settings and its key. With a
// key that it makes itself, its first run refuses every device (peers.md A).
func runFolder(t testing.TB, key *rsa.PrivateKey, at netip.AddrPort) string {
	t.Helper()
	dir := t.TempDir()
	public, err := sparktest.MarshalPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{
		"TCP_DEVICE_SERVER_CONFIG": map[string]any{"HOST": at.Addr(), "PORT": at.Port(), "ENABLE_SYSTEM_FIRWMARE_AUTOUPDATES": false},
		"EXPRESS_SERVER_CONFIG":    map[string]any{"PORT": freePort(t), "USE_SSL": false, "SSL_CERTIFICATE_FILEPATH": nil, "SSL_PRIVATE_KEY_FILEPATH": nil},
		"SHOW_VERBOSE_DEVICE_LOGS": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"settings.json":            settings,
		"data/default_key.pem":     sparktest.MarshalKey(key),
		"data/default_key.pub.pem": public,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// awaitNonce polls until the server accepts and speaks.
func awaitNonce(t testing.TB, addr string, out fmt.Stringer) {
	t.Helper()
	var err error
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = nonce(addr); err == nil {
			return
		}
	}
	t.Fatalf("spark-server does not serve after %s: %v\n%s", startLimit, err, out)
}

// nonce connects once and reads what the server says first.
func nonce(addr string) error {
	conn, err := net.DialTimeout("tcp4", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, nonceSize))
	return err
}

// freePort is a loopback port that nobody listens on now.
func freePort(t testing.TB) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort().Port()
}

// install returns the folder with the server, installed once per machine.
func install(t testing.TB) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "%v", err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		missing(t, "no cache folder: %v", err)
	}
	dir := filepath.Join(cache, "photongate-peers", "spark-server")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer lock(t, dir)()
	write(t, filepath.Join(dir, "loopback.js"), preload)
	if installed(dir) {
		return dir
	}
	write(t, filepath.Join(dir, "package.json"), manifest)
	ctx, cancel := context.WithTimeout(t.Context(), installLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "npm install in %s: %v\n%s", dir, err, out)
	}
	write(t, filepath.Join(dir, "installed.json"), manifest)
	return dir
}

// installed tells whether an earlier run finished installing the same manifest.
func installed(dir string) bool {
	done, err := os.ReadFile(filepath.Join(dir, "installed.json"))
	if err != nil || !bytes.Equal(done, manifest) {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, entry))
	return err == nil
}

// write replaces a file, whole at any moment, because another test may read it.
func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return
	}
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// lock keeps tests of several packages from installing at once.
func lock(t testing.TB, dir string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

// missing skips the test, or fails it where the network was promised.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if strings.Contains(os.Getenv("PHOTONGATE_TEST"), "net") {
		t.Fatalf("real cloud server: "+format, args...)
	}
	t.Skipf("real cloud server not available: "+format, args...)
}

// output keeps what the server prints, for a failing test.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
