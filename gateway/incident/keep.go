package incident

import (
	"slices"

	"photongate/gateway"
)

const (
	// lastSessions is how many sessions of a device stay: the ladder lets an
	// earlier fault outrank a later one after three.
	lastSessions = 3
	// lastComplete is how many complete ones stay: the one that was lost, and
	// the one by which the device came back.
	lastComplete = 2
	// lastBroken is how many stay that failed within the handshake: such a fault
	// stands until a handshake completes, however many connects fail after it.
	lastBroken = 2
	// lastPeers bounds the addresses whose probes stay (maxBook).
	lastPeers = maxBook
)

// stay is how many of the latest events of a kind outside of sessions stay.
func stay(k gateway.Kind) int {
	switch k {
	case gateway.LeaseAsked, gateway.DNSRefused:
		// How long it has asked is what tells: the first few, and the latest.
		return early + 1
	case gateway.AssocFailed, gateway.LeaseFailed, gateway.ResolveFailed, gateway.SessionRefused, gateway.ConnectFailed, gateway.HandshakeFailed:
		return lastSessions
	}
	return 1
}

// sessionKey names a session of a device.
type sessionKey struct {
	mac gateway.MAC
	id  uint64
}

// keyOf is the session of an event.
func keyOf(ev gateway.Event) sessionKey { return sessionKey{ev.MAC, ev.Session} }

// keep finds the events that a verdict may need.
type keep struct {
	needed []bool
	// ends holds what came of each session.
	ends    map[sessionKey]end
	devices map[gateway.MAC]*tally
	// way counts what stays of the way out, peers the addresses told of.
	way   map[string]bool
	peers int
}

// tally counts, backwards, what stays of one device.
type tally struct {
	// removed: what is earlier was forgotten with the device.
	removed bool
	kinds   map[gateway.Kind]int
	// sessions are those met, true for those that stay.
	sessions              map[uint64]bool
	met, complete, broken int
}

// end is what came of a session: how far it got, and whether it was closed
// by anybody but its own device with a new one.
type end struct {
	phase  gateway.Phase
	closed bool
}

// after is the end as of one more event of the session.
func (e end) after(ev gateway.Event) end {
	e.phase = max(e.phase, ev.Phase)
	if r := ev.Record; r != nil {
		e.phase = max(e.phase, r.Phase)
		e.closed = r.How != gateway.EndReplaced
	}
	return e
}

// newKeep looks at a list.
func newKeep(evs []gateway.Event) *keep {
	k := &keep{needed: make([]bool, len(evs)), ends: map[sessionKey]end{},
		devices: map[gateway.MAC]*tally{}, way: map[string]bool{}}
	for _, ev := range evs {
		if ev.Session != 0 {
			k.ends[keyOf(ev)] = k.ends[keyOf(ev)].after(ev)
		}
	}
	for i, ev := range slices.Backward(evs) {
		k.needed[i] = k.needs(ev)
	}
	return k
}

// needs tells whether an event stays; it is asked from the latest to the first.
func (k *keep) needs(ev gateway.Event) bool {
	switch ev.Kind {
	case gateway.PartOK, gateway.Dropped, gateway.Stranger:
		return false
	case gateway.PartFailed:
		return k.once("part " + string(ev.Part))
	case gateway.ResolverOK, gateway.ResolverFailed:
		return k.once("resolver")
	case gateway.EgressBook, gateway.EgressUp, gateway.EgressDown:
		return k.once(string(ev.Kind))
	case gateway.EgressProbe:
		return k.probe(ev)
	}
	if ev.MAC.IsZero() || ev.MAC.IsGroup() {
		return false
	}
	return k.device(ev)
}

// once is true the first time.
func (k *keep) once(about string) bool {
	if k.way[about] {
		return false
	}
	k.way[about] = true
	return true
}

// probe keeps the latest attempt at an address, and the latest good one.
func (k *keep) probe(ev gateway.Event) bool {
	p := ev.Peer.String()
	if k.once("probe " + p) {
		k.peers++
		return k.peers <= lastPeers
	}
	good := ev.Outcome == gateway.Spoke || ev.Outcome == gateway.Accepted
	return good && k.peers <= lastPeers && k.once("good "+p)
}

// device keeps an event of a device.
func (k *keep) device(ev gateway.Event) bool {
	t := k.devices[ev.MAC]
	first := t == nil
	if first {
		t = &tally{kinds: map[gateway.Kind]int{}, sessions: map[uint64]bool{}}
		k.devices[ev.MAC] = t
	}
	if t.removed {
		return false
	}
	switch {
	case ev.Kind == gateway.WhitelistChanged:
		t.removed = ev.Text == "removed"
		return t.removed || first
	case ev.Session != 0:
		return t.session(ev.Session, k.ends[keyOf(ev)])
	}
	t.kinds[ev.Kind]++
	return t.kinds[ev.Kind] <= stay(ev.Kind)
}

// session keeps the latest sessions, as a whole.
func (t *tally) session(id uint64, e end) bool {
	if stays, met := t.sessions[id]; met {
		return stays
	}
	t.met++
	stays := t.met <= lastSessions
	switch {
	case e.phase >= gateway.PhaseEstablished:
		t.complete++
		stays = stays || t.complete <= lastComplete
	case e.phase > gateway.PhaseDialing && e.closed:
		t.broken++
		stays = stays || t.broken <= lastBroken
	}
	t.sessions[id] = stays
	return stays
}
