package diagnose

import (
	"bytes"
	"fmt"
	"time"

	"photongate/gateway"
)

// Path judges the way out as a whole, from all devices' sessions and the
// egress's probes. Its outcome is online where nothing is wrong, and
// intermittent where some addresses are dropped while another answers.
func (l *Ladder) Path(now time.Time) gateway.Verdict {
	d := l.pathVerdict(now)
	if d.Evidence == nil {
		d.Evidence = []gateway.Evidence{}
	}
	if d.Fine == nil {
		d.Fine = []string{}
	}
	d.Evidence = d.Evidence[:min(len(d.Evidence), maxEvidence)]
	return d
}

// pathVerdict is the ordered list of what can be wrong with the way out.
func (l *Ladder) pathVerdict(now time.Time) gateway.Verdict {
	x := &l.egress
	if m, s := l.victim(); s != nil {
		d := judgeKilled(s, m, now)
		d.Summary = fmt.Sprintf("%s (seen on %s)", d.Summary, m)
		return d
	}
	if x.nameless() {
		return x.saysNameless()
	}
	dropped := x.book.last(gateway.TimedOut)
	good := x.book.last(gateway.Spoke, gateway.Accepted)
	switch {
	case len(good) > 0 && len(dropped) > 0:
		return x.saysSome(good, dropped)
	case len(good) > 0 && !x.down, x.up && len(dropped) == 0:
		return gateway.Verdict{
			Outcome: gateway.ResultOnline, Code: gateway.CodeOK, Confidence: gateway.High, Stage: gateway.StageOnline,
			Summary: "The way out works.", Evidence: bookProof(good...), Next: "Nothing to do.",
		}
	case len(dropped) > 0 && x.down:
		// Before the egress gives up, others may still answer.
		return x.saysDropped(dropped)
	case !x.down && x.book.untried():
		return x.saysUntried()
	}
	return x.saysRefused()
}

// victim finds the device whose flow was killed last, unless a device got
// through after that.
func (l *Ladder) victim() (gateway.MAC, *Story) {
	var mac gateway.MAC
	var found *Story
	for m, s := range l.stories {
		if _, ok := s.killed(); !ok || s.killedAt().Before(l.through) {
			continue
		}
		if found == nil || s.killedAt().After(found.killedAt()) ||
			s.killedAt().Equal(found.killedAt()) && bytes.Compare(m[:], mac[:]) < 0 {
			mac, found = m, s
		}
	}
	return mac, found
}

// killedAt is when a killed flow fell silent.
func (s *Story) killedAt() time.Time {
	if s.session.open && !s.session.stalled.IsZero() {
		return s.session.stalled
	}
	return s.loss.at
}

// judgeKilled is the verdict on one killed flow.
func judgeKilled(s *Story, m gateway.MAC, now time.Time) gateway.Verdict {
	v := view{Story: s, live: true, listed: true, mac: m, now: now, level: s.reigning()}
	return complete(v, sayKilled(v))
}

// pathFine is what works whenever the gateway itself tries an address.
func pathFine() []string { return []string{"the segment's Wi-Fi and DHCP", "DNS"} }

// saysNameless: the name does not resolve, and no address is left to try.
func (x *egress) saysNameless() gateway.Verdict {
	name := x.unresolved.Name
	if name == "" {
		name = defaultCloud
	}
	return gateway.Verdict{
		Outcome: gateway.ResultDNSFailed, Hop: gateway.HopDNS, Code: gateway.CodeDNSBlocked,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageLeased,
		Summary:  fmt.Sprintf("The gateway's resolver gives no address for %s, and none is known from before.", name),
		Evidence: []gateway.Evidence{{Witness: gateway.WitnessEgress, Time: x.unresolved.Time, Text: shorten("resolver: "+x.unresolved.Text, maxText)}},
		Fine:     pathFine()[:1],
		Next:     fmt.Sprintf("Ask the network team to let the gateway resolve %s.", name),
	}
}

// saysSome: some addresses are dropped while another answers.
func (x *egress) saysSome(good, dropped []gateway.Address) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultIntermittent, Hop: gateway.HopEgress, Code: gateway.CodeEgressDropSome,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageOnline,
		Summary: fmt.Sprintf("%d of the cloud's addresses (%s) are dropped, while %s answers: a rule names addresses, and the cloud's change.",
			len(dropped), list(dropped), good[0].Addr.Addr()),
		Evidence: append(bookProof(dropped...), bookProof(good[0])...),
		Fine:     pathFine(),
		Next:     allow(dropped[0].Addr, defaultCloud),
	}
}

// saysDropped: every address that was tried is dropped.
func (x *egress) saysDropped(dropped []gateway.Address) gateway.Verdict {
	p := dropped[0].Addr
	return gateway.Verdict{
		Outcome: gateway.ResultTCPTimeout, Hop: gateway.HopEgress, Code: gateway.CodeEgressDropAll,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageResolved,
		Summary:  dropWords(peerWords(p), dropped, ""),
		Evidence: bookProof(dropped...), Fine: pathFine(), Next: allow(p, defaultCloud),
	}
}

// saysRefused: no address is dropped and none answers, or nothing is known.
func (x *egress) saysRefused() gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Hop: gateway.HopEgress, Code: gateway.CodeUndetermined,
		Owner: gateway.OwnerAdmin, Confidence: gateway.Low, Stage: gateway.StageResolved,
		Summary: "The way out does not work.", Fine: pathFine(), Next: "Look at the egress's log.",
	}
	if x.reason != "" {
		d.Summary = fmt.Sprintf("The way out does not work: %s.", shorten(x.reason, maxText))
	}
	if !x.down {
		d = x.saysUntried()
	}
	for _, o := range []gateway.Outcome{gateway.Refused, gateway.Unreachable, gateway.Mute, gateway.NotApproved, gateway.NoAddress} {
		if as := x.book.last(o); len(as) > 0 {
			x.saysEach(&d, o, as)
			return d
		}
	}
	return d
}

// saysUntried: nothing can be said before all addresses were tried.
func (x *egress) saysUntried() gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Code: gateway.CodeUndetermined, Confidence: gateway.Low, Stage: gateway.StageResolved,
		Summary: "The way out was not tried yet.", Next: "Wait for the first probe.",
	}
	if as := x.book.tried(); len(as) > 0 {
		d.Summary = fmt.Sprintf("%d of the cloud's %d addresses were tried so far, and none of them works.", len(as), len(x.book.addrs))
		d.Evidence, d.Next = bookProof(as...), "Wait until the others were tried."
	}
	return d
}

// saysEach fills the verdict on addresses that all ended in the same way.
func (x *egress) saysEach(d *gateway.Verdict, o gateway.Outcome, as []gateway.Address) {
	p := as[0].Addr
	d.Evidence, d.Owner, d.Confidence = bookProof(as...), gateway.OwnerNetwork, gateway.High
	d.Hop, d.Next, d.Outcome = gateway.HopEgress, allow(p, defaultCloud), gateway.ResultTCPTimeout
	if d.Fine == nil {
		d.Fine = pathFine()
	}
	switch o {
	case gateway.Refused:
		d.Outcome, d.Code = gateway.ResultTCPRefused, gateway.CodeEgressReject
		d.Summary = fmt.Sprintf("TCP %d to the cloud (%s) is refused: a firewall rejects it.", port(p), list(as))
	case gateway.Unreachable:
		d.Code = gateway.CodeEgressUnreachable
		d.Summary = fmt.Sprintf("The cloud (%s) cannot be reached: a router on the way says that there is none.", list(as))
	case gateway.Mute:
		muteWords(fault{event: gateway.Event{Peer: p}}, d)
		if len(as) > 1 {
			d.Summary = fmt.Sprintf("%s accept and then say nothing: the cloud speaks first, so something on the way accepts in its place.", x.counted(as))
		}
	case gateway.NotApproved:
		d.Code, d.Owner = gateway.CodeNotApproved, gateway.OwnerAdmin
		d.Summary = fmt.Sprintf("The cloud's addresses (%s) are not among the approved ones, so they are not tried.", list(as))
		d.Next = fmt.Sprintf("Have %s approved by the network team, then add what they approve to egress.approved.", p.Addr())
	case gateway.NoAddress:
		d.Outcome, d.Hop, d.Code = gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSBlocked
		d.Summary = "No address of the cloud is known."
	}
}

// counted says how many of the addresses that were tried are meant.
func (x *egress) counted(as []gateway.Address) string {
	if len(as) == len(x.book.tried()) {
		return fmt.Sprintf("All %d addresses of the cloud", len(as))
	}
	return fmt.Sprintf("%d of the cloud's addresses (%s)", len(as), list(as))
}
