package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// link is one connection to the broker as paho sees it. It bounds what comes
// in, and remembers how it ended in better words than paho's.
type link struct {
	// Conn is the wire, and frames what reads it; both are set by open, once.
	net.Conn
	frames *frames

	// mu guards what follows.
	mu sync.Mutex
	// opened: the wire stood; closed: we ended it.
	opened, closed bool
	// err is the first thing that went wrong.
	err error
}

// open connects with c's URL. It is done when ctx is, except for a websocket,
// whose dialer knows only the time limit.
func (l *link) open(ctx context.Context, c *Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.Conn, l.frames, l.opened = conn, newFrames(conn), true
	return l, nil
}

// dial opens the connection that the URL's scheme asks for. Proxies of the
// environment are not asked: whoever set them for other programs did not mean
// our broker.
func (c *Config) dial(ctx context.Context) (net.Conn, error) {
	full, addr := c.target()
	s, _ := schemeOf(full.Scheme)
	sec, err := c.secure()
	if err != nil {
		return nil, err
	}
	if s.socket {
		noProxy := func(*http.Request) (*url.URL, error) { return nil, nil }
		conn, err := paho.NewWebsocket(full.String(), sec, connectTimeout, nil, &paho.WebsocketOptions{Proxy: noProxy})
		if err != nil {
			return nil, &socketError{err}
		}
		return conn, nil
	}
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil || sec == nil {
		return conn, err
	}
	t := tls.Client(conn, sec)
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return t, nil
}

// Read hands on what the broker may send.
func (l *link) Read(p []byte) (int, error) {
	n, err := l.frames.Read(p)
	return n, l.fail(err)
}

// Write sends with a limit of its own: paho's pings and acknowledgements have none.
func (l *link) Write(p []byte) (int, error) {
	if err := l.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(p)
	return n, l.fail(err)
}

// Close ends the connection for paho.
func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.Conn.Close()
}

// fail remembers the first thing that went wrong, and returns what paho shall
// hear of it; that we ended the connection is nothing to remember.
func (l *link) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil || l.closed {
		return err
	}
	switch {
	case errors.Is(err, net.ErrClosed):
		// Somebody below us closed it. Paho takes these words for its own doing
		// and would not notice the loss before its next ping.
		err = io.ErrUnexpectedEOF
	case l.opened && errors.Is(err, os.ErrDeadlineExceeded):
		err = errMute
	}
	if l.err == nil {
		l.err = err
	}
	return err
}

// cause is the first thing that went wrong, or else.
func (l *link) cause(or error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	return or
}

// hangUp ends the connection now, also one that is still being opened.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.Conn != nil {
		l.Conn.Close()
	}
}
