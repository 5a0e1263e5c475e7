package diagnose

import (
	"fmt"
	"net/netip"

	"photongate/gateway"
)

// allow is what to ask the network team for (users.md A3).
func allow(p netip.AddrPort, cloud string) string {
	if _, err := netip.ParseAddr(cloud); err == nil {
		return fmt.Sprintf("Ask the network team to allow outbound TCP %d to %s: the device is set to that address instead of a name.", port(p), cloud)
	}
	return fmt.Sprintf("Ask the network team to allow outbound TCP %d to %s, by name: its addresses change.", port(p), cloud)
}

// sayConnect speaks of a connection that does not come about.
func sayConnect(v view) gateway.Verdict {
	f := v.faults[levelConnect]
	d := gateway.Verdict{
		Outcome: gateway.ResultTCPTimeout, Hop: gateway.HopEgress, Code: gateway.CodeUndetermined,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageResolved,
		Evidence: proof(f.event, v.marks.resolved, v.marks.leased, v.marks.test, v.marks.reset),
		Next:     allow(f.event.Peer, v.cloudName()),
	}
	if f.event.Kind == gateway.SessionRefused {
		return refusedByRelay(d, f)
	}
	// The code of a device that has no route or no room speaks of the device.
	own := f.event.Witness == gateway.WitnessSerial && f.event.Outcome != gateway.TimedOut && f.event.Outcome != gateway.Refused
	if v.relayed(f.event.Peer, f.event.Witness) && !own {
		relayedConnect(f, &d)
		afterLoss(v, &d)
		return d
	}
	switch f.event.Outcome {
	case gateway.TimedOut:
		timedOut(v, f, &d)
	case gateway.Refused:
		d.Outcome, d.Code = gateway.ResultTCPRefused, gateway.CodeEgressReject
		d.Summary = fmt.Sprintf("%s is refused (%s): a firewall rejects it, or nothing listens there.", peerWords(f.event.Peer), reason(f.event))
	case gateway.Unreachable:
		d.Code = gateway.CodeEgressUnreachable
		d.Summary = fmt.Sprintf("%s cannot be reached: the network has no way there (%s).", peerWords(f.event.Peer), reason(f.event))
		if f.event.Witness == gateway.WitnessSerial {
			// The device itself has no route: what DHCP gave it has no router.
			d.Outcome, d.Code = gateway.ResultNoInternet, gateway.CodeNoRoute
			d.Next = "Check the router that DHCP hands out, and that it has a way to the internet."
		}
	case gateway.NotApproved:
		d.Code, d.Owner = gateway.CodeNotApproved, gateway.OwnerAdmin
		d.Summary = fmt.Sprintf("%s was not tried: the address is not among the approved ones.", peerWords(f.event.Peer))
		d.Next = fmt.Sprintf("Have %s approved by the network team, then add it to egress.approved.", f.event.Peer.Addr())
	case gateway.NoAddress:
		d.Outcome, d.Hop, d.Code, d.Stage = gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSBlocked, gateway.StageLeased
		d.Summary = fmt.Sprintf("The gateway knows no address of %s: its resolver gives none.", v.cloudName())
		d.Next = fmt.Sprintf("Ask the network team to let the gateway resolve %s.", v.cloudName())
	case gateway.Mute:
		muteWords(f, &d)
	default:
		if f.event.Witness == gateway.WitnessSerial && deviceCode(f.event.Code) {
			return exhausted(d, f)
		}
		d.Outcome, d.Confidence = gateway.ResultUndetermined, gateway.Low
		d.Summary = fmt.Sprintf("%s does not connect (%s).", peerWords(f.event.Peer), reason(f.event))
		d.Next = "Record a longer log, and try the same network with a computer: connect to that address and port."
	}
	afterLoss(v, &d)
	return d
}

// exhausted is the verdict on a device that cannot even try.
func exhausted(d gateway.Verdict, f fault) gateway.Verdict {
	d.Outcome, d.Hop, d.Owner, d.Confidence = gateway.ResultNotNetwork, gateway.HopNone, gateway.OwnerUser, gateway.Medium
	d.Code = gateway.CodeDeviceExhausted
	d.Summary = fmt.Sprintf("The device does not even try to connect (%s): its own program leaves it no room.", reason(f.event))
	d.Next = exhaustedNext
	return d
}

// exhaustedNext is what helps a device without memory or sockets.
const exhaustedNext = "Look in the device's program for connections that are not closed and for memory that is not freed."

// timedOut fills the verdict of an attempt without an answer.
func timedOut(v view, f fault, d *gateway.Verdict) {
	one := peerWords(f.event.Peer)
	good, ok := v.book.spoke()
	if !ok || good.Addr == f.event.Peer {
		d.Code = gateway.CodeEgressDropAll
		d.Summary = dropWords(one, v.book.last(gateway.TimedOut), noAnswer(f))
		return
	}
	d.Code = gateway.CodeEgressDropSome
	d.Summary = dropWords(one, nil, noAnswer(f)) +
		fmt.Sprintf(" Another address of the cloud, %s, answered: only some are let through.", good.Addr.Addr())
	if v.live {
		d.Evidence = append(d.Evidence, bookProof(good)...)
	}
}

// dropWords says that one address, or all of several, do not answer.
func dropWords(one string, as []gateway.Address, how string) string {
	if len(as) < 2 {
		return fmt.Sprintf("%s is dropped: it does not answer at all%s, which is what a firewall that drops does.", one, how)
	}
	return fmt.Sprintf("TCP %d to the cloud is dropped: none of its %d addresses (%s) answers at all%s, which is what a firewall that drops does.",
		port(as[0].Addr), len(as), list(as), how)
}

// noAnswer adds how long nothing answered, and the device's code.
func noAnswer(f fault) string {
	var how string
	if f.after > 0 {
		how = " in " + seconds(f.after)
	}
	return how + codeWord(f.event)
}

// codeWord adds the device's code, whose meaning the sentence tells.
func codeWord(e gateway.Event) string {
	if e.Witness != gateway.WitnessSerial || e.Code == 0 {
		return ""
	}
	return fmt.Sprintf(" (code %d)", e.Code)
}

// muteWords fills the verdict of a connection that was accepted without a word.
func muteWords(f fault, d *gateway.Verdict) {
	d.Outcome, d.Hop, d.Code, d.Stage = gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.StageConnected
	d.Summary = fmt.Sprintf("%s is accepted, and then nothing comes: the cloud speaks first, so something on the way accepts in its place.", peerWords(f.event.Peer))
	d.Next = bypass
}

// bypass is what to ask for where a device in the middle answers for the cloud.
const bypass = "Ask the network team to exempt TCP 5683 to the cloud from proxying, inspection and application detection: the protocol is not HTTP or TLS, and its server speaks first."

// refusedByRelay fills the verdict of a connection that the relay did not take.
func refusedByRelay(d gateway.Verdict, f fault) gateway.Verdict {
	d.Outcome, d.Hop, d.Owner = gateway.ResultTCPRefused, gateway.HopRelay, gateway.OwnerAdmin
	d.Code, d.Confidence = gateway.CodeRelayRefused, gateway.Medium
	d.Summary = fmt.Sprintf("The relay did not take the device's connection: %s.", shorten(f.event.Text, maxText))
	d.Next = "Look at the relay's limits and at the log for that moment."
	return d
}

// reason is the device's code in words, or the outcome.
func reason(e gateway.Event) string {
	switch {
	case e.Witness == gateway.WitnessSerial && e.Code != 0:
		return explain(e.Code)
	case e.Outcome == gateway.Broken && e.Text != "":
		return shorten(e.Text, maxText)
	case e.Record != nil && e.Record.Detail != "":
		return shorten(e.Record.Detail, maxText)
	}
	return string(e.Outcome)
}

// afterLoss turns the verdict on a failed connect into one on the whole story,
// where the device had been online before.
func afterLoss(v view, d *gateway.Verdict) {
	blocked := d.Outcome == gateway.ResultTCPTimeout || d.Outcome == gateway.ResultTCPRefused || d.Code == gateway.CodeRelayRefused
	if v.loss.kind == lossNone || v.loss.recovered || !blocked {
		return
	}
	d.Outcome = gateway.ResultLostBlocked
	d.Summary = "The device was online, lost its session and cannot come back. " + d.Summary
	d.Evidence = append(d.Evidence, proof(v.loss.event, v.loss.connected)...)
}

// sayKilled speaks of a flow that was let through and then blocked.
func sayKilled(v view) gateway.Verdict {
	a, _ := v.killed()
	f := v.faults[levelConnect]
	d := gateway.Verdict{
		Outcome: gateway.ResultLostBlocked, Hop: gateway.HopMiddlebox, Code: gateway.CodeFlowKilled,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageResolved,
		Next: fmt.Sprintf("Ask the network team for a permanent rule for outbound TCP %d to %s, by name, and for what their firewall or intrusion prevention logged when the session fell silent.",
			port(a.Addr), v.cloudName()),
		Fine: append(fine(v, gateway.StageResolved), keysFine),
	}
	if v.loss.kind == lossUnknown || v.loss.kind == lossReset {
		d.Confidence = gateway.Medium
	}
	d.Summary = fmt.Sprintf("A firewall let the session to %s through and then blocked it: %s. The same address, which had answered before, now drops every attempt%s.",
		a.Addr, silenceWords(v), afterWords(f))
	d.Evidence = proof(v.loss.event, f.event, v.loss.heard, v.loss.connected, v.marks.test, v.marks.reset)
	if v.live {
		d.Evidence = append(proof(v.session.stalledEvent, v.loss.event, f.event, v.marks.connected), bookProof(a)...)
	}
	return d
}

// silenceWords says how a session fell silent.
func silenceWords(v view) string {
	l := v.loss
	switch {
	case v.session.open && !v.session.stalled.IsZero():
		return fmt.Sprintf("%d bytes of the device's stay unacknowledged since %s", v.session.stuck, v.session.stalled.UTC().Format("15:04:05"))
	case l.kind == lossReset:
		return "a reset ended it"
	case l.silence >= pingSilence && l.silence <= pingSilence+pingSpread:
		return fmt.Sprintf("%s after the last message from the cloud the device gave up (it pings after 15 s of silence and waits 10 s: 25 s = 15 s + 10 s)", seconds(l.silence))
	case l.silence > 0 && v.live:
		return fmt.Sprintf("nothing came through any more for %s", seconds(l.silence))
	case l.silence > 0:
		return fmt.Sprintf("nothing came through for %s, and the device gave up", seconds(l.silence))
	case l.record != nil && l.record.Unacked > 0:
		return fmt.Sprintf("%d bytes of the device's stayed unacknowledged", l.record.Unacked)
	}
	return "nothing came through any more"
}

// afterWords adds how long a failed reconnect took.
func afterWords(f fault) string {
	if f.count == 0 || f.after <= 0 || f.event.Outcome != gateway.TimedOut {
		return ""
	}
	return fmt.Sprintf(" (nothing in %s)", seconds(f.after))
}
