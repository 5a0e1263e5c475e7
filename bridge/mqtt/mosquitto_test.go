package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"photongate/gateway"
)

// patience bounds every wait for a real process.
const patience = 20 * time.Second

// mosquitto is a real broker without persistence on a port of its own.
type mosquitto struct {
	t    *testing.T
	addr string
	conf string
	cmd  *exec.Cmd
}

// newMosquitto starts a broker; more are lines for its configuration.
func newMosquitto(t *testing.T, more ...string) *mosquitto {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	// Started by root it would become another user, who cannot read our folders.
	m := &mosquitto{t: t, addr: addr.String(), conf: filepath.Join(t.TempDir(), "mosquitto.conf")}
	lines := append([]string{fmt.Sprintf("listener %d 127.0.0.1", addr.Port), "persistence false", "user root"}, more...)
	if len(more) == 0 {
		lines = append(lines, "allow_anonymous true")
	}
	if err := os.WriteFile(m.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.kill)
	return m
}

// start starts the process and waits until it accepts.
func (m *mosquitto) start() {
	m.t.Helper()
	bin, err := exec.LookPath("mosquitto")
	if err != nil {
		bin = "/usr/sbin/mosquitto"
	}
	m.cmd = exec.Command(bin, "-c", m.conf)
	m.cmd.Stderr = m.t.Output()
	if err := m.cmd.Start(); err != nil {
		m.t.Fatalf("these tests need the package mosquitto: %v", err)
	}
	poll(m.t, "mosquitto to accept", func() bool {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the process as a crash does.
func (m *mosquitto) kill() {
	m.cmd.Process.Kill()
	m.cmd.Wait()
}

// url is the broker's.
func (m *mosquitto) url() string { return "tcp://" + m.addr }

// poll waits until ok, at the edge to a real process.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited %v in vain for %s", patience, what)
}

// ear is a subscriber to everything.
type ear struct {
	client paho.Client
	mu     sync.Mutex
	all    []string
	bell   chan struct{}
}

// listen subscribes.
func listen(t *testing.T, url string) *ear {
	t.Helper()
	e := &ear{bell: make(chan struct{}, 1)}
	e.client = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("ear").SetAutoReconnect(false))
	for _, step := range []func() paho.Token{e.client.Connect, func() paho.Token { return e.client.Subscribe("#", 1, e.hear) }} {
		if token := step(); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatalf("listen to %s: %v", url, token.Error())
		}
	}
	t.Cleanup(func() { e.client.Disconnect(100) })
	return e
}

// hear takes a message; paho's order is the broker's here.
func (e *ear) hear(_ paho.Client, m paho.Message) {
	e.mu.Lock()
	e.all = append(e.all, show(Message{m.Topic(), m.Payload(), m.Retained()}))
	e.mu.Unlock()
	ring(e.bell)
}

// heard lists what came.
func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// until waits until what came ends with want.
func (e *ear) until(t *testing.T, want ...string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		got := e.heard()
		if len(got) >= len(want) && slices.Equal(got[len(got)-len(want):], want) {
			return
		}
		select {
		case <-e.bell:
		case <-deadline:
			t.Fatalf("heard %q, want %q at the end", got, want)
		}
	}
}

// wire is a Config.Dial whose connections can be cut.
type wire struct {
	mu      sync.Mutex
	conn    *net.TCPConn
	blocked bool
}

// block makes dials fail, or no longer.
func (w *wire) block(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocked = yes
}

// dial is Config.Dial.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blocked {
		return nil, os.ErrDeadlineExceeded
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		w.conn = conn.(*net.TCPConn)
	}
	return conn, err
}

// cut resets the connection, as a dying machine's successor would.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn.SetLinger(0)
	w.conn.Close()
}

// calm checks that the test leaves no goroutine behind.
func calm(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		poll(t, fmt.Sprintf("%d goroutines to end up as %d", runtime.NumGoroutine(), before), func() bool {
			return runtime.NumGoroutine() <= before
		})
	})
}

func TestWillAndReturn(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	e := listen(t, m.url())
	j := newJournal()
	cfg := states(t, m.url(), j)
	var w wire
	cfg.Dial = w.dial
	_, stop := start(t, cfg)
	e.until(t, "g/info=i", "g/state=online")
	w.cut()
	e.until(t, "g/info=i", "g/state=online", "g/state=offline", "g/info=i", "g/state=online")
	stop()
	e.until(t, "g/state=online", "g/state=offline")
	late := listen(t, m.url())
	late.until(t, "g/info=i!", "g/state=offline!")
}

func TestBrokerRestart(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	j := newJournal()
	cfg := states(t, m.url(), j)
	c, _ := start(t, cfg)
	j.find(t, "PartOK", ok)
	m.kill()
	j.find(t, "PartFailed", failed)
	j.forget()
	m.start()
	j.find(t, "PartOK again", ok)
	e := listen(t, m.url())
	e.until(t, "g/info=i!", "g/state=online!")
	c.Publish(Message{Topic: "g/health", Payload: []byte("{}"), Retain: true})
	e.until(t, "g/health={}")
}

// TestStateCorrected: another gateway with our name says that it goes, and the
// broker's memory of us must not stay so.
func TestStateCorrected(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	e := listen(t, m.url())
	start(t, states(t, m.url(), newJournal()))
	e.until(t, "g/state=online")
	e.client.Publish("g/state", 1, true, "offline")
	e.until(t, "g/state=offline", "g/state=online")
}

// TestSpoolAcrossOutages: records appended with and without a broker, across a
// restart of ours, arrive in order and unchanged.
func TestSpoolAcrossOutages(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	path := filepath.Join(t.TempDir(), "spool")
	j := newJournal()
	var w wire
	run := func() (*Client, *Spool, func()) {
		cfg := states(t, m.url(), j)
		cfg.Birth, cfg.Dial = nil, w.dial
		cfg.Spool = openSpool(t, path, 1000, 1<<20)
		c, stop := start(t, cfg)
		return c, cfg.Spool, func() { stop(); cfg.Spool.Close() }
	}
	_, s, stop := run()
	e := listen(t, m.url())
	add(t, s, "first")
	e.until(t, "g/event=first")
	// Until somebody listens: nothing may arrive unheard.
	w.block(true)
	m.kill()
	j.find(t, "PartFailed", failed)
	away := numbered("away", 100)
	add(t, s, away[:60]...)
	stop()
	c, s, stop := run()
	add(t, s, away[60:]...)
	if err := s.Append(Message{"g/alert/x", []byte{0, 0xff, '\n'}, true}); err != nil {
		t.Fatal(err)
	}
	m.start()
	e = listen(t, m.url())
	w.block(false)
	var want []string
	for _, p := range away {
		want = append(want, "g/event="+p)
	}
	e.until(t, append(want, "g/alert/x=\x00\xff\n")...)
	if got := e.heard(); len(got) != len(want)+1 {
		t.Errorf("heard %d messages, want %d", len(got), len(want)+1)
	}
	poll(t, "the spool to be empty", func() bool { return c.SpoolWaiting() == 0 })
	stop()
	if c.SpoolDropped() != 0 || c.Acked() < 101 {
		t.Errorf("dropped %d, acknowledged %d, want 0 and 101", c.SpoolDropped(), c.Acked())
	}
}

func TestSecondInstance(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	one, two := newJournal(), newJournal()
	start(t, states(t, m.url(), one))
	start(t, states(t, m.url(), two))
	one.find(t, "a hint about the rival", func(e gateway.Event) bool { return strings.Contains(e.Hint, "another client probably uses the id") })
}

func TestWrongPassword(t *testing.T) {
	calm(t)
	dir := t.TempDir()
	accounts, password := filepath.Join(dir, "accounts"), filepath.Join(dir, "password")
	if err := exec.Command("mosquitto_passwd", "-c", "-b", accounts, "me", "right").Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(password, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMosquitto(t, "allow_anonymous false", "password_file "+accounts)
	j := newJournal()
	cfg := states(t, m.url(), j)
	cfg.Username, cfg.PasswordFile = "me", password
	start(t, cfg)
	e := j.find(t, "a refusal", failed)
	if !strings.Contains(e.Text, "broker refused: not authorised") || strings.Contains(e.Text+e.Hint, "wrong") {
		t.Errorf("got %q", e.Text)
	}
	if err := os.WriteFile(password, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j.find(t, "PartOK after the password was changed", ok)
}

func TestLargeMessages(t *testing.T) {
	calm(t)
	m := newMosquitto(t)
	cfg := states(t, m.url(), newJournal())
	big := bytes.Repeat([]byte("x"), maxPayload)
	cfg.Birth = func() []Message { return []Message{{"g/big", big, true}, {"g/too-big", append(big, 'x'), true}} }
	start(t, cfg)
	e := listen(t, m.url())
	poll(t, "the large message", func() bool { return len(e.heard()) == 1 })
	if got := e.heard()[0]; !strings.HasPrefix(got, "g/big=x") || len(got) < maxPayload {
		t.Errorf("got %.20q, %d bytes", got, len(got))
	}
}
