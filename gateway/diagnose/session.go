package diagnose

import (
	"net/netip"
	"strings"
	"time"

	"photongate/gateway"
)

// session is one connection to the cloud as the story sees it.
type session struct {
	id   uint64
	open bool
	// failed: the connect failed, and a line said so.
	failed  bool
	peer    netip.AddrPort
	started time.Time
	rtt     time.Duration
	phase   gateway.Phase
	// reached is when each phase was, phaseAt when the present one.
	reached [gateway.Phases]time.Time
	phaseAt time.Time
	// told: the device's log tells the steps of its handshakes.
	told bool
	// stalled is when bytes towards the cloud stopped to be acknowledged; stuck how many.
	stalled time.Time
	stuck   uint64
	// stalledEvent is what told so.
	stalledEvent gateway.Event
}

// advance notes a phase; a phase is never left backwards.
func (x *session) advance(p gateway.Phase, at time.Time) {
	if p < x.phase || int(p) >= gateway.Phases || p == x.phase && !x.phaseAt.IsZero() {
		return
	}
	x.phase, x.phaseAt = p, at
	x.reached[p] = at
}

// record is the session in the form that snapshots carry.
func (x *session) record(m gateway.MAC) *gateway.SessionRecord {
	if !x.open {
		return nil
	}
	r := &gateway.SessionRecord{ID: x.id, MAC: m, Cloud: x.peer, Started: x.started, Phase: x.phase, PathRTT: x.rtt}
	for i, t := range x.reached {
		if !t.IsZero() {
			r.Reached[i] = t.Sub(x.started)
		}
	}
	return r
}

// foldSession folds the life of a connection.
func (s *Story) foldSession(e gateway.Event) {
	switch e.Kind {
	case gateway.Phased:
		s.phases(e)
	case gateway.Handshaken:
		s.session.open = true
		s.phases(gateway.Event{Kind: e.Kind, Time: e.Time, Witness: e.Witness, Line: e.Line, Text: e.Text, Phase: gateway.PhaseEstablished})
	case gateway.CloudUp:
		s.gotThrough(e)
	case gateway.Heard:
		s.marks.heard = e
		s.gotThrough(e)
	case gateway.HandshakeFailed:
		s.handshakeFails(e)
	case gateway.PingLost:
		s.implies(e)
		s.ends(lossSilent, e)
		s.hangsUp(gateway.StageLeased)
	case gateway.SessionLost:
		s.loses(e)
	case gateway.SessionStalled:
		if e.Session == s.session.id && s.session.open && s.session.stalled.IsZero() {
			s.session.stalled = e.Time.Add(-e.RTT)
			s.session.stuck, s.session.stalledEvent = e.Count, e
		}
	case gateway.SessionClosed:
		s.closes(e)
	case gateway.SessionRefused:
		s.fail(levelConnect, e, 0)
	}
}

// opens begins a session of the relay's. One that is still open then was left
// by the device; its own close, when it comes, has another number.
func (s *Story) opens(e gateway.Event) {
	if s.session.open && s.session.phase >= gateway.PhaseEstablished && s.session.id != e.Session {
		kind := lossUnknown
		if !s.session.stalled.IsZero() {
			kind = lossSilent
		}
		s.ends(kind, e)
	}
	s.sessions++
	s.session = session{id: e.Session, open: true, peer: e.Peer, started: e.Time, phaseAt: e.Time}
	s.fall(gateway.StageResolved)
}

// phases notes progress of the handshake.
func (s *Story) phases(e gateway.Event) {
	if e.Session != s.session.id {
		return
	}
	if !s.session.open {
		// A log may begin in the middle of a handshake.
		s.session.open = true
	}
	if e.Peer.IsValid() {
		s.session.peer = e.Peer
	}
	if strings.Contains(e.Text, "eceive nonce") {
		s.session.told = true
	}
	was := s.session.phase
	s.session.advance(e.Phase, e.Time)
	if was < gateway.PhaseNonce && e.Phase >= gateway.PhaseNonce && s.tried(s.session.peer, e) {
		s.book.note(s.session.peer, gateway.Spoke, e.Time, 0)
	}
	s.passed(levelConnect)
	switch {
	case e.Phase >= gateway.PhaseTalking:
		s.gotThrough(e)
	case e.Phase >= gateway.PhaseEstablished:
		s.passed(levelHandshake)
		s.rise(gateway.StageHandshaken)
	case e.Phase >= gateway.PhaseSilent:
		s.rise(gateway.StageConnected)
	}
}

// gotThrough notes that the device is through to its cloud. It ends every
// fault, and a loss before it is made good.
func (s *Story) gotThrough(e gateway.Event) {
	if s.stage < gateway.StageOnline {
		s.online++
		s.marks.up = e
	}
	s.session.open = true
	s.session.advance(gateway.PhaseTalking, e.Time)
	s.passed(levelHandshake)
	s.join = joining{named: s.join.named}
	if s.loss.kind != lossNone && !s.loss.recovered {
		s.loss.recovered, s.loss.back = true, e
		if s.loss.kind != lossDevice {
			s.losses++
		}
	}
	s.reach(gateway.StageOnline)
}

// handshakeFails notes that the device gave up in the handshake. Several lines
// tell of one failure: the first has the phase, one of them the code.
func (s *Story) handshakeFails(e gateway.Event) {
	defer s.hangsUp(gateway.StageResolved)
	if linkCode(e.Code) {
		s.fail(levelJoin, e, 0)
		return
	}
	phase := max(e.Phase, s.session.phase)
	if e.Phase != 0 {
		phase = e.Phase
	}
	f := &s.faults[levelHandshake]
	if s.session.failed && f.count > 0 {
		if keyCode(e.Code) || f.code == 0 {
			f.code = e.Code
		}
		f.phase, f.told = max(f.phase, phase), f.told || e.Phase != 0
		return
	}
	after := time.Duration(0)
	if !s.session.phaseAt.IsZero() {
		after = e.Time.Sub(s.session.phaseAt)
	}
	if !e.Peer.IsValid() {
		e.Peer = s.session.peer
	}
	f = s.fail(levelHandshake, e, after)
	f.phase, f.code, f.told = phase, e.Code, s.session.told || e.Phase != 0
	s.session.failed = true
}

// loses notes that the device lost its session, and why where the line says so.
func (s *Story) loses(e gateway.Event) {
	if !s.session.told && looped(e.Text) {
		s.implies(e)
	}
	if s.session.open && s.session.phase < gateway.PhaseEstablished && s.session.phase > gateway.PhaseDialing {
		// A transport error within the handshake; the line that names the phase follows.
		return
	}
	s.ends(lossOf(e), e)
	if s.loss.kind == lossLink {
		s.leave()
		return
	}
	s.hangsUp(gateway.StageLeased)
}

// implies completes a session by what its end says: a log that leaves out all
// but errors does not tell that it began.
func (s *Story) implies(e gateway.Event) {
	if e.Witness != gateway.WitnessSerial || s.session.phase >= gateway.PhaseEstablished || s.loss.kind != lossNone && !s.loss.recovered {
		return
	}
	s.session.open = true
	s.session.advance(gateway.PhaseEstablished, e.Time)
	s.passed(levelHandshake)
}

// looped tells whether a line is of the loop that runs in complete sessions only.
func looped(text string) bool {
	for _, w := range [...]string{"Communication loop error", "bytes recieved error", "Event loop error", starved} {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// hangsUp closes the session; the address stays.
func (s *Story) hangsUp(to gateway.Stage) {
	s.session.open = false
	s.fall(to)
}

// lossOf reads the reason from a device's line.
func lossOf(e gateway.Event) lossKind {
	switch {
	case linkCode(e.Code):
		return lossLink
	case deviceCode(e.Code):
		return lossExhausted
	case e.Code == codeReset:
		return lossReset
	case e.Code == codeClosed, e.Code == codeEnded:
		return lossClosed
	case e.Code == codeAborted, e.Code == codeTimeout:
		return lossSilent
	case strings.Contains(e.Text, starved):
		return lossStarved
	case strings.Contains(e.Text, "Cloud: disconnected"):
		return lossDevice
	}
	return lossUnknown
}
