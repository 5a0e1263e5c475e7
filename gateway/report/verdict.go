package report

import "photongate/gateway"

// verdictBody is what a verdict says. Evidence is not in it, because its times
// change while the verdict stays.
type verdictBody struct {
	Outcome    gateway.Result     `json:"outcome"`
	Hop        gateway.Hop        `json:"hop"`
	Code       gateway.Code       `json:"code"`
	Owner      gateway.Owner      `json:"owner"`
	Confidence gateway.Confidence `json:"confidence"`
	Stage      gateway.Stage      `json:"stage"`
	Summary    string             `json:"summary"`
	Fine       []string           `json:"fine"`
	Next       string             `json:"next"`
	LED        string             `json:"led,omitempty"`
}

// evidenceDoc is one fact that a verdict rests on.
type evidenceDoc struct {
	Witness gateway.Witness `json:"by"`
	Line    int             `json:"line,omitempty"`
	Time    stamp           `json:"t,omitzero"`
	Text    string          `json:"text"`
}

// verdictTopicDoc is the document of a device's verdict topic.
type verdictTopicDoc struct {
	Schema  int    `json:"schema"`
	Gateway string `json:"gateway"`
	Device  string `json:"device"`
	Name    string `json:"name,omitempty"`
	verdictBody
	TS       stamp         `json:"ts"`
	Evidence []evidenceDoc `json:"evidence"`
}

// Verdict says where a device fails, whose job the repair is, and why we think so.
func Verdict(s gateway.Snapshot, dev gateway.DeviceStatus) Message {
	return seal(deviceTopic(s.Gateway, dev.Topic(), "verdict"), func(r room) any {
		return verdictTopicDoc{
			Schema: Schema, Gateway: clean(s.Gateway, maxLevel), Device: dev.Topic(), Name: clean(dev.Name, maxLevel),
			verdictBody: newVerdictBody(dev.Verdict, r), TS: stamp{s.Time}, Evidence: newEvidence(dev.Verdict, r),
		}
	})
}

// newVerdictBody renders what a verdict says.
func newVerdictBody(v gateway.Verdict, r room) verdictBody {
	return verdictBody{
		Outcome: v.Outcome, Hop: v.Hop, Code: v.Code, Owner: v.Owner, Confidence: v.Confidence, Stage: v.Stage,
		Summary: clean(v.Summary, r.text), Fine: cleanAll(v.Fine, r), Next: clean(v.Next, r.text), LED: clean(v.LED, r.text),
	}
}

// newEvidence renders the facts, the most telling first.
func newEvidence(v gateway.Verdict, r room) []evidenceDoc {
	out := []evidenceDoc{}
	for _, e := range v.Evidence[:min(len(v.Evidence), r.list)] {
		out = append(out, evidenceDoc{Witness: e.Witness, Line: e.Line, Time: stamp{e.Time}, Text: clean(e.Text, r.text)})
	}
	return out
}
