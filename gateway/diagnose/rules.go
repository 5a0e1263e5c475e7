package diagnose

import (
	"strings"
	"time"

	"photongate/gateway"
)

// quiet is how long a device may go unheard of before what was known of it is
// past: a device that cannot get through tries at least every 128 s
// (photon.md 4.1), so that two tries may be missed.
const quiet = 5 * time.Minute

// dhcpPatience is how long a device asks for an address before that is a
// fault: it gives up after 15 s itself (photon.md 5.3).
const dhcpPatience = 20 * time.Second

// stuckAfter is how long one step of a handshake may take before it is worth a
// verdict: a device waits 20 s (photon.md 4.1), a good step takes below one.
const stuckAfter = 10 * time.Second

// remembered is how long a live device's made-good loss is told.
const remembered = time.Hour

// view is what the rules look at: one story and what surrounds it.
type view struct {
	*Story
	// live: the story is of a device of a running gateway, which is listed or a stranger.
	live, listed bool
	mac          gateway.MAC
	// now is the present for a live story, the end of the log otherwise.
	now time.Time
	// path is the verdict on the way out; nil where it is not known to be down.
	path *gateway.Verdict
	// level is the reigning fault's.
	level level
}

// rule is one line of the table: when it applies, and what it says.
type rule struct {
	name string
	when func(view) bool
	say  func(view) gateway.Verdict
}

// rules is the table. The first that applies decides (photon.md 6.3, users.md I).
var rules = []rule{
	{"stranger", func(v view) bool { return v.live && !v.listed }, sayStranger},
	{"killed", view.wasKilled, sayKilled},
	{"stalled", view.stalls, sayStalled},
	{"recovered", view.madeGood, sayRecovered},
	{"online", func(v view) bool { return v.stage == gateway.StageOnline }, sayOnline},
	{"never seen", func(v view) bool { return v.live && v.noticed == 0 }, sayNeverSeen},
	{"quiet", func(v view) bool { return v.live && !v.session.open && v.now.Sub(v.seen) > quiet }, sayQuiet},
	{"join", func(v view) bool { return v.level == levelJoin && !v.linkGone() }, sayJoin},
	{"link", view.linkGone, sayLink},
	{"trap", func(v view) bool { return v.level == levelLease && v.faults[levelLease].trap }, sayTrap},
	{"lease", view.leaseless, sayLease},
	{"listening", func(v view) bool { return v.join.listening && v.level == levelNone }, sayListening},
	{"name", func(v view) bool { return v.level == levelName }, sayName},
	{"other name", view.asksElse, sayOtherName},
	{"path", view.pathDown, func(v view) gateway.Verdict { return *v.path }},
	{"connect", func(v view) bool { return v.level == levelConnect }, sayConnect},
	{"handshake", func(v view) bool { return v.level == levelHandshake }, sayHandshake},
	{"stuck", view.stuck, sayStuck},
	{"lost", func(v view) bool { return v.loss.kind != lossNone && !v.loss.recovered && !v.session.open }, sayLost},
	{"undetermined", func(view) bool { return true }, sayUndetermined},
}

// judge finds the rule that applies and completes what it says.
func judge(v view) gateway.Verdict {
	v.level = v.reigning()
	for _, r := range rules {
		if r.when(v) {
			return complete(v, r.say(v))
		}
	}
	return gateway.Verdict{}
}

// maxEvidence bounds the facts of a verdict (gateway.Verdict).
const maxEvidence = 8

// complete fills what all verdicts have in common.
func complete(v view, d gateway.Verdict) gateway.Verdict {
	if d.LED == "" {
		d.LED = led(v)
	}
	if d.Evidence == nil {
		d.Evidence = []gateway.Evidence{}
	}
	d.Evidence = d.Evidence[:min(len(d.Evidence), maxEvidence)]
	if d.Fine == nil {
		d.Fine = fine(v, d.Stage)
	}
	if d.Summary != "" {
		d.Summary = strings.ToUpper(d.Summary[:1]) + d.Summary[1:]
	}
	return d
}

// Verdict judges a log that ended.
func (s *Story) Verdict() gateway.Verdict {
	d := judge(view{Story: s, listed: true, now: s.clock})
	if d.Outcome != gateway.ResultUndetermined || s.before == nil {
		return d
	}
	b := judge(view{Story: s.before, listed: true, now: s.before.clock})
	if b.Outcome == gateway.ResultUndetermined || b.Healthy() {
		return d
	}
	if b.Confidence == gateway.High {
		b.Confidence = gateway.Medium
	}
	b.Summary = "The device's last life ends too early to tell. Of the one before: " + b.Summary
	return b
}

// wasKilled: a later fault before the connect is another story.
func (v view) wasKilled() bool {
	if _, ok := v.killed(); !ok {
		return false
	}
	return v.level == levelNone || v.level == levelConnect
}

// stalls: a session stands and what the device sends is not taken.
func (v view) stalls() bool {
	return v.session.open && !v.session.stalled.IsZero() && v.stage >= gateway.StageHandshaken
}

// madeGood: online, after a loss that is not long ago. What the device closed
// itself was no loss.
func (v view) madeGood() bool {
	if v.stage != gateway.StageOnline || v.loss.kind == lossNone || v.loss.kind == lossDevice {
		return false
	}
	return !v.live || v.now.Sub(v.loss.back.Time) < remembered
}

// linkGone: the session ended with the Wi-Fi, and the device is not back on it.
func (v view) linkGone() bool {
	return v.loss.kind == lossLink && !v.loss.recovered && v.stage < gateway.StageAssociated &&
		(v.level == levelJoin || v.level == levelNone)
}

// leaseless: an address did not come.
func (v view) leaseless() bool {
	if v.level == levelLease {
		return true
	}
	return v.live && v.stage == gateway.StageAssociated && v.join.asked > 1 && v.now.Sub(v.join.first) > dhcpPatience
}

// asksElse: a device with an address asks for other names only.
func (v view) asksElse() bool {
	return v.live && v.level == levelNone && v.stage == gateway.StageLeased && v.join.refused != "" &&
		v.marks.resolved.Kind == "" && v.now.Sub(v.join.refusedAt) > dhcpPatience
}

// pathDown: the device could go on and the way out does not work. The relay's
// port is closed then, so that nothing of the device's attempts is seen.
func (v view) pathDown() bool {
	if v.path == nil || v.session.open || v.stage < gateway.StageLeased {
		return false
	}
	// A connection on which nobody spoke is the way's fault where that is mute.
	silent := v.level == levelHandshake && v.faults[levelHandshake].phase <= gateway.PhaseSilent && v.path.Code == gateway.CodeNonceMissing
	return silent || v.level == levelNone || v.level == levelConnect
}

// stuck: a handshake stands still.
func (v view) stuck() bool {
	return v.live && v.session.open && v.session.phase < gateway.PhaseEstablished &&
		!v.session.phaseAt.IsZero() && v.now.Sub(v.session.phaseAt) > stuckAfter
}
