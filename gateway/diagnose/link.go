package diagnose

import (
	"strings"
	"time"

	"photongate/gateway"
)

// foldLink folds what happens before a device can ask for a name.
func (s *Story) foldLink(e gateway.Event) {
	switch e.Kind {
	case gateway.Joining:
		s.joins(e)
	case gateway.Associated:
		s.associates(e)
	case gateway.AssocFailed:
		s.join.associated = false
		s.fail(levelJoin, e, 0)
		s.leave()
	case gateway.LinkLost:
		s.losesLink(e)
	case gateway.LeaseAsked:
		s.asks(e)
	case gateway.Leased:
		s.leases(e)
	case gateway.LeaseFailed:
		s.missesLease(e)
	case gateway.WLANReset:
		s.marks.reset = e
		s.leave()
	}
}

// joins begins an attempt, or names the network of the one begun.
func (s *Story) joins(e gateway.Event) {
	if e.Name != "" {
		s.join.named = true
	} else {
		s.join = joining{armed: true}
	}
	s.leave()
}

// associates notes a join that worked.
func (s *Story) associates(e gateway.Event) {
	s.join.associated = true
	s.join.listening = false
	s.join.brought = s.join.brought || strings.Contains(e.Text, "Bringing WiFi")
	s.marks.associated = e
	if s.faults[levelJoin].count > 0 {
		s.faults[levelJoin] = fault{}
	}
	s.rise(gateway.StageAssociated)
}

// asks notes a request for an address, which on a wired segment is also the
// first sign of a join.
func (s *Story) asks(e gateway.Event) {
	if s.join.asked == 0 {
		s.join.first = e.Time
	}
	if s.join.asked == 0 || e.Time.Sub(s.join.askedAt) > dhcpPatience {
		s.join.anew = e.Time
	}
	s.join.asked++
	s.join.askedAt = e.Time
	if s.stage < gateway.StageAssociated {
		s.associates(e)
	}
}

// leases notes an address. An open session lives on: a lease is renewed under it.
func (s *Story) leases(e gateway.Event) {
	s.leaseTook = s.leaseTime(e)
	s.marks.leased = e
	if e.Addr.IsValid() {
		s.addr = e.Addr
	}
	s.join = joining{named: s.join.named}
	s.passed(levelLease)
	s.rise(gateway.StageLeased)
}

// leaseTime is how long an address took: from the first request of those that
// led to it, where requests are seen, else from the join, where that was after
// the last address. 0: not known.
func (s *Story) leaseTime(e gateway.Event) time.Duration {
	switch {
	case s.join.asked > 0:
		return max(e.Time.Sub(s.join.anew), 0)
	case s.marks.leased.Kind != "" && !s.marks.associated.Time.After(s.marks.leased.Time):
		return 0
	}
	return since(s.marks.associated, e)
}

// missesLease tells a join that failed from an address that did not come.
func (s *Story) missesLease(e gateway.Event) {
	defer s.leave()
	if e.Witness == gateway.WitnessSerial && !s.join.associated && s.join.armed {
		s.fail(levelJoin, e, 0)
		return
	}
	f := s.fail(levelLease, e, since(s.marks.associated, e))
	// Firmware that arms watchdog 4 here names the network before it joins;
	// without a name it has not tried to join (photon.md 2.7).
	f.trap = e.Code == 4 && s.join.armed && s.join.brought && !s.join.named
}

// losesLink notes a link that went down.
func (s *Story) losesLink(e gateway.Event) {
	if s.session.open {
		s.ends(lossLink, e)
	}
	if s.join.armed && !s.join.associated {
		s.fail(levelJoin, e, 0)
	}
	s.join.associated = false
	s.leave()
}

// leave takes the device off the network: its session is over.
func (s *Story) leave() {
	s.session.open = false
	s.fall(gateway.StageSeen)
}

// foldLog looks for the few words of other lines that matter.
func (s *Story) foldLog(e gateway.Event) {
	// An application may write the same words.
	category := e.Text[max(strings.IndexByte(e.Text, '['), 0):]
	if !strings.HasPrefix(category, "[system") && !strings.HasPrefix(category, "[hal.wlan]") {
		return
	}
	switch {
	case strings.Contains(e.Text, listenEnter), strings.Contains(e.Text, listenTimer), strings.Contains(e.Text, cleared):
		s.join.listening = true
		s.marks.listening = e
	case strings.Contains(e.Text, listenExit), strings.Contains(e.Text, listenOver):
		s.join.listening = false
	case strings.Contains(e.Text, "Read Server Address") && e.Name != "":
		s.cloud = e.Name
	}
}
