package diagnose

import (
	"net/netip"
	"time"

	"photongate/gateway"
)

// lossKind is why a complete session ended.
type lossKind uint8

// The kinds of loss.
const (
	lossNone lossKind = iota
	// lossUnknown: it is over, and nothing said why.
	lossUnknown
	// lossSilent: nothing came through any more.
	lossSilent
	// lossReset: a reset came.
	lossReset
	// lossClosed: the other side closed it.
	lossClosed
	// lossLink: the Wi-Fi went.
	lossLink
	// lossStarved: the device's own program kept it from the network.
	lossStarved
	// lossExhausted: the device ran out of memory or sockets.
	lossExhausted
	// lossDevice: the device closed it.
	lossDevice
	// lossLeft: neither side said anything any more, which a living device never does for long.
	lossLeft
)

// loss is how a session ended that had been complete.
type loss struct {
	kind lossKind
	peer netip.AddrPort
	// began is when it went wrong, at when the session was over.
	began, at time.Time
	// silence is how long nothing had been heard of the cloud, 0 where not known.
	silence time.Duration
	// life is how long the session stood.
	life time.Duration
	// event is what told of it; connected and heard came before it.
	event, connected, heard gateway.Event
	// record is the relay's account, where there is one.
	record *gateway.SessionRecord
	// recovered: the device got through again, as back tells.
	recovered bool
	back      gateway.Event
}

// ends notes the end of a session. The first line that gives a reason counts:
// what follows is the device clearing up.
func (s *Story) ends(k lossKind, e gateway.Event) {
	alive := s.session.open && s.session.phase >= gateway.PhaseEstablished
	late := !s.loss.recovered && s.loss.kind == lossUnknown && e.Session == 0 && !s.session.open
	if !alive && !late {
		return
	}
	if late && k == lossDevice {
		// The device clears up after a loss that a line before told of.
		return
	}
	if late {
		s.loss.kind, s.loss.event = k, e
		return
	}
	s.loss = loss{kind: k, peer: s.session.peer, began: e.Time, at: e.Time, event: e, connected: s.marks.connected, heard: s.marks.heard}
	if !s.session.stalled.IsZero() {
		s.loss.began = s.session.stalled
	}
	last := s.marks.heard
	if last.Time.Before(s.marks.up.Time) {
		last = s.marks.up
	}
	if last.Witness == gateway.WitnessSerial {
		s.loss.silence = since(last, e)
	}
	if !s.session.started.IsZero() {
		// A log may begin in the middle of a session.
		s.loss.life = e.Time.Sub(s.session.started)
	}
	s.marks.lost = e
	s.session.open = false
}

// closes folds the relay's account of a session that ended.
func (s *Story) closes(e gateway.Event) {
	r := e.Record
	if r == nil {
		r = &gateway.SessionRecord{ID: e.Session, Phase: s.session.phase}
	}
	current := e.Session == s.session.id
	switch {
	case r.How == gateway.EndShutdown || r.How == gateway.EndRemoved:
		// The gateway's own doing says nothing about the way.
	case r.Phase >= gateway.PhaseEstablished:
		s.endsRecorded(r, e, current)
	case current:
		s.breaksOff(r, e)
	}
	if current {
		s.hangsUp(s.afterClose())
	}
}

// afterClose is the stage to fall to: the name need not be asked for again
// while the answer is young.
func (s *Story) afterClose() gateway.Stage {
	if s.marks.resolved.Kind != "" && s.clock.Sub(s.marks.resolved.Time) < quiet {
		return gateway.StageResolved
	}
	return gateway.StageLeased
}

// endsRecorded notes the end of a complete session from the relay's account.
func (s *Story) endsRecorded(r *gateway.SessionRecord, e gateway.Event, current bool) {
	if !current && (s.loss.kind != lossUnknown || s.loss.recovered && s.session.open) {
		return
	}
	k := recordedLoss(r)
	if current && !s.session.stalled.IsZero() && k != lossReset {
		k = lossSilent
	}
	l := loss{kind: k, peer: r.Cloud, at: e.Time, began: e.Time, event: e, connected: s.marks.connected, record: r}
	if current && !l.peer.IsValid() {
		l.peer = s.session.peer
	}
	if !r.Started.IsZero() && !r.Ended.IsZero() {
		l.life = r.Ended.Sub(r.Started)
		if r.LastDown > 0 {
			l.silence = l.life - r.LastDown
			l.began = r.Started.Add(r.LastDown)
		}
	}
	if current && !s.session.stalled.IsZero() && s.session.stalled.Before(l.began) {
		l.began = s.session.stalled
	}
	if !current {
		l.recovered, l.back = s.loss.recovered, s.loss.back
	}
	s.loss = l
	s.marks.lost = e
}

// pingGrace and pingSilence tell a ping without an answer from a close at
// will: a device pings after 15 s of silence and gives up 10 s later
// (photon.md 4.1); a second less for the rounding of both ends.
// pingSpread is how much later a busy device may notice.
const (
	pingGrace   = 9 * time.Second
	pingSilence = 24 * time.Second
	pingSpread  = 3 * time.Second
)

// recordedLoss reads the reason from the relay's account.
func recordedLoss(r *gateway.SessionRecord) lossKind {
	life := r.Ended.Sub(r.Started)
	switch {
	case r.How == gateway.EndTimeout, r.How == gateway.EndUnreachable:
		return lossSilent
	case r.How == gateway.EndRST && r.ClosedBy != gateway.ByDevice && r.ClosedBy != gateway.ByGateway:
		return lossReset
	case r.Unacked > 0:
		return lossSilent
	case r.How == gateway.EndIdle:
		// A device that is there pings: silence of both is its own.
		return lossLeft
	case r.ClosedBy == gateway.ByDevice && r.LastUp > r.LastDown && life-r.LastUp >= pingGrace && life-r.LastDown >= pingSilence:
		return lossSilent
	case r.ClosedBy == gateway.ByCloud && r.LastUp > 0 && life-max(r.LastUp, r.LastDown) >= pingSilence:
		// A device that is there would have pinged: it was given up as gone.
		return lossLeft
	case r.ClosedBy == gateway.ByCloud:
		return lossClosed
	case r.ClosedBy == gateway.ByDevice, r.How == gateway.EndReplaced:
		return lossDevice
	}
	return lossUnknown
}

// breaksOff notes a session that ended before it was complete.
func (s *Story) breaksOff(r *gateway.SessionRecord, e gateway.Event) {
	if r.How == gateway.EndReplaced {
		return
	}
	if r.Phase == gateway.PhaseDialing || r.How == gateway.EndNoPath {
		if !s.session.failed {
			e.Outcome = gateway.Broken
			s.fail(levelConnect, e, r.Ended.Sub(r.Started))
		}
		return
	}
	f := s.fail(levelHandshake, e, r.Ended.Sub(r.Started)-r.Reached[r.Phase])
	f.phase, f.code = r.Phase, 0
}

// killed tells whether a complete session fell silent and an address that had
// answered is dropped since: what let the flow through has blocked it.
func (s *Story) killed() (gateway.Address, bool) {
	began := s.loss.began
	switch {
	case s.session.open && !s.session.stalled.IsZero() && s.session.phase >= gateway.PhaseEstablished:
		began = s.session.stalled
		return s.book.droppedSince(s.session.peer, began)
	case s.loss.recovered:
	case s.loss.kind == lossSilent, s.loss.kind == lossReset, s.loss.kind == lossUnknown:
		return s.book.droppedSince(s.loss.peer, began)
	}
	return gateway.Address{}, false
}
