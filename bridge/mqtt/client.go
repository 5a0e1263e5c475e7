package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"photongate/gateway"
)

const (
	// maxPause is the longest pause between two attempts, before jitter: an alert
	// should not wait much longer than a person does after restarting a broker.
	maxPause = 30 * time.Second
	// steady is how long a connection must live for the next attempt to follow
	// at once rather than after a growing pause.
	steady = 30 * time.Second
)

// Client is the connection to one broker, for the life of the gateway. It is a
// gateway.Task; its other methods may be called at any time, by anybody.
type Client struct {
	// cfg is complete: no nil Log, Emit or Birth.
	cfg Config
	// out holds what Publish was given.
	out *outbox
	// acked counts acknowledgements.
	acked atomic.Uint64
	// rival belongs to Run alone.
	rival rival
	// ready is closed by serves, once.
	ready  chan struct{}
	serves sync.Once
}

// New checks the configuration and connects nowhere.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("set up mqtt: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Emit == nil {
		cfg.Emit = func(gateway.Event) {}
	}
	if cfg.Birth == nil {
		cfg.Birth = func() []Message { return nil }
	}
	c := &Client{cfg: cfg, out: newOutbox(), ready: make(chan struct{})}
	if cfg.Spool != nil {
		cfg.Spool.tell(c.storage)
	}
	return c, nil
}

// String names the task by its broker.
func (c *Client) String() string { return "mqtt to " + c.broker() }

// broker is the URL with its port; it holds no secrets (Config.URL).
func (c *Client) broker() string {
	full, _ := c.cfg.target()
	return full.String()
}

// Ready is closed once Run works, connected or not: a dead broker delays nobody's start.
func (c *Client) Ready() <-chan struct{} { return c.ready }

// Acked counts the messages that the broker acknowledged since the start.
func (c *Client) Acked() uint64 { return c.acked.Load() }

// SpoolWaiting counts the records that the broker has not acknowledged yet.
func (c *Client) SpoolWaiting() uint64 {
	if c.cfg.Spool == nil {
		return 0
	}
	return c.cfg.Spool.Waiting()
}

// SpoolDropped counts the records that were given up because the spool was full.
func (c *Client) SpoolDropped() uint64 {
	if c.cfg.Spool == nil {
		return 0
	}
	return c.cfg.Spool.Dropped()
}

// Publish sends state, soon, if the broker is there; it never blocks. A later
// message for the same topic replaces one that still waits. A message that no
// broker could take is logged and dropped. The payload must not change afterwards.
func (c *Client) Publish(m Message) {
	if err := m.check(); err != nil {
		c.cfg.Log.Warn("mqtt message not sent", "err", err)
		return
	}
	if !c.out.put(m) {
		c.cfg.Log.Warn("mqtt message not sent: too many topics wait", "topic", m.Topic)
	}
}

// Run connects, serves and connects again until ctx ends. It always returns nil:
// there is no fault of a broker that cannot pass.
func (c *Client) Run(ctx context.Context) error {
	c.serves.Do(func() { close(c.ready) })
	pause := gateway.Backoff{Max: maxPause}
	for ctx.Err() == nil {
		lived, err := c.attend(ctx)
		if ctx.Err() != nil {
			break
		}
		c.failed(lived, err)
		if lived >= steady {
			pause.Reset()
		}
		if !gateway.Pause(ctx, pause.Next()) {
			break
		}
	}
	return nil
}

// attend sees one connection through, and tells how long the broker was there.
func (c *Client) attend(ctx context.Context) (time.Duration, error) {
	s := newSession(c)
	defer s.hangUp()
	if err := s.connect(ctx); err != nil {
		return 0, fmt.Errorf("connect to broker %s: %w", c.broker(), err)
	}
	began := time.Now()
	c.cfg.Log.Info("mqtt connected", "broker", c.broker())
	c.out.turn(true)
	defer c.out.turn(false)
	grace, done := withGrace(ctx)
	defer done()
	err := s.serve(ctx, grace)
	if ctx.Err() != nil {
		s.farewell(grace)
		return time.Since(began), nil
	}
	return time.Since(began), fmt.Errorf("serve broker %s: %w", c.broker(), err)
}

// failed tells the journal how a connection ended that lived so long.
func (c *Client) failed(lived time.Duration, err error) {
	hint := hintFor(err)
	var lost *lostError
	// A rival's doing looks like a plain end of the stream. Garbage, silence and
	// whatever else has a hint of its own is not that.
	plain := errors.As(err, &lost) && hint == ""
	if c.rival.lost(time.Now(), lived, plain) {
		hint = fmt.Sprintf("the broker ends every connection as soon as it begins: another client probably uses the id %q,"+
			" so give each gateway its own name; or the broker's rules forbid one of our topics", c.cfg.ClientID)
	}
	c.emit(gateway.Event{Kind: gateway.PartFailed, Part: gateway.PartMQTT, Text: err.Error(), Hint: hint})
}

// storage tells the journal that the spool's file fails, or works again when err is nil.
func (c *Client) storage(err error) {
	if err == nil {
		c.emit(gateway.Event{Kind: gateway.PartOK, Part: gateway.PartStorage})
		return
	}
	c.emit(gateway.Event{Kind: gateway.PartFailed, Part: gateway.PartStorage, Text: err.Error(),
		Hint: "alerts wait in memory and are lost if the gateway stops: free some space, or repair the disk"})
}

// emit sends an event of ours upward.
func (c *Client) emit(e gateway.Event) {
	e.Time, e.Witness = time.Now(), gateway.WitnessSelf
	c.cfg.Emit(e)
}
