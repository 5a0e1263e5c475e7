package diagnose

import (
	"fmt"
	"net/netip"
	"time"

	"photongate/gateway"
)

// lookAtGateway is what to do where a gateway stands for the cloud: it knows
// what is behind it, and whoever stands before it does not.
const lookAtGateway = "Look at the gateway: `photongate status` says what is wrong behind it."

// atGateway fills the verdict of what a gateway that stands for the cloud does.
func atGateway(d *gateway.Verdict, code gateway.Code) {
	d.Hop, d.Code, d.Owner = gateway.HopRelay, code, gateway.OwnerAdmin
	d.Confidence, d.Next = gateway.Medium, lookAtGateway
}

// relayedConnect fills the verdict of a connection to a gateway that does not
// come about.
func relayedConnect(f fault, d *gateway.Verdict) {
	at := f.event.Peer.Addr()
	d.Outcome = gateway.ResultTCPTimeout
	switch f.event.Outcome {
	case gateway.Refused:
		d.Outcome = gateway.ResultTCPRefused
		atGateway(d, gateway.CodeRelayRefused)
		d.Summary = fmt.Sprintf("The gateway at %s refuses the device%s: its own way to the cloud is down.", at, codeWord(f.event))
	case gateway.Mute:
		muteRelay(f.event.Peer, fmt.Sprintf("nothing in %s", seconds(f.after)), d)
	default:
		atGateway(d, gateway.CodePartSilent)
		d.Summary = fmt.Sprintf("The gateway at %s does not answer%s.", at, noAnswer(f))
		d.Next = "Look whether the gateway has power and runs: `photongate status`."
	}
}

// muteRelay fills the verdict of a gateway that accepts and passes nothing on.
func muteRelay(peer netip.AddrPort, how string, d *gateway.Verdict) {
	d.Outcome, d.Stage = gateway.ResultHandshakeFailed, gateway.StageConnected
	atGateway(d, gateway.CodeNonceMissing)
	d.Summary = fmt.Sprintf("The gateway at %s accepts, and nothing of the cloud comes through it (%s).", peer.Addr(), how)
}

// hungUpRelay fills the verdict of a gateway that accepts and then hangs up
// without a byte of the cloud's.
func hungUpRelay(peer netip.AddrPort, after time.Duration, d *gateway.Verdict) {
	atGateway(d, gateway.CodeRelayRefused)
	when := ""
	if after > 0 {
		when = fmt.Sprintf(" after %s", seconds(after))
	}
	d.Summary = fmt.Sprintf("The gateway at %s accepts and hangs up%s without a byte of the cloud's: its own way to the cloud is down.", peer.Addr(), when)
}

// relayedHandshake fills the verdict of a handshake through a gateway where
// that is not the cloud's and the device's own business. It tells whether it did.
func relayedHandshake(v view, f fault, d *gateway.Verdict) bool {
	if r := f.event.Record; r != nil {
		return v.relayed(r.Cloud, f.event.Witness) && relayedRecord(r, f, d)
	}
	peer := f.event.Peer
	if !v.relayed(peer, f.event.Witness) {
		return false
	}
	switch {
	case f.phase <= gateway.PhaseSilent && closedCode(f.code):
		hungUpRelay(peer, f.after, d)
	case f.phase <= gateway.PhaseSilent && (f.told || f.code == codeNonce):
		muteRelay(peer, gaveUp(f.after, explain(f.code)), d)
	case f.code == codeReset:
		cutRelay(peer, f.phase, d)
	default:
		return false
	}
	return true
}

// relayedRecord is relayedHandshake for what a capture saw.
func relayedRecord(r *gateway.SessionRecord, f fault, d *gateway.Verdict) bool {
	byDevice := r.ClosedBy == gateway.ByDevice
	switch {
	case r.How == gateway.EndNotSpark:
		return false
	case r.Phase <= gateway.PhaseSilent && !byDevice:
		hungUpRelay(r.Cloud, f.after, d)
	case r.Phase <= gateway.PhaseSilent && f.after >= stuckAfter:
		muteRelay(r.Cloud, gaveUp(f.after, ""), d)
	case r.How == gateway.EndRST && !byDevice:
		cutRelay(r.Cloud, r.Phase, d)
	default:
		return false
	}
	return true
}

// cutRelay fills the verdict of a handshake that a gateway resets.
func cutRelay(peer netip.AddrPort, p gateway.Phase, d *gateway.Verdict) {
	atGateway(d, gateway.CodeHandshakeIncomplete)
	d.Summary = fmt.Sprintf("The gateway at %s reset the handshake in phase %s: its own connection to the cloud broke.", peer.Addr(), p)
}

// cutByGateway is how a gateway's reset of a complete session is told of.
func cutByGateway(peer netip.AddrPort) string {
	return fmt.Sprintf("the gateway at %s ended it: its own connection to the cloud broke", peer.Addr())
}

// resetBack fills a good verdict with who reset the session before, and says
// it in words.
func resetBack(v view, d *gateway.Verdict) string {
	switch {
	case v.relayed(v.loss.peer, v.loss.event.Witness):
		atGateway(d, gateway.CodeSessionLost)
		d.Owner = gateway.OwnerNone
		d.Next = "Nothing to do now. If it comes again, look at the gateway: `photongate status`."
		return cutByGateway(v.loss.peer)
	case v.loss.byCloud():
		d.Hop, d.Code, d.Confidence = gateway.HopCloud, gateway.CodeCloudClosed, gateway.Medium
		return "the cloud reset it"
	}
	d.Hop, d.Code = gateway.HopMiddlebox, gateway.CodeRSTInjected
	return "a reset came"
}

// lostReset fills the verdict of a complete session that a reset ended.
func lostReset(v view, d *gateway.Verdict) {
	l := v.loss
	switch {
	case v.relayed(l.peer, l.event.Witness):
		atGateway(d, gateway.CodeSessionLost)
		d.Summary = fmt.Sprintf("The session was complete for %s until %s.", seconds(l.life), cutByGateway(l.peer))
	case l.byCloud():
		d.Outcome, d.Hop, d.Code, d.Owner = gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, gateway.OwnerVendor
		d.Summary = fmt.Sprintf("The cloud reset the complete session after %s: the reset took as many hops as the cloud's other packets.", seconds(l.life))
		d.Next = "Nothing, if the device comes back at once. If it repeats, ask the cloud's operator."
	default:
		d.Hop, d.Code = gateway.HopMiddlebox, gateway.CodeRSTInjected
		d.Summary = fmt.Sprintf("A reset ended the complete session after %s: a firewall does that, or the cloud restarted.", seconds(l.life))
	}
}
