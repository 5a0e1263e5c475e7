package diagnose

import (
	"fmt"
	"time"

	"photongate/gateway"
)

// sayHandshake speaks of a handshake that failed.
func sayHandshake(v view) gateway.Verdict {
	f := v.faults[levelHandshake]
	d := gateway.Verdict{
		Outcome: gateway.ResultHandshakeFailed, Hop: gateway.HopHandshake, Code: gateway.CodeHandshakeIncomplete,
		Owner: gateway.OwnerUser, Confidence: gateway.Medium, Stage: gateway.StageConnected,
		Evidence: proof(f.event, v.marks.connected, v.marks.resolved),
	}
	switch {
	case relayedHandshake(v, f, &d):
		afterLoss(v, &d)
	case f.event.Witness == gateway.WitnessSerial && deviceCode(f.code):
		return exhausted(d, f)
	case f.event.Record != nil:
		recordedHandshake(v, f, &d)
	default:
		toldHandshake(f, &d)
	}
	return d
}

// keyNext is what helps against keys that do not fit.
const keyNext = "Repair the keys over USB: particle keys doctor for the device's key, particle keys server for the cloud's. The network is not the problem."

// wrongServerKey fills the verdict of a cloud that the device does not accept.
func wrongServerKey(d *gateway.Verdict) {
	d.Outcome, d.Code, d.Confidence = gateway.ResultKeyMismatch, gateway.CodeServerKeyWrong, gateway.High
	d.Summary = "The device does not accept the cloud's answer: its own key or the cloud's key stored on it does not fit."
	d.Next = keyNext
}

// rejectedKey fills the verdict of a device that the cloud does not accept.
func rejectedKey(d *gateway.Verdict) {
	d.Outcome, d.Code, d.Confidence = gateway.ResultKeyMismatch, gateway.CodeKeyRejected, gateway.High
	d.Summary = "The cloud hung up after the device's 256 bytes: the cloud's key stored on the device is wrong, or the cloud knows another key of this device."
	d.Next = keyNext
}

// nonceMissing fills the verdict of a connection on which the cloud never spoke.
func nonceMissing(d *gateway.Verdict, how string) {
	d.Hop, d.Code, d.Owner = gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.OwnerNetwork
	d.Summary = fmt.Sprintf("The connection is accepted, and the cloud's first 40 bytes never come (%s): a proxy or inspection on the way accepts in the cloud's place.", how)
	d.Next = bypass
}

// gaveUp says that the device did, after how long and why where that is known.
func gaveUp(after time.Duration, why string) string {
	s := "the device gave up"
	if after > 0 {
		s += " after " + seconds(after)
	}
	if why != "" {
		s += ", " + why
	}
	return s
}

// hungUp says that the other side did.
func hungUp(after time.Duration, why string) string {
	if after <= 0 {
		return why
	}
	return fmt.Sprintf("the other side hung up after %s, %s", seconds(after), why)
}

// endWords says how a connection ended on which the cloud never spoke.
func endWords(r *gateway.SessionRecord, after time.Duration) string {
	switch {
	case r.ClosedBy == gateway.ByDevice:
		return gaveUp(after, "")
	case r.How == gateway.EndFIN:
		return "it was closed after " + seconds(after)
	case r.How == gateway.EndRST:
		return "it was reset after " + seconds(after)
	}
	return "nothing in " + seconds(after)
}

// toldHandshake judges what the device itself says.
func toldHandshake(f fault, d *gateway.Verdict) {
	switch {
	case keyCode(f.code), f.phase == gateway.PhaseCloudKey && !closedCode(f.code) && f.event.Code == 0:
		wrongServerKey(d)
		d.Summary += fmt.Sprintf(" (%s)", explain(f.code))
	case f.phase <= gateway.PhaseSilent && !f.told && f.code != codeNonce:
		d.Confidence = gateway.Low
		d.Summary = fmt.Sprintf("The handshake with the cloud fails (%s), and the log does not tell at which step.", explain(f.code))
		d.Next = "Try the device on another network: if it fails there too, repair its keys; else the first network interferes."
	case f.phase <= gateway.PhaseSilent:
		if closedCode(f.code) {
			nonceMissing(d, hungUp(f.after, explain(f.code)))
			return
		}
		nonceMissing(d, gaveUp(f.after, explain(f.code)))
		d.Confidence = gateway.High
	case f.phase == gateway.PhaseDeviceKey && (closedCode(f.code) || f.after > 0 && f.after < stuckAfter):
		rejectedKey(d)
	case f.phase == gateway.PhaseDeviceKey && f.after > 0:
		d.Hop, d.Owner = gateway.HopMiddlebox, gateway.OwnerNetwork
		d.Summary = fmt.Sprintf("The cloud's first bytes come, and after the device's 256 bytes nothing for %s: something on the way holds the first data, or the cloud is stuck.", seconds(f.after))
		d.Next = bypass
	case f.phase == gateway.PhaseHello:
		d.Code, d.Owner = gateway.CodeHandshakeSlow, gateway.OwnerNetwork
		d.Summary = fmt.Sprintf("The keys are exchanged, and the cloud's HELLO does not come in time (%s): the way is too slow or loses packets.", explain(f.code))
		d.Next = "Measure the round trip to the cloud; above 750 ms a device seldom gets through."
	default:
		d.Confidence = gateway.Low
		d.Summary = fmt.Sprintf("The handshake with the cloud ends in phase %s (%s).", f.phase, explain(f.code))
		d.Next = "Try the device on another network: if it fails there too, repair its keys; else the first network interferes."
	}
}

// recordedHandshake judges the account of the relay or of a capture.
func recordedHandshake(v view, f fault, d *gateway.Verdict) {
	r := f.event.Record
	reset := r.How == gateway.EndRST && (r.ClosedBy == gateway.ByCloud || r.ClosedBy == gateway.ByNetwork)
	switch {
	case r.How == gateway.EndNotSpark:
		notSpark(r, d)
	case r.Phase <= gateway.PhaseSilent && (r.ClosedBy != gateway.ByDevice || f.after >= stuckAfter):
		nonceMissing(d, endWords(r, f.after))
		// A device that gives up closes in order; so does a cloud that is not well.
		if r.How != gateway.EndFIN || r.ClosedBy == gateway.ByDevice && v.book.mute() {
			d.Confidence = gateway.High
		}
	case r.Phase == gateway.PhaseDeviceKey && r.ClosedBy == gateway.ByCloud && r.How == gateway.EndFIN:
		rejectedKey(d)
	case reset && f.event.Witness == gateway.WitnessCapture && !injected(r):
		d.Hop, d.Code, d.Owner = gateway.HopCloud, gateway.CodeCloudClosed, gateway.OwnerVendor
		d.Summary = fmt.Sprintf("The cloud reset the handshake in phase %s: the reset took as many hops as its other packets.", r.Phase)
		d.Next = "Try again in some minutes. If it stays so, ask the cloud's operator."
	case reset:
		d.Hop, d.Code, d.Owner = gateway.HopMiddlebox, gateway.CodeRSTInjected, gateway.OwnerNetwork
		d.Summary = fmt.Sprintf("A reset ended the handshake in phase %s: inspection on the way does this when it does not know a protocol.", r.Phase)
		d.Next = bypass
	case r.Phase == gateway.PhaseCloudKey && r.ClosedBy == gateway.ByDevice:
		wrongServerKey(d)
	case r.Phase == gateway.PhaseDeviceKey && (r.Unacked > 0 || f.after >= stuckAfter || r.How == gateway.EndTimeout || r.How == gateway.EndDeadline):
		d.Hop, d.Owner = gateway.HopMiddlebox, gateway.OwnerNetwork
		d.Summary = fmt.Sprintf("The cloud's 40 bytes came, and after the device's 256 bytes nothing for %s: something on the way holds the first data, or the cloud is stuck.", seconds(f.after))
		d.Next = bypass
	case r.Phase == gateway.PhaseHello && r.ClosedBy == gateway.ByDevice:
		d.Code, d.Owner = gateway.CodeHandshakeSlow, gateway.OwnerNetwork
		d.Summary = fmt.Sprintf("The keys were exchanged, and the cloud's HELLO did not come%s; the path's round trip is %s.", noAnswer(f), seconds(r.PathRTT))
		d.Next = "Measure the round trip to the cloud; above 750 ms a device seldom gets through."
	default:
		d.Confidence = gateway.Low
		d.Summary = fmt.Sprintf("The handshake ended in phase %s, closed by %s (%s).", r.Phase, r.ClosedBy, r.How)
		d.Next = "Wait for the next attempt: a device that restarts or loses its Wi-Fi looks like this once."
	}
}

// notSpark fills the verdict of bytes that are not the cloud protocol's.
func notSpark(r *gateway.SessionRecord, d *gateway.Verdict) {
	d.Code, d.Hop, d.Owner = gateway.CodeNotSpark, gateway.HopRelay, gateway.OwnerUser
	d.Summary = "The device sends something that is not its cloud protocol, so the relay cut the connection."
	d.Next = "Look at what runs on the device: only its cloud connection may cross the gateway."
	if r.Up == 0 {
		d.Hop, d.Owner = gateway.HopMiddlebox, gateway.OwnerNetwork
		d.Summary = "What answers at the cloud's address does not speak the cloud's protocol: a captive portal or a proxy stands in its place."
		d.Next = bypass
	}
}

// sayStuck speaks of a handshake that stands still now.
func sayStuck(v view) gateway.Verdict {
	after := v.now.Sub(v.session.phaseAt)
	d := gateway.Verdict{
		Outcome: gateway.ResultHandshakeFailed, Hop: gateway.HopHandshake, Code: gateway.CodeHandshakeIncomplete,
		Owner: gateway.OwnerNetwork, Confidence: gateway.Medium, Stage: gateway.StageConnected,
		Summary:  fmt.Sprintf("The handshake stands still in phase %s for %s.", v.session.phase, seconds(after)),
		Evidence: proof(v.marks.connected, v.marks.resolved),
		Next:     "Wait until the device gives up after 20 s; the verdict will be more exact then.",
	}
	if v.session.phase == gateway.PhaseSilent {
		nonceMissing(&d, "nothing in "+seconds(after))
		if v.relayed(v.session.peer, v.marks.connected.Witness) {
			muteRelay(v.session.peer, "nothing in "+seconds(after), &d)
		}
	}
	return d
}

// sayStalled speaks of a session whose bytes are not taken any more.
func sayStalled(v view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultKeepaliveLost, Hop: gateway.HopSession, Code: gateway.CodePingLost,
		Owner: gateway.OwnerNetwork, Confidence: gateway.Medium, Stage: v.stage,
		Summary:  fmt.Sprintf("The session to %s stands, and %s.", v.session.peer, silenceWords(v)),
		Evidence: proof(v.session.stalledEvent, v.marks.connected, v.marks.up),
		Next:     "Wait half a minute: the device gives up and connects anew, and whether that works decides.",
	}
}

// sayLost speaks of a session that ended, while nothing tells what came after.
func sayLost(v view) gateway.Verdict {
	l := v.loss
	d := gateway.Verdict{
		Outcome: gateway.ResultKeepaliveLost, Hop: gateway.HopSession, Code: gateway.CodePingLost,
		Owner: gateway.OwnerNetwork, Confidence: gateway.Medium, Stage: v.stage,
		Summary:  fmt.Sprintf("The session was complete and then %s: the way stopped carrying it.", silenceWords(v)),
		Evidence: proof(l.event, l.heard, l.connected),
		Fine:     fine(v, gateway.StageHandshaken),
		Next:     "See whether the device comes back. If it does not, a firewall cut it off; if it does, ask the network team which limit ends a connection that carries data every 15 s.",
	}
	switch l.kind {
	case lossReset:
		lostReset(v, &d)
	case lossSilent:
		if v.relayed(l.peer, l.event.Witness) {
			d.Next = lookAtGateway
		}
	case lossClosed:
		d.Outcome, d.Hop, d.Code, d.Owner = gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, gateway.OwnerVendor
		d.Summary = fmt.Sprintf("The cloud closed the complete session after %s.", seconds(l.life))
		d.Next = "Nothing, if the device comes back at once. If it repeats, ask the cloud's operator."
		if v.relayed(l.peer, l.event.Witness) {
			d.Summary = fmt.Sprintf("The cloud closed the complete session after %s, or the gateway at %s stopped.", seconds(l.life), l.peer.Addr())
			d.Next = "Nothing, if the device comes back at once. If it does not, look at the gateway: `photongate status`."
		}
	case lossLink:
		d.Hop, d.Code, d.Owner = gateway.HopLink, gateway.CodeLinkLost, gateway.OwnerAdmin
		d.Outcome = gateway.ResultUndetermined
		d.Summary = fmt.Sprintf("The session ended because the Wi-Fi link was lost (%s); the device is on the Wi-Fi again and not online yet.", lossCode(l.event))
		d.Next = "See whether the device comes back. Look at the access point's log for that moment."
	case lossStarved:
		d.Outcome, d.Code, d.Owner = gateway.ResultNotNetwork, gateway.CodeAppStarved, gateway.OwnerUser
		d.Summary = "The device closed its session because its own program kept it from the network for 15 s."
		d.Next = starvedNext
	case lossExhausted:
		d.Outcome, d.Code, d.Owner = gateway.ResultNotNetwork, gateway.CodeDeviceExhausted, gateway.OwnerUser
		d.Summary = fmt.Sprintf("The device lost its session because it ran out (%s).", explain(l.event.Code))
		d.Next = exhaustedNext
	case lossDevice:
		unknownLoss(&d)
		d.Hop = gateway.HopNone
		d.Summary = "The session was complete, and the device closed it itself: its program, an update or sleep does that. Nothing tells what came after."
		d.Next = "See whether the device comes back."
	case lossLeft:
		unknownLoss(&d)
		d.Hop = gateway.HopNone
		d.Summary = "The session was complete, and then neither side said anything more: the device lost its power or its Wi-Fi, or is out of sight."
		d.Next = "Look at the device's light: dark means no power, blinking green that it does not find the network."
	case lossUnknown:
		unknownLoss(&d)
		d.Summary = "The session was complete and ended; nothing tells why, or what came after."
		d.Next = "See whether the device comes back."
	}
	return d
}

// starvedNext is what helps a device whose program is too slow.
const starvedNext = "Look for long loops and delays in the device's program."

// unknownLoss fills the verdict of a session whose end nothing explains.
func unknownLoss(d *gateway.Verdict) {
	d.Outcome, d.Code, d.Confidence = gateway.ResultUndetermined, gateway.CodeSessionLost, gateway.Low
	d.Owner = gateway.OwnerNone
}
