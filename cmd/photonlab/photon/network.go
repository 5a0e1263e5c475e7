package photon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"photongate/bridge/spark/sparktest"
)

// Network is what a Photon knows of the world. One goroutine calls it; contexts
// carry the firmware's limits.
type Network interface {
	// Up switches the radio on, and returns once the link stands.
	Up(ctx context.Context) error
	// Lost is closed when the link that Up brought is lost.
	Lost() <-chan struct{}
	// Lease gets an address by DHCP and uses it; hostName may be empty.
	Lease(ctx context.Context, hostName string) error
	// Resolve asks the leased servers for an address.
	Resolve(ctx context.Context, name string) (netip.Addr, error)
	// Dial connects by TCP.
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// Announce sends a datagram.
	Announce(ctx context.Context, to netip.AddrPort, b []byte) error
	// Down switches the radio off, and forgets the address. Nothing leaves afterwards.
	Down()
}

// The firmware's codes of a connect (photon.md 5.4).
const (
	// codeDNS: no socket was tried, because the name has no address.
	codeDNS = -1
	// codeConnectTimeout: nothing answered.
	codeConnectTimeout = -2
	// codeNoRoute: there is no way to the address.
	codeNoRoute = -14
)

// errLinkLost is why a context of the link ends.
var errLinkLost = errors.New("link lost")

// connectCode is the number that the firmware gives to a failed connect.
func connectCode(ctx context.Context, err error) int {
	var timeout net.Error
	switch {
	case errors.Is(context.Cause(ctx), errLinkLost):
		return sparktest.CodeNotUp
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout(), unheard(err):
		return codeConnectTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return sparktest.CodeReset
	case errors.Is(err, syscall.ENETUNREACH):
		return codeNoRoute
	}
	return sparktest.Code(err)
}

// unheard tells whether err is what Linux makes of an ICMP message or of a
// neighbour that does not answer. The firmware's stack hears neither, and goes
// on waiting. (An ICMP "port unreachable" cannot be told from a reset.)
func unheard(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EACCES) ||
		errors.Is(err, syscall.EHOSTDOWN) || errors.Is(err, syscall.ENOPROTOOPT)
}
