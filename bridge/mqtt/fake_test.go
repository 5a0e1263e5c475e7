package mqtt

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"photongate/gateway"
)

// fakeBroker is a broker in this process for what a real one does not do: be
// mute, lie, refuse with each code. It runs in a synctest bubble.
type fakeBroker struct {
	// welcome is what it answers to CONNECT, nil for nothing.
	welcome func(attempt int) []byte
	// publish tells whether a message is acknowledged; nil: each.
	publish func(attempt int, m Message) bool
	// life is how long a connection lasts; zero: as long as the client wants.
	life time.Duration
	// away makes every dial fail.
	away bool

	mu       sync.Mutex
	attempts int
	got      []Message
	wills    []Message
}

// accepts is the welcome of a friendly broker.
func accepts(int) []byte { return []byte("\x20\x02\x00\x00") }

// dial is Config.Dial.
func (b *fakeBroker) dial(context.Context, string, string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	b.attempts++
	go b.serve(far, b.attempts)
	return near, nil
}

// serve is one connection until it ends.
func (b *fakeBroker) serve(conn net.Conn, attempt int) {
	defer conn.Close()
	if b.life > 0 {
		time.AfterFunc(b.life, func() { conn.Close() })
	}
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var answer []byte
		switch p := p.(type) {
		case *packets.ConnectPacket:
			answer = b.welcome(attempt)
			b.mu.Lock()
			b.wills = append(b.wills, Message{Topic: p.WillTopic, Payload: p.WillMessage, Retain: p.WillRetain})
			b.mu.Unlock()
		case *packets.SubscribePacket:
			answer = []byte{0x90, 3, byte(p.MessageID >> 8), byte(p.MessageID), 0}
		case *packets.PingreqPacket:
			answer = []byte("\xd0\x00")
		case *packets.PublishPacket:
			m := Message{Topic: p.TopicName, Payload: p.Payload, Retain: p.Retain}
			if b.publish == nil || b.publish(attempt, m) {
				answer = []byte{0x40, 2, byte(p.MessageID >> 8), byte(p.MessageID)}
			}
			b.mu.Lock()
			b.got = append(b.got, m)
			b.mu.Unlock()
		case *packets.DisconnectPacket:
			return
		}
		if len(answer) > 0 {
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

// dials is how often it was dialled.
func (b *fakeBroker) dials() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.attempts
}

// received lists what arrived, as topic=payload with ! for retained.
func (b *fakeBroker) received() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, m := range b.got {
		all = append(all, show(m))
	}
	return all
}

// show is a message in one word.
func show(m Message) string {
	s := m.Topic + "=" + string(m.Payload)
	if m.Retain {
		s += "!"
	}
	return s
}

// journal collects events.
type journal struct {
	mu     sync.Mutex
	events []gateway.Event
	bell   chan struct{}
}

// newJournal is empty.
func newJournal() *journal { return &journal{bell: make(chan struct{}, 1)} }

// emit is Config.Emit.
func (j *journal) emit(e gateway.Event) {
	j.mu.Lock()
	j.events = append(j.events, e)
	j.mu.Unlock()
	ring(j.bell)
}

// all lists the events of one kind.
func (j *journal) all(k gateway.Kind) []gateway.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var some []gateway.Event
	for _, e := range j.events {
		if e.Kind == k {
			some = append(some, e)
		}
	}
	return some
}

// find waits for an event that ok takes, for a real peer's while.
func (j *journal) find(t *testing.T, what string, ok func(gateway.Event) bool) gateway.Event {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		j.mu.Lock()
		for _, e := range j.events {
			if ok(e) {
				j.mu.Unlock()
				return e
			}
		}
		j.mu.Unlock()
		select {
		case <-j.bell:
		case <-deadline:
			t.Fatalf("no event: %s; there were %+v", what, j.events)
		}
	}
}

// forget drops the events so far.
func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = nil
}

// ok and failed take the two events of the MQTT part.
func ok(e gateway.Event) bool { return e.Kind == gateway.PartOK && e.Part == gateway.PartMQTT }

// failed is ok's opposite.
func failed(e gateway.Event) bool { return e.Kind == gateway.PartFailed && e.Part == gateway.PartMQTT }

// states is a configuration of a gateway "g" with a will, a farewell and a birth.
func states(t testing.TB, url string, j *journal) Config {
	online := func() []Message {
		return []Message{{"g/info", []byte("i"), true}, {"g/state", []byte("online"), true}}
	}
	return Config{
		URL: parse(t, url), ClientID: "photongate-g", Emit: j.emit, Birth: online,
		Will:    Message{"g/state", []byte("offline"), true},
		Offline: Message{"g/state", []byte("offline"), true},
	}
}

// start runs a client; the function stops it and waits until it has.
func start(t testing.TB, cfg Config) (*Client, func()) {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-c.Ready()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return c, stop
}

// wantText compares the text of an event and asks for a hint with the word.
func wantText(t *testing.T, e gateway.Event, text, hint string) {
	t.Helper()
	if e.Text != text || !strings.Contains(e.Hint, hint) || e.Witness != gateway.WitnessSelf || e.Time.IsZero() {
		t.Errorf("got  %q, hint %q\nwant %q, hint with %q", e.Text, e.Hint, text, hint)
	}
}

// numbered is n payloads that tell their place.
func numbered(prefix string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s%03d", prefix, i))
	}
	return all
}

var _ gateway.Task = (*Client)(nil)
