package serve

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Advice is what to do about what commonly keeps a server from its socket.
type Advice struct {
	// Taken is for a port that another server has.
	Taken string
	// Rights is for binding without the capability.
	Rights string
}

// For is the advice for err, or nothing.
func (a Advice) For(err error) string {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return a.Taken
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return "no interface has the address: `ip address` lists those that are there; segment.address names ours"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return a.Rights + "; sending needs a firewall that lets it out"
	}
	return ""
}
