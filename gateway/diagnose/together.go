package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"photongate/gateway"
)

// steps are the confidences, least first.
var steps = []gateway.Confidence{gateway.Low, gateway.Medium, gateway.High}

// weight ranks verdicts of witnesses that disagree: by confidence, then a fault
// before none, because whoever asks has one.
func weight(v gateway.Verdict) int {
	w := 2 * slices.Index(steps, v.Confidence)
	if !v.Healthy() {
		w++
	}
	return w
}

// shift moves a confidence by n steps, within the bounds.
func shift(c gateway.Confidence, n int) gateway.Confidence {
	return steps[min(max(slices.Index(steps, c)+n, 0), len(steps)-1)]
}

// determined tells whether a verdict says anything about the way. That a device
// is turned away says so, though nothing is known of its way.
func determined(v gateway.Verdict) bool {
	return v.Code == gateway.CodeMACDenied || v.Outcome != gateway.ResultUndetermined && v.Outcome != gateway.ResultUnrecognised && v.Outcome != ""
}

// Together merges the verdicts of several witnesses on one story, those that
// saw most of the way first. Agreement on the hop makes it surer, and
// contradiction less sure; a witness that cannot tell changes nothing.
func Together(vs ...gateway.Verdict) gateway.Verdict {
	var told []gateway.Verdict
	for _, v := range vs {
		if determined(v) {
			told = append(told, v)
		}
	}
	switch {
	case len(vs) == 0:
		return gateway.Verdict{Outcome: gateway.ResultUndetermined, Code: gateway.CodeUndetermined, Confidence: gateway.Low, Evidence: []gateway.Evidence{}, Fine: []string{}}
	case len(told) == 0:
		return slices.MaxFunc(vs, func(a, b gateway.Verdict) int { return cmp.Compare(a.Stage, b.Stage) })
	}
	return merge(best(told), told)
}

// best is the verdict that weighs most. One that cannot see past a gateway
// gives way to one that can.
func best(told []gateway.Verdict) gateway.Verdict {
	heavier := func(a, b gateway.Verdict) int { return cmp.Compare(weight(a), weight(b)) }
	top := slices.MaxFunc(told, heavier)
	var behind []gateway.Verdict
	for _, v := range told {
		if before(top, v) {
			behind = append(behind, v)
		}
	}
	if len(behind) > 0 {
		return slices.MaxFunc(behind, heavier)
	}
	return top
}

// before tells whether a is what a device sees of a fault behind its gateway,
// and b what the gateway itself says of it: they do not contradict each other.
func before(a, b gateway.Verdict) bool {
	return a.Hop == gateway.HopRelay && a.Code != gateway.CodeNotSpark && a.Healthy() == b.Healthy() &&
		slices.Contains(behindRelay, b.Hop) && slices.ContainsFunc(b.Evidence, ownWay)
}

// behindRelay are the hops that a device cannot tell apart through a gateway.
var behindRelay = []gateway.Hop{gateway.HopEgress, gateway.HopMiddlebox, gateway.HopDNS, gateway.HopCloud, gateway.HopSession}

// ownWay tells whether the gateway saw a fact on its own way to the cloud.
func ownWay(e gateway.Evidence) bool {
	return e.Witness == gateway.WitnessRelay || e.Witness == gateway.WitnessEgress
}

// merge adds to the best verdict what the others say.
func merge(best gateway.Verdict, told []gateway.Verdict) gateway.Verdict {
	out := best
	out.Evidence, out.Fine = slices.Clone(best.Evidence), slices.Clone(best.Fine)
	agree, differ := 0, 0
	for _, v := range told {
		switch {
		case v.Hop == best.Hop && v.Healthy() == best.Healthy():
			agree++
			out.Evidence = append(out.Evidence, fresh(out.Evidence, v.Evidence)...)
			out.Fine = append(out.Fine, fresh(out.Fine, v.Fine)...)
		case before(v, best):
			out.Evidence = append(out.Evidence, fresh(out.Evidence, v.Evidence)...)
		default:
			differ++
			out.Evidence = append(out.Evidence, gateway.Evidence{Text: fmt.Sprintf("another witness says %s (%s): %s", v.Code, v.Outcome, v.Summary)})
		}
	}
	switch {
	case differ > 0:
		out.Confidence = shift(best.Confidence, -1)
	case agree > 1:
		out.Confidence = shift(best.Confidence, 1)
	}
	out.Evidence = out.Evidence[:min(len(out.Evidence), maxEvidence)]
	return out
}

// fresh is what of more is not in have.
func fresh[T comparable](have, more []T) []T {
	var out []T
	for _, x := range more {
		if !slices.Contains(have, x) {
			out = append(out, x)
		}
	}
	return out
}
