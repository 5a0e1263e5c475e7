package mqtt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"photongate/gateway"
)

// authority is a CA made for one test, with a certificate for 127.0.0.1 that
// serves the broker and us alike.
type authority struct {
	ca, cert, key string
	pool          *x509.CertPool
	pair          tls.Certificate
}

// newAuthority writes its files to a folder of the test.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	must(err)
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	a := &authority{ca: write("ca.pem", "CERTIFICATE", rootDER), cert: write("cert.pem", "CERTIFICATE", leafDER),
		key: write("key.pem", "PRIVATE KEY", keyDER), pool: x509.NewCertPool()}
	a.pair, err = tls.LoadX509KeyPair(a.cert, a.key)
	must(err)
	parsed, err := x509.ParseCertificate(rootDER)
	must(err)
	a.pool.AddCert(parsed)
	return a
}

// newMochi starts a broker in this process and returns its host and port.
func newMochi(t *testing.T, kind string, config *tls.Config) string {
	t.Helper()
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := s.AddHook(new(auth.AllowHook), nil); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	var l listeners.Listener = listeners.NewTCP(listeners.Config{ID: "l", Address: addr, TLSConfig: config})
	if kind == "ws" {
		l = listeners.NewWebsocket(listeners.Config{ID: "l", Address: addr, TLSConfig: config})
	}
	if err := s.AddListener(l); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return addr
}

func TestTransports(t *testing.T) {
	// A proxy that would be used if the environment were asked.
	for _, name := range []string{"ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	a, other := newAuthority(t), newAuthority(t)
	server := &tls.Config{Certificates: []tls.Certificate{a.pair}, MaxVersion: tls.VersionTLS12}
	mutual := &tls.Config{Certificates: []tls.Certificate{a.pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool}
	old := &tls.Config{Certificates: []tls.Certificate{a.pair}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	tests := []struct {
		name, scheme, kind string
		server             *tls.Config
		change             func(*Config)
		text, hint         string
	}{
		{name: "tcp", scheme: "tcp", kind: "tcp"},
		{name: "ws", scheme: "ws", kind: "ws"},
		{name: "ssl", scheme: "ssl", kind: "tcp", server: server, change: func(c *Config) { c.CAFile = a.ca }},
		{name: "wss", scheme: "wss", kind: "ws", server: server, change: func(c *Config) { c.CAFile = a.ca }},
		{name: "own certificate", scheme: "ssl", kind: "tcp", server: mutual, change: func(c *Config) { c.CAFile, c.CertFile, c.KeyFile = a.ca, a.cert, a.key }},
		{name: "unknown authority", scheme: "ssl", kind: "tcp", server: server, change: func(c *Config) { c.CAFile = other.ca }, text: "tls handshake: ", hint: "authority that signed"},
		{name: "unknown to the system", scheme: "wss", kind: "ws", server: server, text: "certificate signed by unknown authority", hint: "authority that signed"},
		{name: "old TLS", scheme: "ssl", kind: "tcp", server: old, change: func(c *Config) { c.CAFile = a.ca }, text: "protocol version"},
		{name: "TLS to a plain port", scheme: "ssl", kind: "ws", text: "does not look like a TLS handshake", hint: "does not speak TLS"},
		{name: "no authority in the file", scheme: "ssl", kind: "tcp", server: server, change: func(c *Config) { c.CAFile = a.key }, text: "no certificate in it"},
		{name: "certificate gone", scheme: "ssl", kind: "tcp", server: server, change: func(c *Config) { c.CertFile, c.KeyFile = "/nowhere/c", "/nowhere/k" }, text: "read own certificate /nowhere/c: open /nowhere/c: no such file", hint: "read the file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := newJournal()
			cfg := states(t, tt.scheme+"://"+newMochi(t, tt.kind, tt.server), j)
			if tt.change != nil {
				tt.change(&cfg)
			}
			start(t, cfg)
			if tt.text == "" {
				j.find(t, "PartOK", ok)
				return
			}
			// mochi may take a moment to listen, which is another failure.
			e := j.find(t, tt.text, func(e gateway.Event) bool { return failed(e) && strings.Contains(e.Text, tt.text) })
			if !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("%s: got hint %q, want %q", e.Text, e.Hint, tt.hint)
			}
		})
	}
}

// TestWebServer points the URL at something that is no broker at all.
func TestWebServer(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	addr := s.Listener.Addr().String()
	for scheme, want := range map[string]string{
		"ws":  "websocket: bad handshake",
		"ssl": "does not look like a TLS handshake",
	} {
		t.Run(scheme, func(t *testing.T) {
			j := newJournal()
			start(t, states(t, scheme+"://"+addr, j))
			e := j.find(t, "PartFailed", failed)
			if !strings.Contains(e.Text, want) || e.Hint == "" {
				t.Errorf("got %q, hint %q, want %q and a hint", e.Text, e.Hint, want)
			}
		})
	}
}
