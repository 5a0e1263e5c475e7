package diagnose

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"photongate/gateway"
)

// Limits of what is remembered: the segment is open to anybody's frames.
const (
	// maxStrangers bounds the unlisted devices told of: a page of them is plenty.
	maxStrangers = 32
	// maxStories bounds all devices: a segment is a /24 unless configured otherwise.
	maxStories = 1024
	// strangerLife is how long an unlisted device is told of after its last sign.
	strangerLife = time.Hour
	// stallLife is how long bytes may count as stalled while the session lives
	// on: a device gives up after 25 s (photon.md 4.1).
	stallLife = 30 * time.Second
)

// Ladder keeps the stories of all devices of a running gateway, and what the
// way out looks like. It is no safer than a map for use by several goroutines.
type Ladder struct {
	stories map[gateway.MAC]*Story
	egress  egress
	// through is when a device last got through to its cloud.
	through time.Time
}

// New starts a ladder on which nobody was seen.
func New() *Ladder {
	return &Ladder{stories: make(map[gateway.MAC]*Story)}
}

// Apply folds one event.
func (l *Ladder) Apply(e gateway.Event) {
	l.egress.apply(e)
	switch e.Kind {
	case gateway.EgressUp:
		l.clear()
	case gateway.WhitelistChanged:
		if e.Text == "removed" {
			delete(l.stories, e.MAC)
		}
		return
	}
	if e.MAC.IsZero() || e.MAC.IsGroup() || selfKind(e.Kind) {
		return
	}
	s := l.story(e)
	was := s.online
	s.Apply(e)
	if s.online != was && e.Time.After(l.through) {
		l.through = e.Time
	}
}

// selfKind tells the events that are about the gateway and not a device.
func selfKind(k gateway.Kind) bool {
	switch k {
	case gateway.PartOK, gateway.PartFailed, gateway.WhitelistChanged, gateway.Dropped,
		gateway.EgressBook, gateway.EgressProbe, gateway.EgressUp, gateway.EgressDown,
		gateway.ResolverFailed, gateway.ResolverOK:
		return true
	}
	return false
}

// clear forgets failed connects when the way out works again.
func (l *Ladder) clear() {
	for _, s := range l.stories {
		s.faults[levelConnect] = fault{}
	}
}

// story returns the story of an event's device, a new one if need be.
func (l *Ladder) story(e gateway.Event) *Story {
	if s, ok := l.stories[e.MAC]; ok {
		return s
	}
	if e.Kind == gateway.Stranger {
		l.evict(maxStrangers-1, (*Story).strange)
	}
	l.evict(maxStories-1, func(*Story) bool { return true })
	s := &Story{book: &l.egress.book}
	l.stories[e.MAC] = s
	return s
}

// strange tells whether all that was seen of a device is that it is not listed.
func (s *Story) strange() bool {
	return s.marks.stranger.Kind != "" && s.stage <= gateway.StageSeen
}

// evict forgets those heard of longest ago until no more than n of a sort stay.
func (l *Ladder) evict(n int, of func(*Story) bool) {
	for {
		var old gateway.MAC
		count := 0
		for m, s := range l.stories {
			if !of(s) {
				continue
			}
			count++
			if o, ok := l.stories[old]; !ok || older(s, m, o, old) {
				old = m
			}
		}
		if count <= n {
			return
		}
		delete(l.stories, old)
	}
}

// older orders stories by their last sign, and by MAC where that is the same.
func older(a *Story, am gateway.MAC, b *Story, bm gateway.MAC) bool {
	if !a.seen.Equal(b.seen) {
		return a.seen.Before(b.seen)
	}
	return bytes.Compare(am[:], bm[:]) < 0
}

// Tick lets time pass: devices that are heard of no more fall back, and
// strangers are forgotten. Once in some seconds is enough.
func (l *Ladder) Tick(now time.Time) {
	for m, s := range l.stories {
		s.pass(now)
		if s.strange() && now.Sub(s.seen) > strangerLife {
			delete(l.stories, m)
		}
	}
}

// pass lets time pass for one device. One with an open session is there
// however silent it is: the relay watches the session.
func (s *Story) pass(now time.Time) {
	if s.session.open && !s.session.stalled.IsZero() && now.Sub(s.session.stalled) > stallLife {
		if _, dropped := s.killed(); !dropped {
			s.session.stalled = time.Time{}
		}
	}
	if s.session.open || s.stage <= gateway.StageSeen || now.Sub(s.seen) <= quiet {
		return
	}
	s.stage, s.since = gateway.StageSeen, now
	s.join = joining{}
}

// Devices lists every listed device, seen or not, in the order of their MACs,
// and behind them the strangers noticed within the last hour, latest first.
func (l *Ladder) Devices(inv gateway.Inventory, now time.Time) []gateway.DeviceStatus {
	l.Tick(now)
	path := l.down(now)
	var out []gateway.DeviceStatus
	for _, d := range inv.All() {
		out = append(out, l.status(d, true, path, now))
	}
	known := len(out)
	compare(out)
	for m := range l.stories {
		if _, listed := inv.ByMAC(m); !listed {
			out = append(out, l.status(gateway.Device{MAC: m}, false, path, now))
		}
	}
	strangers := out[known:]
	slices.SortFunc(strangers, func(a, b gateway.DeviceStatus) int {
		return cmp.Or(b.Seen.Compare(a.Seen), bytes.Compare(a.MAC[:], b.MAC[:]))
	})
	return out[:known+min(len(strangers), maxStrangers)]
}

// status is one device as it is now.
func (l *Ladder) status(d gateway.Device, listed bool, path *gateway.Verdict, now time.Time) gateway.DeviceStatus {
	s := l.stories[d.MAC]
	if s == nil {
		s = &Story{book: &l.egress.book}
	}
	if d.ID.IsZero() {
		d.ID = s.id
	}
	st := gateway.DeviceStatus{
		Device: d, Listed: listed, Stage: s.stage, Since: s.since, Seen: s.seen, Addr: s.addr,
		Session: s.session.record(d.MAC),
		Verdict: judge(view{Story: s, live: true, listed: listed, mac: d.MAC, now: now, path: path}),
	}
	if st.Stage == gateway.StageResolved && st.Verdict.Code == gateway.CodeNonceMissing {
		// What it gets is accepted each time; the fault is beyond.
		st.Stage = gateway.StageConnected
	}
	if s.sessions > 0 {
		st.Reconnects = s.sessions - 1
	}
	return st
}

// down is the verdict on the way out where that is down, nil otherwise.
func (l *Ladder) down(now time.Time) *gateway.Verdict {
	if !l.egress.down {
		return nil
	}
	v := l.Path(now)
	return &v
}

// Egress tells what is known of the way out. Via and Cloud are the
// configuration's, and left empty.
func (l *Ladder) Egress() gateway.EgressStatus {
	return l.egress.status()
}
