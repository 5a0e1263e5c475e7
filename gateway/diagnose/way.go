package diagnose

import (
	"net/netip"
	"time"

	"photongate/gateway"
)

// foldWay folds the way from an address to a connection.
func (s *Story) foldWay(e gateway.Event) {
	switch e.Kind {
	case gateway.Resolved:
		s.resolves(e)
	case gateway.ResolveFailed:
		s.resolveFails(e)
	case gateway.DNSRefused:
		s.join.refused = e.Name
		if s.join.refusedAt.IsZero() {
			s.join.refusedAt = e.Time
		}
	case gateway.Connecting:
		s.connecting(e)
	case gateway.Connected:
		s.connects(e)
	case gateway.ConnectFailed:
		s.connectFails(e)
	case gateway.InternetTest:
		// What the test says is no cause: a strict site fails it by design (photon.md 5.2).
		s.marks.test = e
	}
}

// resolves notes an answer to the cloud's name.
func (s *Story) resolves(e gateway.Event) {
	s.marks.resolved = e
	if e.Name != "" {
		s.cloud = e.Name
	}
	s.join.refused, s.join.refusedAt = "", time.Time{}
	s.passed(levelName)
	s.rise(gateway.StageResolved)
}

// resolveFails notes a name without an answer. Right after the Wi-Fi went it
// says nothing about DNS (photon.md 6.3, rule 3).
func (s *Story) resolveFails(e gateway.Event) {
	if e.Name != "" {
		s.cloud = e.Name
	}
	if s.loss.kind == lossLink && !s.loss.recovered && s.stage < gateway.StageLeased {
		return
	}
	s.fail(levelName, e, since(s.marks.connecting, e))
	if s.stage < gateway.StageConnected {
		s.reach(gateway.StageLeased)
	}
}

// connecting begins an attempt. At the relay it is also a new session.
func (s *Story) connecting(e gateway.Event) {
	s.marks.connecting = e
	if e.Session != 0 {
		s.opens(e)
		s.rise(gateway.StageResolved)
		return
	}
	if s.session.open {
		// The device dials anew without a word about its last session.
		s.ends(lossUnknown, e)
	}
	s.session = session{started: e.Time}
}

// connects notes a connection that stands.
func (s *Story) connects(e gateway.Event) {
	if e.Session != 0 && e.Session != s.session.id {
		s.opens(e)
	}
	if e.Peer.IsValid() || !s.session.open {
		if !s.session.open && e.Session == 0 {
			s.session = session{started: e.Time}
			s.sessions++
		}
		s.session.open = true
		s.session.peer, s.session.rtt = e.Peer, e.RTT
		s.session.advance(gateway.PhaseSilent, e.Time)
		s.marks.connected = e
	}
	if s.tried(e.Peer, e) {
		s.book.accept(e.Peer, e.Time)
	}
	s.passed(levelConnect)
	s.rise(gateway.StageConnected)
}

// connectFails notes a connection that did not come about.
func (s *Story) connectFails(e gateway.Event) {
	switch {
	case e.Session != 0 && e.Session != s.session.id:
		// Of a session that was replaced meanwhile.
		return
	case linkCode(e.Code):
		s.fail(levelJoin, e, 0)
		s.leave()
		return
	case !e.Peer.IsValid() && e.Witness == gateway.WitnessSerial && s.summarised(e):
		return
	}
	if a := s.marks.resolved; !e.Peer.IsValid() && e.Witness == gateway.WitnessSerial && a.Addr.IsValid() && a.Line > s.marks.connecting.Line {
		e.Peer = netip.AddrPortFrom(a.Addr, cloudPort)
	}
	if e.RTT == 0 {
		e.RTT = since(s.attempted(), e)
	}
	if s.tried(e.Peer, e) {
		s.book.note(e.Peer, e.Outcome, e.Time, 0)
	}
	s.fail(levelConnect, e, e.RTT)
	s.session.open = false
	s.session.failed = true
	s.reach(gateway.StageResolved)
}

// summarised tells whether a closing line without an address repeats what an
// earlier line said, or says that there was no address (photon.md 5.4).
func (s *Story) summarised(e gateway.Event) bool {
	begun := s.marks.connecting
	if s.session.failed || s.faults[levelName].event.Line > begun.Line {
		return true
	}
	if e.Code == codeDNS || e.Code == codeNetwork {
		s.resolveFails(e)
		return true
	}
	return false
}

// attempted is the event from which a connect counts: the answer to the name,
// where it belongs to this attempt.
func (s *Story) attempted() gateway.Event {
	begun := s.marks.connecting
	if !s.marks.resolved.Time.Before(begun.Time) {
		begun = s.marks.resolved
	}
	if f := &s.faults[levelName]; f.count > 0 && begun.Time.Before(f.at) {
		// Old firmware turns to a built-in address when the name does not resolve.
		begun = f.event
	}
	return begun
}

// since is how long after the event a the event b came, 0 where it cannot be told.
func since(a, b gateway.Event) time.Duration {
	if a.Kind == "" || a.Time.IsZero() || b.Time.Before(a.Time) {
		return 0
	}
	return b.Time.Sub(a.Time)
}
