package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// tcpAll and tcpEach bound the open connections, of everybody and of one
// address. A device's internet test takes one at a time; four leave room for
// those that a reset left behind.
const (
	tcpAll  = 32
	tcpEach = 4
)

// tcpIdle is how long a connection may take for its next question: twice what
// a device waits for an answer (photon.md 5.1), and within RFC 7766 6.2.3's
// "a few seconds".
const tcpIdle = 10 * time.Second

// tcpQuestions bounds the questions on one connection, so that nobody keeps it
// open for ever.
const tcpQuestions = 16

// headerSize is the least that can be a message (RFC 1035 4.1.1).
const headerSize = 12

// gate counts the open TCP connections.
type gate struct {
	mu   sync.Mutex
	all  int
	each map[netip.Addr]int
}

// newGate has no connections.
func newGate() *gate { return &gate{each: make(map[netip.Addr]int)} }

// enter tells whether one more connection of a may open, and counts it.
func (g *gate) enter(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= tcpAll || g.each[a] >= tcpEach {
		return false
	}
	g.all++
	g.each[a]++
	return true
}

// leave forgets a connection of a.
func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.each[a]--; g.each[a] == 0 {
		delete(g.each, a)
	}
}

// serveTCP accepts until ln breaks or is closed; the connections join work and
// end with ctx.
func (s *Server) serveTCP(ctx context.Context, ln net.Listener, work *sync.WaitGroup) error {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return fmt.Errorf("accept dns on %s: %w", s.c.Addr, err)
		}
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if !s.gate.enter(from) {
			s.notes.refused.Add(1)
			conn.Close()
			continue
		}
		work.Go(func() {
			defer s.gate.leave(from)
			s.converse(ctx, conn, from)
		})
	}
}

// converse answers the questions of one connection, and closes it.
func (s *Server) converse(ctx context.Context, conn net.Conn, from netip.Addr) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	for i := range tcpQuestions {
		in, err := question(conn)
		if err != nil {
			s.hangUp(ctx, err, i == 0, from)
			return
		}
		r := s.zone.answer(in, s.c.Answer.As4(), make([]byte, queryLimit))
		s.notes.reply(r, from, time.Now())
		if r.msg == nil {
			return
		}
		// RFC 7766 8: length and message in one write, lest they become two segments.
		out := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(r.msg)), uint16(len(r.msg)))
		if _, err := conn.Write(append(out, r.msg...)); err != nil {
			s.log.Debug("send dns reply", "to", from, "err", err)
			return
		}
	}
}

// hangUp notes how a connection ended that had no more questions. One that
// never said anything and was ended by its device is an internet test: a
// device closes as soon as the connection stands (photon.md 5.2).
func (s *Server) hangUp(ctx context.Context, err error, unasked bool, from netip.Addr) {
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errCut):
		s.notes.malformed.Add(1)
	case unasked && !errors.Is(err, os.ErrDeadlineExceeded):
		s.notes.test(from, time.Now())
	}
}

// errCut: a question began and did not end, or had an impossible length.
var errCut = errors.New("not a whole question")

// question reads one message behind its length (RFC 1035 4.2.2). Its error is
// errCut unless nothing of a question came.
func question(conn net.Conn) ([]byte, error) {
	if err := conn.SetDeadline(time.Now().Add(tcpIdle)); err != nil {
		return nil, err
	}
	var size [2]byte
	if n, err := io.ReadFull(conn, size[:]); err != nil {
		if n > 0 {
			return nil, errCut
		}
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n < headerSize || n > queryLimit {
		return nil, errCut
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, errCut
	}
	return b, nil
}
