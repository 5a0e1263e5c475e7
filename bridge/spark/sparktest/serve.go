package sparktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// The habits of a cloud after the handshake.
const (
	// idleLimit ends a silent session (photon.md 4.1: the open-source server's 31 s).
	idleLimit = 31 * time.Second
	// describeAfter is how long after the time request the cloud asks for the
	// first description (seed-thread.txt: 4743 to 5744 ms).
	describeAfter = time.Second
)

// ServeConfig is how a cloud treats an established session.
type ServeConfig struct {
	// Idle ends a session in which nothing came; 0 is 31 s.
	Idle time.Duration
	// Describe is how long after the time request the device is asked to
	// describe itself; 0 is 1 s, negative never.
	Describe time.Duration
	// Heard, if set, sees every message of the device, after it was answered.
	Heard func(Message)
	// Deaf, if set and true, leaves messages without an answer.
	Deaf *atomic.Bool
}

// Serve is a cloud's end of an established session: it answers pings and time
// requests, acknowledges what wants it, and asks for descriptions, application
// first, as the real cloud does. It returns nil when the device closes or ctx ends.
func (s *Session) Serve(ctx context.Context, c ServeConfig) error {
	if c.Idle == 0 {
		c.Idle = idleLimit
	}
	if c.Describe == 0 {
		c.Describe = describeAfter
	}
	defer interrupt(ctx, s.conn)()
	v := &service{s: s, c: c}
	v.token.Store(noToken)
	defer v.stop()
	err := v.loop(ctx)
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("serve device %s: %w", s.id, err)
}

// noToken is no describe request waiting; a token is a byte.
const noToken = -1

// service is one session being served.
type service struct {
	s *Session
	c ServeConfig
	// timer asks for the first description; nil before it is due.
	timer *time.Timer
	// token is of the describe request that is answered by asking for the system's.
	token atomic.Int32
}

// stop ends what may still be due.
func (v *service) stop() {
	if v.timer != nil {
		v.timer.Stop()
	}
}

// loop answers until reading or writing fails.
func (v *service) loop(ctx context.Context) error {
	for {
		if err := v.s.SetReadDeadline(time.Now().Add(v.c.Idle)); err != nil {
			return err
		}
		// A deadline that ctx set must win over the one just set.
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := v.s.ReadMessage()
		if err != nil {
			return err
		}
		if v.c.Deaf == nil || !v.c.Deaf.Load() {
			if err := v.answer(m); err != nil {
				return err
			}
		}
		if v.c.Heard != nil {
			v.c.Heard(m)
		}
	}
}

// answer says what the cloud says to m.
func (v *service) answer(m Message) error {
	switch {
	case m.Code == CodeGET && m.Path() == "t":
		v.describeLater()
		return v.s.WriteMessage(TimeResponse(m, time.Now()))
	case m.Type == Confirmable:
		return v.s.WriteMessage(Ack(m.ID))
	case m.Code == CodeContent && len(m.Token) == 1 && v.token.CompareAndSwap(int32(m.Token[0]), noToken):
		return v.describe(DescribeSystem)
	}
	return nil
}

// describeLater asks once for the first description.
func (v *service) describeLater() {
	if v.c.Describe < 0 || v.timer != nil {
		return
	}
	v.timer = time.AfterFunc(v.c.Describe, func() {
		// A session that died shows in the loop.
		_ = v.describe(DescribeApplication)
	})
}

// describe sends a describe request.
func (v *service) describe(flags byte) error {
	token := v.s.NextToken()
	if flags == DescribeApplication {
		v.token.Store(int32(token))
	}
	return v.s.Send(func(id uint16) Message { return DescribeRequest(id, token, flags) })
}
