package photon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
)

// The firmware's source ports (photon.md 4.1): from a random start upwards.
const (
	firstPort = 4096
	lastPort  = 32767
	// portTries bounds the search for one that is free.
	portTries = 32
)

// ports draws source ports.
type ports struct{ next int }

// newPorts starts anywhere.
func newPorts() ports { return ports{next: firstPort + rand.IntN(lastPort-firstPort+1)} }

// draw is the next one.
func (p *ports) draw() int {
	v := p.next
	if p.next++; p.next > lastPort {
		p.next = firstPort
	}
	return v
}

// Dial implements Network.
func (w *wire) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var err error
	for range portTries {
		// The firmware sends no TCP keepalive; its own pings do.
		d := net.Dialer{LocalAddr: &net.TCPAddr{Port: w.ports.draw()}, KeepAlive: -1}
		var conn net.Conn
		if conn, err = d.DialContext(ctx, "tcp4", to.String()); err == nil {
			return conn, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			break
		}
	}
	return nil, fmt.Errorf("connect to %s: %w", to, err)
}
