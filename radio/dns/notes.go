package dns

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/limit"
)

// subjects bounds how many devices, or names, are remembered for a pause, and
// with it how many events a device that asks for ever new names can cause.
const subjects = 256

// resolvedPause is how often one device's answers are told: a device asks at
// most three times in 15 s (photon.md 5.1), so nothing real is lost.
const resolvedPause = time.Second

// refusedPause is how often one refused name of a device is told.
const refusedPause = time.Minute

// refusal is what a DNSRefused event is about.
type refusal struct {
	mac  gateway.MAC
	name string
}

// notes counts and tells what the server did. It is shared by the UDP loop and
// the TCP connections.
type notes struct {
	who  func(netip.Addr) (gateway.MAC, bool)
	addr netip.Addr
	sink gateway.Sink

	answered, refused, malformed atomic.Uint64

	// mu guards the limiters.
	mu       sync.Mutex
	resolved *limit.Limiter[gateway.MAC]
	refusals *limit.Limiter[refusal]
	tests    *limit.Limiter[gateway.MAC]
}

// newNotes tells sink about devices that c knows.
func newNotes(c Config) *notes {
	return &notes{
		who:      c.Who,
		addr:     c.Answer,
		sink:     c.Emit,
		resolved: limit.New[gateway.MAC](resolvedPause, subjects),
		refusals: limit.New[refusal](refusedPause, subjects),
		tests:    limit.New[gateway.MAC](resolvedPause, subjects),
	}
}

// reply notes what became of a message from an address.
func (n *notes) reply(r reply, from netip.Addr, now time.Time) {
	switch r.result {
	case answered:
		n.answered.Add(1)
		if r.cloud && r.addressed {
			n.tellResolved(from, r.name, now)
		}
	case refused:
		n.refused.Add(1)
		n.tellRefused(from, r.name, now)
	default:
		n.malformed.Add(1)
	}
}

// tellResolved tells that a device learned the gateway's address for a cloud name.
func (n *notes) tellResolved(from netip.Addr, name string, now time.Time) {
	if m, ok := n.who(from); ok && allow(n, n.resolved, m, now) {
		n.emit(gateway.Event{Time: now, Kind: gateway.Resolved, MAC: m, Name: printable(name), Addr: n.addr})
	}
}

// tellRefused tells that a device asked for a name that is not served.
func (n *notes) tellRefused(from netip.Addr, name string, now time.Time) {
	if m, ok := n.who(from); ok && allow(n, n.refusals, refusal{mac: m, name: name}, now) {
		n.emit(gateway.Event{Time: now, Kind: gateway.DNSRefused, MAC: m, Name: printable(name)})
	}
}

// test tells that a device's internet test succeeded.
func (n *notes) test(from netip.Addr, now time.Time) {
	if m, ok := n.who(from); ok && allow(n, n.tests, m, now) {
		n.emit(gateway.Event{Time: now, Kind: gateway.InternetTest, MAC: m, OK: true})
	}
}

// allow asks a limiter of n.
func allow[K comparable](n *notes, l *limit.Limiter[K], k K, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.Allow(k, now)
}

// emit sends e as seen on the air.
func (n *notes) emit(e gateway.Event) {
	e.Witness = gateway.WitnessAir
	n.sink(e)
}
