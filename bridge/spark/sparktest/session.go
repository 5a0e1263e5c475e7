package sparktest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"photongate/gateway"
)

// Session is either end of an established session. One goroutine reads; any may write.
type Session struct {
	// conn carries it.
	conn net.Conn
	// frames and in read records.
	frames frameReader
	in     *direction

	// mu guards what follows, and keeps a record in one piece.
	mu  sync.Mutex
	out *direction
	// lastID and lastToken were used by this end last.
	lastID    uint16
	lastToken byte

	// id is the device's.
	id gateway.DeviceID
	// hello is what the device said of itself; the cloud's end fills it.
	hello Hello
}

// newSession makes a session of a connection and its secrets.
func newSession(conn net.Conn, id gateway.DeviceID, c credentials) (*Session, error) {
	in, err := newDirection(c)
	if err != nil {
		return nil, err
	}
	out, err := newDirection(c)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, frames: frameReader{r: conn}, in: in, out: out, id: id}
	s.lastID, s.lastToken = c.counters()
	return s, nil
}

// ID is the device's id.
func (s *Session) ID() gateway.DeviceID { return s.id }

// Hello is what the device said of itself; at the device's end it is zero.
func (s *Session) Hello() Hello { return s.hello }

// Conn is the connection.
func (s *Session) Conn() net.Conn { return s.conn }

// Close closes the connection.
func (s *Session) Close() error { return s.conn.Close() }

// SetReadDeadline bounds ReadMessage. After it passed, reading may go on.
func (s *Session) SetReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

// Partial tells whether part of a record was read and the rest is missing.
func (s *Session) Partial() bool { return s.frames.n > 0 }

// ReadMessage returns the next message. io.EOF is the orderly end between
// records; errors that wrap ErrFrame or ErrMessage end the session's sense.
func (s *Session) ReadMessage() (Message, error) {
	record, err := s.frames.next()
	if err != nil {
		return Message{}, fmt.Errorf("read record: %w", err)
	}
	plain, err := s.in.open(record)
	if err != nil {
		return Message{}, fmt.Errorf("decrypt record: %w", err)
	}
	// The reader reuses its buffer, and messages may live longer.
	m, err := ParseMessage(append([]byte(nil), plain...))
	if err != nil {
		return Message{}, fmt.Errorf("decode record: %w", err)
	}
	return m, nil
}

// WriteMessage sends one message as one record in one write.
func (s *Session) WriteMessage(m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(m)
}

// Send draws the next message id, and sends what build makes with it.
func (s *Session) Send(build func(id uint16) Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	return s.write(build(s.lastID))
}

// write sends one message under the lock, because the order of records is that of the cipher.
func (s *Session) write(m Message) error {
	plain := m.Append(nil)
	// The padding adds at least one byte.
	if len(plain) >= MaxFrame {
		return fmt.Errorf("write record: message of %d bytes, most is %d: %w", len(plain), MaxFrame-1, ErrMessage)
	}
	record := s.out.seal(plain)
	b := binary.BigEndian.AppendUint16(make([]byte, 0, lengthSize+len(record)), uint16(len(record)))
	if _, err := s.conn.Write(append(b, record...)); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// NextToken draws the next token of this end's requests.
func (s *Session) NextToken() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastToken++
	return s.lastToken
}

// interrupt makes reads and writes of conn fail once ctx ends; stop ends that.
func interrupt(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}
