package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// refusal is a CONNACK's return code that is not 0 (MQTT 3.1.1 section 3.2.2.3).
type refusal byte

// Error is the code in words.
func (r refusal) Error() string {
	words := map[refusal]string{
		1: "it does not speak MQTT 3.1.1",
		2: "it does not take our client id",
		3: "its service is not available",
		4: "bad user name or password",
		5: "not authorised",
	}
	if w, ok := words[r]; ok {
		return "broker refused: " + w
	}
	return fmt.Sprintf("broker refused: code %d, which MQTT 3.1.1 does not know", byte(r))
}

// hint is what to do about a code.
func (r refusal) hint() string {
	switch r {
	case 1:
		return "the broker must accept MQTT 3.1.1; some accept only 5"
	case 2:
		return "give the gateway another name, or admit its client id at the broker"
	case 3:
		return "look at the broker's own log; the gateway tries again by itself"
	case 4, 5:
		return "compare the user name and the password file with the broker's accounts and rules"
	}
	return "look at the broker's own log"
}

// errMute says that the broker took a connection or a message and did not answer.
var errMute = errors.New("the broker does not answer")

// socketError is why a websocket did not open; paho hides what the server answered.
type socketError struct{ err error }

// Error is the reason.
func (s *socketError) Error() string { return s.err.Error() }

// Unwrap is the reason.
func (s *socketError) Unwrap() error { return s.err }

// hintFor is advice for an error of a connection, or nothing.
func hintFor(err error) string {
	var (
		code    refusal
		slow    net.Error
		socket  *socketError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		record  tls.RecordHeaderError
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &code):
		return code.hint()
	case errors.Is(err, errForeign):
		return "something else listens there, a web server perhaps: check the host, the port and the scheme of the url"
	case errors.As(err, &record):
		return "the broker does not speak TLS there: use its TLS port, or tcp and ws in the url"
	case errors.As(err, &unknown):
		return "name the file of the authority that signed the broker's certificate"
	case errors.As(err, &host):
		return "the broker's certificate is for another name: write that name in the url"
	case errors.As(err, &dns):
		return "the broker's name does not resolve here: check it, or write an address"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return "the gateway's user must be able to read the file"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: is the broker running, and is the port right"
	case errors.Is(err, errMute):
		return "something accepts and does not answer: the broker hangs, or expects TLS, or is no broker"
	case errors.As(err, &slow) && slow.Timeout():
		return "nothing answers there: a firewall may drop it on the way to the broker"
	case errors.As(err, &socket):
		return "no websocket opens there: check the path of the url, often /mqtt, and whether the port is the broker's"
	}
	return ""
}
