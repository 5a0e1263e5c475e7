package diagnose

import (
	"fmt"
	"slices"

	"photongate/gateway"
)

// udpCloud is the name that a device looks up whose protocol is DTLS, with its
// id in front (photon.md 5.1).
const udpCloud = "$id.udp.particle.io"

// udpNext is what such a device needs (photon.md 4.4).
const udpNext = "Ask the network team to allow outbound UDP 5684 to *.udp.particle.io, with a state timeout above 30 s. The relay carries a Photon's TCP 5683 only."

// onPlatform turns the verdict on a log of another platform's into what the
// lines it shares with a Photon allow to say.
func onPlatform(d gateway.Verdict, p Platform) gateway.Verdict {
	if !p.udp() {
		return d
	}
	d.Fine = slices.DeleteFunc(d.Fine, func(s string) bool { return s == tcpFine })
	if !d.Healthy() {
		d = shared(d, p)
	}
	d.Summary = fmt.Sprintf("This is not a Photon's log but that of another Particle device: %s. %s", p, d.Summary)
	return d
}

// shared keeps of a verdict what holds for another platform too.
func shared(d gateway.Verdict, p Platform) gateway.Verdict {
	cellular := p == PlatformElectron || p == PlatformCellular
	switch d.Outcome {
	case gateway.ResultUndetermined:
		return unshared(d)
	case gateway.ResultDNSFailed, gateway.ResultNotNetwork:
		d.Confidence = gateway.Medium
	case gateway.ResultAssocFailed, gateway.ResultDHCPFailed:
		d.Confidence = gateway.Medium
		if cellular {
			return unshared(d)
		}
	case gateway.ResultHandshakeFailed:
		d.Hop, d.Code, d.Owner, d.Confidence = gateway.HopHandshake, gateway.CodeHandshakeIncomplete, gateway.OwnerNetwork, gateway.Low
		d.Summary = "Its DTLS handshake with the cloud does not complete: UDP 5684 is dropped on the way, or its keys do not fit."
		d.Next = udpNext
	case gateway.ResultKeyMismatch:
		d.Confidence = gateway.Medium
	case gateway.ResultKeepaliveLost:
		d.Confidence, d.Next = gateway.Low, udpNext
	default:
		return unshared(d)
	}
	return d
}

// unshared is said where the lines of another platform tell nothing reliable.
func unshared(d gateway.Verdict) gateway.Verdict {
	d.Outcome, d.Hop, d.Code, d.Owner, d.Confidence = gateway.ResultUndetermined, gateway.HopNone, gateway.CodeNotPhoton, gateway.OwnerNone, gateway.Low
	d.Summary = "It is not online in this log, and none of the lines that it shares with a Photon tells why."
	d.Next = "The gateway serves Photons and P1s: look at this device with its maker's tools, and see that UDP 5684 gets out if it uses Wi-Fi."
	return d
}

// doubt is added to a verdict that would not hold for two devices.
const doubt = " The stamps step back within the log; if two devices wrote it, record each to a file of its own."

// sayOrder speaks of a log whose lines cannot be read as one story.
func sayOrder(s *Story, o Order) gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Code: gateway.CodeLogMixed,
		Owner: gateway.OwnerUser, Confidence: gateway.Low, Stage: s.stage,
		Summary:  "The stamps step back and forth between several clocks: the log holds the lines of more than one device in turns, and which line belongs to which cannot be told.",
		Evidence: proof(s.marks.stepped, s.marks.lost, s.marks.up), Fine: []string{},
		Next: "Record each device's serial port to a file of its own.",
	}
	if o == OrderDown {
		d.Code = gateway.CodeUndetermined
		d.Summary = "The stamps run backwards: the log stands with its newest line first."
		d.Next = "Turn the order of the lines round (tac on Linux), and read the log again."
	}
	return d
}
