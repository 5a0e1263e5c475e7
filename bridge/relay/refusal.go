package relay

import (
	"fmt"
	"net/netip"
	"time"

	"photongate/gateway"
)

// refusalsApart bounds the events about connections that were not taken: a
// storm of them is one fact with a count.
const refusalsApart = time.Second

// refusals collects connections that were not taken between two events.
type refusals struct {
	told  time.Time
	count uint64
	// last is the event about the latest one.
	last gateway.Event
}

// refuse resets a connection that is not taken, and says so.
func (r *Relay) refuse(fd int, peer netip.AddrPort, m gateway.MAC, reason string, why error) {
	reset(fd)
	now := time.Now()
	if r.refused.last.Name != reason || r.refused.last.MAC != m {
		r.refused.flush(r.cfg.Emit) // one event speaks of one device and one reason
	}
	r.refused.count++
	r.refused.last = gateway.Event{
		Time: now, Witness: gateway.WitnessRelay, Kind: gateway.SessionRefused,
		MAC: m, Peer: peer, Name: reason, Text: why.Error(), Count: r.refused.count,
	}
	r.refused.tell(now, r.cfg.Emit)
}

// tell emits what was collected, unless the last event was just now.
func (f *refusals) tell(now time.Time, emit gateway.Sink) {
	if f.count == 0 || now.Sub(f.told) < refusalsApart {
		return
	}
	f.flush(emit)
	f.told = now
}

// flush emits what was collected.
func (f *refusals) flush(emit gateway.Sink) {
	if f.count > 0 {
		emit(f.last)
		*f = refusals{told: f.told}
	}
}

// Reasons for not taking a connection: Name of gateway.SessionRefused.
const (
	// NotAdmitted: the address belongs to no listed device.
	NotAdmitted = "not_admitted"
	// Capacity: as many sessions are open as may be.
	Capacity = "capacity"
	// Failed: the connection could not be watched.
	Failed = "failed"
)

// errFull is why a connection beyond the limit is refused.
func (r *Relay) errFull() error {
	return fmt.Errorf("the limit of %d sessions is reached", r.cfg.Max)
}
