package diagnose

import (
	"slices"
	"time"

	"photongate/gateway"
)

// egress is the way out, folded from what the egress and the relay emit.
type egress struct {
	book book
	// up and down are what the egress said last; neither before it said anything.
	up, down bool
	since    time.Time
	reason   string
	// unresolved is set while the cloud's name does not resolve upstream.
	unresolved gateway.Event
	// latest is the last probe, for evidence.
	latest gateway.Event
}

// apply folds one event; those of devices are none of its business.
func (x *egress) apply(e gateway.Event) {
	switch e.Kind {
	case gateway.EgressBook:
		x.book.replace(e.Book)
	case gateway.EgressProbe:
		x.book.note(e.Peer, e.Outcome, e.Time, e.RTT)
		x.latest = e
	case gateway.EgressUp:
		x.turn(true, e)
	case gateway.EgressDown:
		x.turn(false, e)
	case gateway.ResolverFailed:
		x.unresolved = e
	case gateway.ResolverOK:
		x.unresolved = gateway.Event{}
	}
}

// turn notes what the egress says of itself.
func (x *egress) turn(up bool, e gateway.Event) {
	if up && !x.up || !up && !x.down {
		x.since = e.Time
	}
	x.up, x.down, x.reason = up, !up, e.Text
	if up {
		x.reason = ""
	}
}

// status is the egress as a snapshot carries it.
func (x *egress) status() gateway.EgressStatus {
	return gateway.EgressStatus{Up: x.up, Since: x.since, Reason: x.reason, Addresses: slices.Clone(x.book.addrs)}
}

// nameless tells whether the name does not resolve and no address is known
// that could be tried without it.
func (x *egress) nameless() bool {
	if x.unresolved.Kind == "" {
		return false
	}
	return !slices.ContainsFunc(x.book.addrs, func(a gateway.Address) bool { return a.Addr.IsValid() })
}
