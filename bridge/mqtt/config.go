package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"photongate/gateway"
)

// Config is what a Client needs. Files are read again at every connect, so a
// renewed certificate or password needs no restart.
type Config struct {
	// URL is the broker: tcp, ssl, ws or wss, with or without a port (1883,
	// 8883, 80, 443). It holds no credentials.
	URL *url.URL
	// ClientID is unique at the broker: who connects with the same one throws
	// the other out.
	ClientID string
	// Username, and the file that holds its password; both optional.
	Username     string
	PasswordFile string
	// CAFile replaces the system's certificate authorities; CertFile and
	// KeyFile are our own certificate. All PEM, all optional, for ssl and wss.
	CAFile, CertFile, KeyFile string
	// Will is what the broker publishes when it loses us; Offline is what we
	// publish on a clean exit. A zero one is left out. Will's topic is also
	// watched: when it says what Will or Offline say while we live, the message
	// of Birth with that topic is published again.
	Will, Offline Message
	// Birth returns everything that the broker should keep, in the order in
	// which it is sent. It is called on every connect; the message "online"
	// belongs last, so that who sees it finds the rest current. Nil: nothing.
	Birth func() []Message
	// Spool holds what must not be lost; nil: nothing does.
	Spool *Spool
	// Emit takes PartOK and PartFailed of PartMQTT, and of PartStorage when the
	// spool's file cannot be written; nil: nobody listens.
	Emit gateway.Sink
	// Log is told of connects and of messages that cannot be sent; nil: nobody is.
	Log *slog.Logger
	// Dial opens the TCP connection; nil: a net.Dialer. With ws and wss it must
	// be nil, because paho dials these itself.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// scheme is what a URL's scheme means.
type scheme struct {
	// port is the one that is meant when none is named.
	port string
	// secure: over TLS; socket: over WebSocket.
	secure, socket bool
}

// schemeOf looks a scheme up: those that paho knows, but for unix.
func schemeOf(s string) (scheme, bool) {
	switch s {
	case "tcp", "mqtt":
		return scheme{port: "1883"}, true
	case "ssl", "tls", "mqtts":
		return scheme{port: "8883", secure: true}, true
	case "ws":
		return scheme{port: "80", socket: true}, true
	case "wss":
		return scheme{port: "443", secure: true, socket: true}, true
	}
	return scheme{}, false
}

// check tells everything that is wrong with the configuration.
func (c *Config) check() error {
	return errors.Join(c.checkURL(), c.checkFiles(), c.checkMessages())
}

// checkURL tells what is wrong with the broker's URL and our name there.
func (c *Config) checkURL() error {
	if c.URL == nil {
		return errors.New("no broker url")
	}
	s, ok := schemeOf(c.URL.Scheme)
	switch {
	case !ok:
		return fmt.Errorf("broker url scheme %q is not tcp, ssl, ws or wss", c.URL.Scheme)
	case c.URL.User != nil:
		return gateway.Hint(errors.New("broker url holds credentials"), "set the user name, and a file for the password, beside the url")
	case c.URL.Hostname() == "":
		return fmt.Errorf("broker url %s names no host", c.URL)
	case s.socket && c.Dial != nil:
		return fmt.Errorf("broker url %s: a websocket cannot use a dial function", c.URL)
	case c.ClientID == "" || len(c.ClientID) > maxTopic:
		return errors.New("client id is empty or longer than 65535 bytes")
	}
	return nil
}

// checkFiles tells which files do not belong together.
func (c *Config) checkFiles() error {
	if c.PasswordFile != "" && c.Username == "" {
		// MQTT 3.1.1 section 3.1.2.9 forbids the one without the other.
		return errors.New("password file without a user name")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("certificate file and key file need each other")
	}
	if c.URL == nil || c.CAFile+c.CertFile == "" {
		return nil
	}
	if s, ok := schemeOf(c.URL.Scheme); ok && !s.secure {
		return gateway.Hint(fmt.Errorf("certificates do nothing for %s", c.URL.Scheme), "write ssl or wss in the url")
	}
	return nil
}

// checkMessages tells what is wrong with the will and the farewell.
func (c *Config) checkMessages() error {
	for _, m := range []Message{c.Will, c.Offline} {
		if m.Topic == "" && len(m.Payload) == 0 {
			continue
		}
		if err := m.check(); err != nil {
			return err
		}
	}
	if len(c.Will.Payload) > maxTopic {
		return errors.New("will is longer than 65535 bytes") // MQTT 3.1.1 section 3.1.3.3
	}
	return nil
}

// target is the broker's URL with its port, and host:port alone.
func (c *Config) target() (full url.URL, addr string) {
	full = *c.URL
	if full.Port() == "" {
		s, _ := schemeOf(full.Scheme)
		full.Host = net.JoinHostPort(full.Hostname(), s.port)
	}
	return full, full.Host
}
