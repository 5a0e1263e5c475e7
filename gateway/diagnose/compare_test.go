package diagnose

import (
	"slices"
	"testing"

	"photongate/gateway"
)

// TestCompare wants a device whose key is refused set beside the one that
// works, and the one that works left alone.
func TestCompare(t *testing.T) {
	x := newTrace(t).air(attic).dial(attic, cloudB, gateway.PhaseTalking)
	x.air(porch).dial(porch, cloudA, gateway.PhaseDeviceKey).
		closed(porch, gateway.SessionRecord{Phase: gateway.PhaseDeviceKey, How: gateway.EndFIN, ClosedBy: gateway.ByCloud})
	const said = "attic is online by the same gateway, through 107.22.28.43:5683"
	v := x.status(porch).Verdict
	if v.Code != gateway.CodeKeyRejected {
		t.Fatalf("porch: %s, want %s", v.Code, gateway.CodeKeyRejected)
	}
	if want := "the gateway's way out: " + said; !slices.Contains(v.Fine, want) {
		t.Errorf("fine %q, want %q among it", v.Fine, want)
	}
	if last := v.Evidence[len(v.Evidence)-1].Text; last != "for comparison, "+said {
		t.Errorf("last evidence %q, want the comparison", last)
	}
	if v := x.status(attic).Verdict; len(v.Fine) > 0 && slices.ContainsFunc(v.Fine, func(s string) bool { return s == "the gateway's way out: "+said }) {
		t.Errorf("the device that works is compared with itself: %q", v.Fine)
	}
}
