package photon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"photongate/bridge/spark/sparktest"
)

// The descriptions: of an application that is empty, and of the system parts of
// 0.6.2 (photon.md 2.3).
const (
	describeApplication = `"f":[],"v":{}`
	describeSystem      = `"p":6,"m":[` +
		`{"s":16384,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":11,"d":[]},` +
		`{"s":262144,"l":"m","vc":30,"vv":30,"f":"s","n":"1","v":108,"d":[]},` +
		`{"s":262144,"l":"m","vc":30,"vv":30,"f":"s","n":"2","v":108,"d":[{"f":"s","n":"1","v":108,"_":""}]},` +
		`{"s":131072,"l":"m","vc":30,"vv":30,"u":"%064x","f":"u","n":"1","v":4,"d":[{"f":"s","n":"2","v":108,"_":""}]},` +
		`{"s":131072,"l":"f","vc":30,"vv":0,"d":[]}]`
)

// conversation is an established session as the firmware's event loop sees it.
type conversation struct {
	*life
	// s is the session.
	s *sparktest.Session
	// last is when a message came, or the ping went; pinged: that is not answered yet.
	last   time.Time
	pinged bool
}

// talk is the firmware's event loop. It returns when the session is lost, after
// the line that says why.
func (l *life) talk(link context.Context, s *sparktest.Session) {
	stop := context.AfterFunc(link, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	c := conversation{life: l, s: s, last: time.Now()}
	for c.turn(link) {
	}
}

// turn waits for one message or for the time to ping. It tells whether the session lives.
func (c *conversation) turn(link context.Context) bool {
	limit := c.p.c.Timing.Ping
	if c.pinged {
		limit = c.p.c.Timing.PingAck
	}
	err := c.s.SetReadDeadline(c.last.Add(limit))
	// A link that ended meanwhile has had its deadline overwritten.
	if err == nil && link.Err() == nil {
		var m sparktest.Message
		if m, err = c.s.ReadMessage(); err == nil {
			c.last, c.pinged = time.Now(), false
			return c.handle(m)
		}
	}
	switch {
	case link.Err() != nil:
		c.serial.print(catProtocol, levelWarn, "bytes recieved error %d", sparktest.CodeNotUp)
		return false
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.ping()
	}
	c.lost(err)
	return false
}

// ping asks the cloud whether it lives; false if it was asked before.
func (c *conversation) ping() bool {
	if c.pinged {
		c.serial.print(catProtocol, levelWarn, "ping ACK not received")
		return false
	}
	// A ping that cannot be sent is not answered either.
	_ = c.s.Send(sparktest.Ping)
	c.pinged, c.last = true, time.Now()
	return true
}

// lost prints why the session ended.
func (c *conversation) lost(err error) {
	if errors.Is(err, sparktest.ErrFrame) || errors.Is(err, sparktest.ErrMessage) || c.s.Partial() {
		c.serial.print(catProtocol, levelWarn, "received ERROR CoAPMessage")
		return
	}
	c.serial.print(catProtocol, levelWarn, "bytes recieved error %d", sparktest.Code(err))
}

// handle answers one message of the cloud, and tells whether that went well.
func (c *conversation) handle(m sparktest.Message) bool {
	var err error
	switch {
	case m.IsPing():
		err = c.s.WriteMessage(sparktest.Ack(m.ID))
	case m.Code == sparktest.CodeContent && len(m.Payload) == 4:
		c.serial.print(catProtocol, levelInfo, "Received TIME response: %d", binary.BigEndian.Uint32(m.Payload))
	case m.Code == sparktest.CodeGET && m.Path() == "d":
		err = c.describe(m)
	}
	if err != nil {
		// The firmware has one line for all that fails within a message.
		c.serial.print(catProtocol, levelWarn, "received ERROR CoAPMessage")
	}
	return err == nil
}

// describe answers what the cloud wants to know; a request without flags wants everything.
func (c *conversation) describe(m sparktest.Message) error {
	flags := byte(sparktest.DescribeSystem | sparktest.DescribeApplication)
	if q := m.Query(); len(q) == 1 && q[0] != 0 && q[0] <= flags {
		flags = q[0]
	}
	letters, parts := "", []string(nil)
	if flags&sparktest.DescribeApplication != 0 {
		letters, parts = "A", append(parts, describeApplication)
	}
	if flags&sparktest.DescribeSystem != 0 {
		letters, parts = "S"+letters, append(parts, fmt.Sprintf(describeSystem, c.p.c.ID[:]))
	}
	c.serial.print(catProtocol, levelInfo, "Sending %s describe message", letters)
	return c.s.WriteMessage(sparktest.DescribeResponse(m, "{"+strings.Join(parts, ",")+"}"))
}
