package diagnose

import (
	"net/netip"
	"time"

	"photongate/gateway"
)

// level is a step at which an attempt can fail.
type level uint8

// The levels, in the order in which they are passed.
const (
	levelJoin level = iota
	levelLease
	levelName
	levelConnect
	levelHandshake
	levelCount
	levelNone = levelCount
)

// fault is what failed at one level.
type fault struct {
	// count is how often, at least a second apart; 0: nothing failed.
	count int
	// event is the most telling failure, at the latest, after how long.
	event gateway.Event
	at    time.Time
	after time.Duration
	// trap marks a join that never happened because the stored entry is skipped (photon.md 2.7).
	trap bool
	// phase and code are for the handshake.
	phase gateway.Phase
	code  int
	// told: the log tells at which step.
	told bool
}

// builtIn is the address to which firmware up to 0.6.0 turns when the name
// does not resolve (photon.md 5.1).
var builtIn = netip.AddrFrom4([4]byte{54, 208, 229, 4})

// again is how far apart two failures must be to count as two: the firmware
// writes some lines twice in the same millisecond.
const again = time.Second

// insist is how often an earlier level must have failed in a row before it
// outranks a later one that failed before: a device that restarts its Wi-Fi
// after failed connects may miss a join or two.
const insist = 3

// fail records a failure of a level.
func (s *Story) fail(l level, e gateway.Event, after time.Duration) *fault {
	f := &s.faults[l]
	if f.count == 0 || e.Time.Sub(f.at) >= again {
		f.count++
	}
	// A join result says more than the lines that follow it.
	if telling(e) || !telling(f.event) {
		f.event, f.after = e, after
	}
	f.at = e.Time
	return f
}

// telling tells whether an event is a join result (photon.md 5.4).
func telling(e gateway.Event) bool { return e.Kind == gateway.AssocFailed && e.Code != 0 }

// passed clears the failures of a level and those before it.
func (s *Story) passed(l level) {
	for i := range l + 1 {
		s.faults[i] = fault{}
	}
}

// reigning is the level whose failure decides, or levelNone.
func (s *Story) reigning() level {
	reign := levelNone
	for l := range levelCount {
		f := &s.faults[l]
		if f.count == 0 {
			continue
		}
		if reign != levelNone && s.faults[reign].count >= insist && s.faults[reign].at.After(f.at) {
			return reign
		}
		reign = l
	}
	if reign == levelConnect && s.faults[levelName].count > 0 && s.faults[reign].event.Peer.Addr() == builtIn {
		return levelName
	}
	return reign
}
