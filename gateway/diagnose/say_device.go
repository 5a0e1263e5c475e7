package diagnose

import (
	"fmt"
	"strings"

	"photongate/gateway"
)

// sayStranger speaks of a device that is not listed.
func sayStranger(v view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Hop: gateway.HopAdmission, Code: gateway.CodeMACDenied,
		Owner: gateway.OwnerAdmin, Confidence: gateway.High, Stage: v.stage,
		Summary:  fmt.Sprintf("%s is not on the whitelist, so the gateway does not answer it.", v.mac),
		Evidence: proof(v.marks.stranger, v.marks.lost),
		Next:     fmt.Sprintf("If it is yours, list it: photongate device add %s", v.mac),
	}
}

// sayOnline speaks of a device that is through.
func sayOnline(v view) gateway.Verdict {
	where := "its cloud"
	if v.session.peer.IsValid() {
		where = v.session.peer.String()
	}
	d := gateway.Verdict{
		Outcome: gateway.ResultOnline, Code: gateway.CodeOK, Confidence: gateway.High, Stage: gateway.StageOnline,
		Summary:  fmt.Sprintf("The device is online through %s.", where),
		Evidence: proof(v.marks.up, v.marks.heard, v.marks.connected),
		Next:     "Nothing to do.",
	}
	alsoDropped(v, &d)
	return d
}

// restless is how many restarts in one log are worth a word.
const restless = 3

// alsoDropped adds to a good verdict which addresses did not answer before.
func alsoDropped(v view, d *gateway.Verdict) {
	bad := v.book.last(gateway.TimedOut, gateway.Refused)
	if v.live || len(bad) == 0 {
		return
	}
	d.Summary += fmt.Sprintf(" Other addresses of the cloud did not let it through before: %s.", list(bad))
	d.Next = "Nothing to do now. " + allow(bad[0].Addr, v.cloudName())
}

// sayRecovered speaks of a device that is through again.
func sayRecovered(v view) gateway.Verdict {
	d := sayOnline(v)
	d.Outcome = gateway.ResultLostRecovered
	d.Hop, d.Code = gateway.HopSession, gateway.CodePingLost
	cause := "nothing came through any more"
	switch v.loss.kind {
	case lossLink:
		d.Hop, d.Code = gateway.HopLink, gateway.CodeLinkLost
		cause = fmt.Sprintf("the Wi-Fi link was lost (%s)", lossCode(v.loss.event))
		d.Next = "Nothing to do now. If it comes again, look at the access point's log for that moment: it restarted, or the signal is weak."
	case lossReset:
		cause = resetBack(v, &d)
	case lossClosed:
		d.Hop, d.Code, cause = gateway.HopCloud, gateway.CodeCloudClosed, "the cloud closed it"
	case lossUnknown:
		d.Code, cause, d.Confidence = gateway.CodeSessionLost, "something that nothing tells of ended it", gateway.Medium
	case lossStarved:
		d.Code, cause = gateway.CodeAppStarved, "the device's own program kept it from the network for 15 s"
		d.Next = starvedNext
	case lossExhausted:
		d.Code, cause = gateway.CodeDeviceExhausted, fmt.Sprintf("the device ran out (%s)", explain(v.loss.event.Code))
		d.Next = exhaustedNext
	}
	if d.Code == gateway.CodePingLost || d.Code == gateway.CodeSessionLost && d.Hop == gateway.HopSession {
		d.Next = "Nothing to do now. If it comes again, compare the times with the firewall's log."
	}
	d.Summary = fmt.Sprintf("The session was lost because %s, and the device was online again %s later.", cause, seconds(since(v.loss.event, v.loss.back)))
	d.Evidence = proof(v.loss.event, v.loss.back, v.marks.associated, v.marks.leased, v.marks.connected)
	if !v.live && v.losses >= flapping {
		d.Outcome, d.Confidence = gateway.ResultIntermittent, gateway.Medium
		d.Summary = fmt.Sprintf("The session was lost %d times, and the device came back each time. Last, %s", v.losses, lowerFirst(d.Summary))
		d.Next = "Compare the times of the losses with the logs of the access point and of the firewall: what ends them comes back."
	}
	return d
}

// flapping is how many losses in one log are a pattern and no accident.
const flapping = 3

// lowerFirst makes a sentence the second part of one.
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// lossCode is the code of a loss in words; the watchdog's line has none.
func lossCode(e gateway.Event) string {
	if e.Code == 0 {
		return "the access point let it go or vanished"
	}
	return explain(e.Code)
}

// sayNeverSeen speaks of a listed device without a sign of life.
func sayNeverSeen(view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Hop: gateway.HopNone, Code: gateway.CodeNeverSeen,
		Owner: gateway.OwnerUser, Confidence: gateway.Low, Stage: gateway.StageNone,
		Summary: "Nothing of this device was noticed since the gateway started.",
		Next:    "Check that it has power, that it was given this network's name, and that the MAC on the whitelist is the one on its label.",
	}
}

// sayQuiet speaks of a device that is heard of no more.
func sayQuiet(v view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Hop: gateway.HopNone, Code: gateway.CodeUndetermined,
		Owner: gateway.OwnerUser, Confidence: gateway.Low, Stage: v.stage,
		Summary:  fmt.Sprintf("Nothing of this device was noticed for %s: it is off, out of range or on another network.", seconds(v.now.Sub(v.seen))),
		Evidence: proof(v.marks.lost, v.marks.leased, v.marks.associated),
		Next:     "Look at its light: dark means no power, blinking green that it does not find the network.",
	}
}

// sayListening speaks of a device that waits for credentials.
func sayListening(v view) gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultNotNetwork, Hop: gateway.HopCredentials, Code: gateway.CodeNotProvisioned,
		Owner: gateway.OwnerUser, Confidence: gateway.Medium, Stage: v.stage,
		Summary:  "The device is in listening mode: it waits for Wi-Fi credentials and does not try to connect.",
		Evidence: proof(v.marks.listening),
		Next:     "Give it the network's name over USB, or leave the mode by pressing SETUP for three seconds.",
	}
	if strings.Contains(v.marks.listening.Text, cleared) {
		d.Summary = "The device's Wi-Fi credentials were cleared, and it does not try to connect since."
		d.Next = "Give it the network's name over USB."
	}
	return d
}

// sayUndetermined speaks of a story that ends before anything failed.
func sayUndetermined(v view) gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Code: gateway.CodeUndetermined,
		Confidence: gateway.Low, Stage: v.stage,
		Summary:  fmt.Sprintf("On its way: got as far as %s, and nothing failed so far.", v.stage),
		Evidence: proof(v.marks.connected, v.marks.resolved, v.marks.leased, v.marks.associated),
		Next:     "Wait a minute and look again.",
	}
	if !v.live {
		d.Owner = gateway.OwnerUser
		d.Next = "Record a longer log: from a reset of the device until it is online or has tried twice."
	}
	if !v.live && v.restarts >= restless {
		d.Summary = fmt.Sprintf("The device started anew %d times in this log, each time before anything failed. In its last life it got as far as %s.", v.restarts, v.stage)
		d.Next = "If nobody pressed its reset button, look at its power supply and at its program; else record it for two minutes without a reset."
	}
	if !v.live && v.known == 0 {
		d.Summary = "The log holds no line about the network."
	}
	return d
}

// unrecognised speaks of text that is no device's log.
func unrecognised(lines int) gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUnrecognised, Code: gateway.CodeUnrecognised,
		Owner: gateway.OwnerUser, Confidence: gateway.High,
		Summary:  fmt.Sprintf("This is not a Photon's log: none of its %d lines has the form of one.", lines),
		Evidence: []gateway.Evidence{}, Fine: []string{},
		Next: "Flash a program with a SerialLogHandler (firmware 0.6.0 or later), restart the device and record what the serial port prints.",
	}
	if lines == 0 {
		d.Summary = "This is not a Photon's log: it is empty."
	}
	return d
}
