package health

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"photongate/gateway"
)

// DefaultPeriod is how often a part proves that it is alive, unless it
// declares another period. All parts of the daemon keep to it.
const DefaultPeriod = 30 * time.Second

// missed is how many periods a part may miss before it counts as hung:
// freshness ends after three intervals (users.md D, "online while dead").
const missed = 3

// maxParts bounds the parts that are tracked: several times what exists.
const maxParts = 32

// reasonStarting is why a part is not yet ok right after the start.
const reasonStarting = "starting"

// order is the order in which parts are listed: from the segment outward.
// A part that is not in it comes behind, by name.
var order = []gateway.Part{
	gateway.PartSegment, gateway.PartFirewall, gateway.PartDHCP, gateway.PartDNS, gateway.PartNTP,
	gateway.PartRelay, gateway.PartEgress, gateway.PartMQTT, gateway.PartStorage, gateway.PartCapture,
}

// Expected is a part that the gateway has, and what is expected of it.
type Expected struct {
	// Part is its name.
	Part gateway.Part
	// Period is the longest time between two proofs of life; 0 means DefaultPeriod.
	Period time.Duration
	// Off says why the part does not run, as in "mqtt.url is empty"; empty when it does.
	Off string
}

// Config is what a Tracker starts from.
type Config struct {
	// Now is when the gateway started.
	Now time.Time
	// Parts are those that the gateway has. A part that is not named here is
	// tracked from its first event on.
	Parts []Expected
	// Known are devices that were noticed before the gateway restarted, such as
	// those of restored alerts: they count as seen.
	Known []gateway.MAC
}

// Tracker folds events into the state of the gateway's parts, and names the
// conditions that hold.
type Tracker struct {
	// parts are the parts in the order of listing.
	parts []*part
	// known are the devices that count as seen.
	known map[gateway.MAC]bool
	// resolver says why the cloud's name does not resolve; empty when it does.
	resolver string
	// doubted are devices that told another id than the known one.
	doubted map[gateway.MAC]doubt
}

// doubt is a device's contradiction of what is known of it.
type doubt struct {
	known string
	told  gateway.DeviceID
	at    time.Time
}

// part is one part's expectation and state.
type part struct {
	Expected
	// now is the state by the last event.
	now gateway.PartStatus
	// heard is when the last event came, at first when the gateway started.
	heard time.Time
}

// New returns a Tracker in which every part that runs is starting.
func New(c Config) *Tracker {
	t := &Tracker{known: make(map[gateway.MAC]bool, len(c.Known)), doubted: map[gateway.MAC]doubt{}}
	for _, m := range c.Known {
		t.known[m] = true
	}
	for _, e := range c.Parts {
		t.add(e, c.Now)
	}
	return t
}

// add starts to track a part, keeping the order of listing.
func (t *Tracker) add(e Expected, now time.Time) *part {
	if e.Period <= 0 {
		e.Period = DefaultPeriod
	}
	p := &part{Expected: e, heard: now}
	p.now = gateway.PartStatus{Part: e.Part, Status: gateway.StatusDegraded, Since: now, Reason: reasonStarting}
	if e.Off != "" {
		p.now.Status, p.now.Reason = gateway.StatusOff, e.Off
	}
	t.parts = append(t.parts, p)
	slices.SortStableFunc(t.parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(place(a.Part), place(b.Part)), cmp.Compare(a.Part, b.Part))
	})
	return p
}

// place is a part's position in the order of listing.
func place(p gateway.Part) int {
	if i := slices.Index(order, p); i >= 0 {
		return i
	}
	return len(order)
}

// Apply folds one event in and tells whether it changed the status of a part.
// PartOK and PartFailed both prove that a part lives; ResolverFailed and
// ResolverOK and IdentityChanged are remembered for Findings; other kinds are ignored.
func (t *Tracker) Apply(ev gateway.Event) bool {
	switch ev.Kind {
	case gateway.PartOK:
		return t.set(ev, gateway.StatusOK)
	case gateway.PartFailed:
		return t.set(ev, gateway.StatusFailed)
	case gateway.ResolverFailed:
		t.resolver = cmp.Or(ev.Text, "no answer")
	case gateway.ResolverOK:
		t.resolver = ""
	case gateway.IdentityChanged:
		t.doubted[ev.MAC] = doubt{ev.Text, ev.ID, ev.Time}
	}
	return false
}

// set records what a part said of itself.
func (t *Tracker) set(ev gateway.Event, status gateway.Status) bool {
	if ev.Part == "" {
		return false
	}
	i := slices.IndexFunc(t.parts, func(p *part) bool { return p.Part == ev.Part })
	var p *part
	switch {
	case i >= 0:
		p = t.parts[i]
	case len(t.parts) < maxParts:
		p = t.add(Expected{Part: ev.Part}, ev.Time)
	default:
		return false
	}
	changed := p.now.Status != status
	if changed {
		p.now.Since = ev.Time
	}
	p.now.Status, p.now.Reason, p.now.Hint = status, ev.Text, ev.Hint
	if status == gateway.StatusOK {
		p.now.Reason, p.now.Hint = "", ""
	}
	// Events of several goroutines can arrive a little out of order.
	if ev.Time.After(p.heard) {
		p.heard = ev.Time
	}
	p.now.Seen = p.heard
	return changed
}

// Parts lists how every part is doing, in a fixed order: from the segment
// outward. A part that should be well but was not heard of for three of its
// periods is degraded since then; a failed part stays failed until it says
// otherwise.
func (t *Tracker) Parts(now time.Time) []gateway.PartStatus {
	out := make([]gateway.PartStatus, 0, len(t.parts))
	for _, p := range t.parts {
		out = append(out, p.at(now))
	}
	return out
}

// at is the part's state at now.
func (p *part) at(now time.Time) gateway.PartStatus {
	limit := missed * p.Period
	st := p.now
	quiet := st.Status == gateway.StatusOK || st.Status == gateway.StatusDegraded
	if quiet && now.Sub(p.heard) > limit {
		st.Status, st.Since = gateway.StatusDegraded, p.heard.Add(limit)
		// The limit and not the age: a reason that changes every second would
		// make a new document every second.
		st.Reason = fmt.Sprintf("no sign of life for %.0f s", limit.Seconds())
		st.Hint = ""
	}
	return st
}
