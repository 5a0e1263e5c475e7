package mqtt

import (
	"bytes"
	"context"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// withGrace is a context that ends farewellTime after ctx does, so that what is
// on its way is still acknowledged, and is not sent twice. The function releases it.
func withGrace(ctx context.Context) (context.Context, func()) {
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewellTime, cancel) })
	return grace, func() { stop(); cancel() }
}

// serve publishes until the connection ends, and says why, or until ctx does.
// Deliveries go on until grace ends.
func (s *session) serve(ctx, grace context.Context) error {
	if err := s.watch(grace); err != nil {
		return err
	}
	if err := s.birth(grace); err != nil {
		return err
	}
	// A birth without messages has proved nothing; the welcome has.
	s.proof()
	var correct <-chan time.Time
	for {
		if err := s.drain(grace); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.lost:
			return s.end()
		case <-s.c.out.bell:
		case <-s.c.cfg.Spool.rung():
		case <-s.wrong:
			correct = time.After(correctAfter)
		case <-correct:
			correct = nil
			if err := s.deliver(grace, s.state); err != nil {
				return err
			}
		}
	}
}

// watch subscribes to the topic of our own state. At QoS 0: nothing of it is
// stored or acknowledged, so a hostile broker can pile nothing up.
func (s *session) watch(ctx context.Context) error {
	topic := s.c.cfg.Will.Topic
	if topic == "" {
		return nil
	}
	return s.wait(ctx, s.client.Subscribe(topic, 0, s.heard))
}

// heard looks at what the broker says about our state. It may follow the death
// of an older connection of ours, or of another gateway with our name.
func (s *session) heard(_ paho.Client, m paho.Message) {
	if m.Retained() {
		// From before the subscription, and so answered by the birth.
		return
	}
	cfg := &s.c.cfg
	gone := bytes.Equal(m.Payload(), cfg.Will.Payload) || (cfg.Offline.Topic == cfg.Will.Topic && bytes.Equal(m.Payload(), cfg.Offline.Payload))
	if m.Topic() == cfg.Will.Topic && gone {
		ring(s.wrong)
	}
}

// birth publishes everything that the broker should keep.
func (s *session) birth(ctx context.Context) error {
	var fit []Message
	for _, m := range s.c.cfg.Birth() {
		if err := m.check(); err != nil {
			s.c.cfg.Log.Warn("mqtt message not sent", "err", err)
			continue
		}
		fit = append(fit, m)
		if m.Topic == s.c.cfg.Will.Topic {
			s.state = []Message{m}
		}
	}
	return s.deliver(ctx, fit)
}

// drain publishes until neither state nor records wait. Each gets its turn, so
// that a long spool does not hold back the present.
func (s *session) drain(ctx context.Context) error {
	for {
		batch := s.c.out.take(window)
		if err := s.deliver(ctx, batch); err != nil {
			return err
		}
		r, ok := s.c.cfg.Spool.head()
		if !ok && len(batch) == 0 {
			return nil
		}
		if !ok {
			continue
		}
		// One at a time: only so do they arrive in order and once.
		if err := s.deliver(ctx, []Message{r.Message}); err != nil {
			return err
		}
		s.c.cfg.Spool.remove(r.id)
	}
}

// farewell sends what still waits, then that we go, and leaves in good order.
func (s *session) farewell(grace context.Context) {
	err := s.drain(grace)
	if err == nil && s.c.cfg.Offline.Topic != "" {
		err = s.deliver(grace, []Message{s.c.cfg.Offline})
	}
	if err != nil {
		s.c.cfg.Log.Warn("mqtt farewell not complete", "err", err)
		// Without the DISCONNECT the broker publishes our will instead.
		return
	}
	s.client.Disconnect(250) // milliseconds; a loopback broker needs none
}
