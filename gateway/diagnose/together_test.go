package diagnose

import (
	"strings"
	"testing"

	"photongate/gateway"
)

// told is a verdict of a witness.
func told(o gateway.Result, h gateway.Hop, c gateway.Code, sure gateway.Confidence, by gateway.Witness) gateway.Verdict {
	return gateway.Verdict{
		Outcome: o, Hop: h, Code: c, Confidence: sure, Stage: gateway.StageResolved, Summary: "S",
		Evidence: []gateway.Evidence{{Witness: by, Text: string(by) + " saw " + string(c)}}, Fine: []string{"DHCP"}, Next: "N",
	}
}

// Verdicts that are merged.
var (
	saidRelay = told(gateway.ResultTCPRefused, gateway.HopRelay, gateway.CodeRelayRefused, gateway.Medium, gateway.WitnessSerial)
	saidDrop  = told(gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, gateway.High, gateway.WitnessEgress)
	saidMute  = told(gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.Low, gateway.WitnessRelay)
	saidKey   = told(gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected, gateway.High, gateway.WitnessRelay)
	saidWell  = told(gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.High, gateway.WitnessRelay)
	saidLess  = told(gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, gateway.Low, gateway.WitnessCapture)
	saidDirty = told(gateway.ResultHandshakeFailed, gateway.HopRelay, gateway.CodeNotSpark, gateway.Medium, gateway.WitnessCapture)
)

// by is a verdict with other evidence.
func by(v gateway.Verdict, w gateway.Witness) gateway.Verdict {
	v.Evidence = []gateway.Evidence{{Witness: w, Text: "other"}}
	return v
}

// sure is a verdict with another confidence.
func sure(v gateway.Verdict, c gateway.Confidence) gateway.Verdict {
	v.Confidence = c
	return v
}

// TestTogether merges witnesses.
func TestTogether(t *testing.T) {
	for _, tt := range []struct {
		name     string
		vs       []gateway.Verdict
		code     gateway.Code
		sure     gateway.Confidence
		evidence int
		differs  bool
	}{
		{"nobody", nil, gateway.CodeUndetermined, gateway.Low, 0, false},
		{"one", []gateway.Verdict{saidDrop}, gateway.CodeEgressDropAll, gateway.High, 1, false},
		{"nobody can tell", []gateway.Verdict{saidLess, saidLess}, gateway.CodeUndetermined, gateway.Low, 1, false},
		{"one cannot tell", []gateway.Verdict{saidLess, saidRelay}, gateway.CodeRelayRefused, gateway.Medium, 1, false},
		{"agreement", []gateway.Verdict{sure(saidDrop, gateway.Medium), by(sure(saidDrop, gateway.Medium), gateway.WitnessCapture)}, gateway.CodeEgressDropAll, gateway.High, 2, false},
		{"agreement in all words", []gateway.Verdict{saidDrop, saidDrop}, gateway.CodeEgressDropAll, gateway.High, 1, false},
		{"contradiction", []gateway.Verdict{saidDrop, saidKey}, gateway.CodeEgressDropAll, gateway.Medium, 2, true},
		{"fault and none", []gateway.Verdict{saidWell, saidDrop}, gateway.CodeEgressDropAll, gateway.Medium, 2, true},
		{"gateway and device", []gateway.Verdict{saidDrop, saidRelay}, gateway.CodeEgressDropAll, gateway.High, 2, false},
		{"device and gateway", []gateway.Verdict{saidRelay, saidDrop}, gateway.CodeEgressDropAll, gateway.High, 2, false},
		{"device surer than the gateway", []gateway.Verdict{saidMute, saidRelay}, gateway.CodeNonceMissing, gateway.Low, 2, false},
		{"three", []gateway.Verdict{sure(saidDrop, gateway.Medium), by(saidRelay, gateway.WitnessCapture), saidRelay}, gateway.CodeEgressDropAll, gateway.Medium, 3, false},
		{"device and a log of the way", []gateway.Verdict{by(saidDrop, gateway.WitnessSerial), saidRelay}, gateway.CodeEgressDropAll, gateway.Medium, 2, true},
		{"device and the keys", []gateway.Verdict{saidKey, saidRelay}, gateway.CodeKeyRejected, gateway.Medium, 2, true},
		{"the relay's own cut", []gateway.Verdict{saidDrop, saidDirty}, gateway.CodeEgressDropAll, gateway.Medium, 2, true},
		{"healthy gateway", []gateway.Verdict{saidWell, saidRelay}, gateway.CodeOK, gateway.Medium, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := Together(tt.vs...)
			if v.Code != tt.code || v.Confidence != tt.sure || len(v.Evidence) != tt.evidence {
				t.Errorf("got %s, %s, %+v; want %s, %s, %d", v.Code, v.Confidence, v.Evidence, tt.code, tt.sure, tt.evidence)
			}
			differs := false
			for _, e := range v.Evidence {
				differs = differs || strings.HasPrefix(e.Text, "another witness says")
			}
			if differs != tt.differs {
				t.Errorf("contradiction: got %t, want %t: %+v", differs, tt.differs, v.Evidence)
			}
			if v.Evidence == nil || v.Fine == nil {
				t.Error("an array is null")
			}
		})
	}
}

// TestTogetherBounds: many witnesses make no endless page, and change no verdict of the callers'.
func TestTogetherBounds(t *testing.T) {
	vs := []gateway.Verdict{saidDrop}
	for range 20 {
		vs = append(vs, saidKey)
	}
	if v := Together(vs...); len(v.Evidence) != maxEvidence {
		t.Errorf("got %d facts, want %d", len(v.Evidence), maxEvidence)
	}
	if len(saidDrop.Evidence) != 1 || len(saidKey.Evidence) != 1 {
		t.Error("a caller's verdict changed")
	}
}
