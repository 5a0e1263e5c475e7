package mqtt

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"photongate/gateway"
)

const (
	// connectTimeout bounds TCP, TLS and the broker's answer together. Longer
	// than three SYNs (1 s, 2 s, 4 s) take.
	connectTimeout = 10 * time.Second
	// writeTimeout bounds one write. Our packets fit into a socket's buffer, so
	// a write that waits has a peer that stopped reading.
	writeTimeout = 5 * time.Second
	// ackTimeout is how long a broker may take for one acknowledgement: long for
	// a satellite and a busy broker, short beside the keepalive.
	ackTimeout = 15 * time.Second
	// keepAlive is the silence after which the broker is asked (MQTT 3.1.1
	// section 3.1.2.10); the broker publishes our will after one and a half.
	keepAlive = 30 * time.Second
	// okEvery is the least time between two proofs of health: less than the 30 s
	// between health documents, so that each of their acknowledgements counts.
	okEvery = 20 * time.Second
	// window is how many state messages may be unacknowledged: enough to hide
	// the round trip, few enough for the smallest broker's queue (mosquitto: 20).
	window = 16
	// farewellTime bounds what a clean exit may cost.
	farewellTime = 3 * time.Second
	// correctAfter keeps two programs that disagree about a topic from making a storm.
	correctAfter = time.Second
)

// lostError says that a connection ended that stood; rivals cause it.
type lostError struct{ err error }

// Error says what ended it.
func (l *lostError) Error() string { return "connection lost: " + l.err.Error() }

// Unwrap is what ended it.
func (l *lostError) Unwrap() error { return l.err }

// session is one connection's life.
type session struct {
	// c is whose connection it is; link is its wire, and client paho on top.
	c      *Client
	link   *link
	client paho.Client
	// lost is closed when paho notices the end; why is written before.
	lost chan struct{}
	why  error
	once sync.Once
	// wrong has a token when our state topic says that we are gone.
	wrong chan struct{}
	// state is the message of the birth for the will's topic, if any.
	state []Message
	// proved is when PartOK was last emitted.
	proved time.Time
}

// newSession prepares a connection.
func newSession(c *Client) *session {
	return &session{c: c, link: new(link), lost: make(chan struct{}), wrong: make(chan struct{}, 1)}
}

// options sets paho up for one connection that is never repaired.
func (s *session) options(ctx context.Context, password string) *paho.ClientOptions {
	cfg := &s.c.cfg
	o := paho.NewClientOptions().
		AddBroker(s.c.broker()).
		SetClientID(cfg.ClientID).
		SetUsername(cfg.Username).
		SetPassword(password).
		SetProtocolVersion(4). // else a refusal is followed by a second attempt with 3.1
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetCleanSession(true).
		SetOrderMatters(false).
		SetKeepAlive(keepAlive).
		SetPingTimeout(connectTimeout).
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return s.link.open(ctx, cfg) }).
		SetConnectionLostHandler(func(_ paho.Client, err error) { s.once.Do(func() { s.why = err; close(s.lost) }) })
	if cfg.Will.Topic != "" {
		o.SetBinaryWill(cfg.Will.Topic, cfg.Will.Payload, 1, cfg.Will.Retain)
	}
	return o
}

// connect opens the connection and waits for the broker's welcome.
func (s *session) connect(ctx context.Context) error {
	password, err := s.c.cfg.password()
	if err != nil {
		return err
	}
	s.client = paho.NewClient(s.options(ctx, password))
	t := s.client.Connect()
	// The link and paho have their own limits; this one is for what they miss.
	timer := time.NewTimer(2 * connectTimeout)
	defer timer.Stop()
	select {
	case <-t.Done():
		if t.Error() != nil {
			return s.link.cause(t.Error())
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("%w, in %v", errMute, 2*connectTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hangUp ends the connection, whatever state it is in.
func (s *session) hangUp() {
	s.link.hangUp()
	if s.client != nil {
		s.client.Disconnect(0)
	}
}

// wait waits for one acknowledgement.
func (s *session) wait(ctx context.Context, t paho.Token) error {
	timer := time.NewTimer(ackTimeout)
	defer timer.Stop()
	select {
	case <-t.Done():
		if t.Error() != nil {
			return &lostError{s.link.cause(t.Error())}
		}
		return nil
	case <-s.lost:
		return s.end()
	case <-timer.C:
		return fmt.Errorf("%w, in %v", errMute, ackTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end is why the connection was lost; s.lost must be closed.
func (s *session) end() error { return &lostError{s.link.cause(s.why)} }

// deliver publishes messages in order and returns nil once all are acknowledged.
func (s *session) deliver(ctx context.Context, batch []Message) error {
	for part := range slices.Chunk(batch, window) {
		tokens := make([]paho.Token, len(part))
		for i, m := range part {
			tokens[i] = s.client.Publish(m.Topic, 1, m.Retain, m.Payload)
		}
		for _, t := range tokens {
			if err := s.wait(ctx, t); err != nil {
				return err
			}
			s.c.acked.Add(1)
		}
		s.proof()
	}
	return nil
}

// proof tells the journal that the broker answers, not too often.
func (s *session) proof() {
	if now := time.Now(); now.Sub(s.proved) >= okEvery {
		s.proved = now
		s.c.emit(gateway.Event{Kind: gateway.PartOK, Part: gateway.PartMQTT})
	}
}
