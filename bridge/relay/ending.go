package relay

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/spark"
	"photongate/gateway"
)

const (
	// phaseLimit bounds each phase of the handshake. The device's own limit is
	// 20 s (photon.md 4.1): it shall give up first, so that its log tells why.
	phaseLimit = 25 * time.Second
	// idleLimit ends a session in which nothing crosses. A living one carries a
	// ping at least every 25 s (photon.md 4.1: use 60 s or more).
	idleLimit = 75 * time.Second
	// halfLimit is idleLimit for a session that one side has closed; firmware
	// from 0.7.0 drains for up to 5 s (photon.md 4.1).
	halfLimit = 15 * time.Second
	// stallAfter is how long bytes to the cloud may stay unacknowledged before
	// the path is suspected: the third retransmission of a first timeout of
	// 200 ms to 1 s has gone unanswered by then (RFC 6298 2.4, Linux TCP_RTO_MIN).
	stallAfter = 3 * time.Second
	// muteAfter is how long a cloud that accepted may say nothing before its
	// address is suspected; a real one opens within 200 ms (photon.md 4.1).
	muteAfter = 5 * time.Second
)

// limits are the times above, and tick, how often they are looked at. Tests
// shorten them.
type limits struct{ phase, idle, half, stall, mute, tick time.Duration }

// standard are the limits outside of tests.
func standard() limits {
	return limits{phase: phaseLimit, idle: idleLimit, half: halfLimit, stall: stallAfter, mute: muteAfter, tick: time.Second}
}

// noteFirst remembers which side closed first, which is who ended the session.
func (s *session) noteFirst(side spark.Side) {
	if s.first == 0 {
		s.first, s.closed = 1+side, time.Since(s.started)
	}
}

// fail ends the session because one side's socket failed.
func (s *session) fail(side spark.Side, err error) {
	by, how := gateway.ByDevice, gateway.EndRST
	if side == spark.Cloud {
		by = gateway.ByCloud
	}
	switch err {
	case unix.ETIMEDOUT:
		how = gateway.EndTimeout
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ENETDOWN, unix.EHOSTDOWN:
		how = gateway.EndUnreachable
	}
	if side == spark.Cloud && how != gateway.EndRST {
		by = gateway.ByNetwork
	}
	s.end(by, how, fmt.Sprintf("%s side: %v", side, err))
}

// end closes both sides and leaves the record. With no closer given it was an
// orderly close by both; otherwise the sides that still stand see a reset, so
// that nobody waits on half a session.
func (s *session) end(by gateway.Closer, how gateway.Ending, detail string) {
	if s.ended {
		return
	}
	s.ended = true
	if s.cancel != nil {
		s.cancel()
	}
	if by == "" || s.first != 0 && how == gateway.EndReplaced {
		// Who closed first ended it, and not the session that came after.
		by, how, detail = gateway.ByDevice, gateway.EndFIN, ""
		if s.first == 1+spark.Cloud {
			by = gateway.ByCloud
		}
	}
	if opening := s.tr.Opening(); s.phase == gateway.PhaseSilent {
		if who := spark.Impostor(opening[:]); who != "" {
			detail = "what answered is " + who
		}
	}
	rec := s.record()
	rec.Ended, rec.ClosedBy, rec.How, rec.Detail = time.Now(), by, how, detail
	if s.up.fd >= 0 {
		rec.Unacked, rec.Retransmits = uint32(unacked(s.up.fd)), retransmits(s.up.fd)
		s.shutDown(&s.up, how)
	}
	s.shutDown(&s.dev, how)
	delete(s.r.sessions, s.id)
	if s.r.byMAC[s.mac] == s {
		delete(s.r.byMAC, s.mac)
	}
	s.emit(gateway.Event{Kind: gateway.SessionClosed, Peer: s.cloud, Phase: s.phase, Record: &rec})
}

// shutDown closes one socket in the manner of the ending.
func (s *session) shutDown(h *half, how gateway.Ending) {
	s.r.cfg.Loop.Forget(h.fd)
	h.pending = nil
	switch how {
	case gateway.EndFIN, gateway.EndReplaced, gateway.EndShutdown, gateway.EndIdle:
		unix.Close(h.fd)
	default:
		reset(h.fd)
	}
}

// check applies the time limits; the relay calls it once a second.
func (s *session) check(now time.Time) {
	lim := &s.r.limits
	age := now.Sub(s.started)
	silent := age - max(s.lastUp, s.lastDown, s.reached[s.phase], s.closed)
	switch {
	case s.up.fd < 0: // Open has its own limit
	case s.first != 0 && silent > lim.half:
		s.end(gateway.ByGateway, gateway.EndIdle, fmt.Sprintf("one side closed, and nothing crossed for %s", lim.half))
	case s.phase < gateway.PhaseEstablished && !s.blind && age-s.reached[s.phase] > lim.phase:
		// Counted from the phase, not from the last byte, so that no trickle holds it open.
		s.end(gateway.ByGateway, gateway.EndDeadline, fmt.Sprintf("the handshake stayed in phase %s for %s", s.phase, lim.phase))
	case silent > lim.idle:
		s.end(gateway.ByGateway, gateway.EndIdle, fmt.Sprintf("nothing crossed for %s", lim.idle))
	default:
		s.checkMute(age)
		s.checkStall(age)
	}
}

// checkMute notices that the cloud, which speaks first, does not.
func (s *session) checkMute(age time.Duration) {
	if waited := age - s.reached[gateway.PhaseSilent]; s.phase == gateway.PhaseSilent && !s.mute && waited >= s.r.limits.mute {
		s.mute = true
		s.emit(gateway.Event{Kind: gateway.ConnectFailed, Peer: s.cloud, Outcome: gateway.Mute, RTT: waited,
			Text: fmt.Sprintf("%s accepted and then said nothing for %s", s.cloud, s.r.limits.mute)})
	}
}

// checkStall notices, long before TCP gives up, that what the device sends is
// not arriving.
func (s *session) checkStall(age time.Duration) {
	if s.stalled || s.lastUp <= s.lastDown || age-s.lastUp < s.r.limits.stall {
		return
	}
	if n := unacked(s.up.fd); n > 0 {
		s.stalled = true
		s.emit(gateway.Event{Kind: gateway.SessionStalled, Peer: s.cloud, Count: uint64(n), RTT: age - s.lastUp})
	}
}
