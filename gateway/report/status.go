package report

import "photongate/gateway"

// statusDoc is the document of `photongate status --json`.
type statusDoc struct {
	Schema   int               `json:"schema"`
	Gateway  string            `json:"gateway"`
	Version  string            `json:"version"`
	TS       stamp             `json:"ts"`
	Started  stamp             `json:"started,omitzero"`
	Uptime   *int64            `json:"uptime_s,omitempty"`
	Seq      uint64            `json:"seq"`
	Status   gateway.Status    `json:"status"`
	Headline string            `json:"headline"`
	Devices  []deviceStatusDoc `json:"devices"`
	Egress   egressDoc         `json:"egress"`
	Alerts   []alertDoc        `json:"alerts"`
	Parts    []namedPartDoc    `json:"parts"`
	Counters gateway.Counters  `json:"counters"`
}

// deviceStatusDoc is one device. Session is null when none is open.
type deviceStatusDoc struct {
	Name       string            `json:"name"`
	MAC        string            `json:"mac"`
	ID         string            `json:"id,omitempty"`
	Listed     bool              `json:"listed"`
	Stage      gateway.Stage     `json:"stage"`
	Online     bool              `json:"online"`
	Since      stamp             `json:"since,omitzero"`
	Seen       stamp             `json:"seen,omitzero"`
	Addr       string            `json:"addr,omitempty"`
	Reconnects uint64            `json:"reconnects"`
	Session    *sessionStatusDoc `json:"session"`
	Verdict    verdictStatusDoc  `json:"verdict"`
}

// sessionStatusDoc is a session with its traffic.
type sessionStatusDoc struct {
	*sessionDoc
	*trafficDoc
}

// verdictStatusDoc is a verdict with its evidence.
type verdictStatusDoc struct {
	verdictBody
	Evidence []evidenceDoc `json:"evidence"`
}

// namedPartDoc is a part in a list.
type namedPartDoc struct {
	Part gateway.Part `json:"part"`
	partDoc
}

// StatusJSON renders a snapshot for programs: strangers and pending alerts
// included, indented by two spaces, with a newline at the end. No list is null.
// The error is always nil; it is there so that callers need not change.
func StatusJSON(s gateway.Snapshot) ([]byte, error) {
	d := statusDoc{
		Schema: Schema, Gateway: clean(s.Gateway, maxLevel), Version: clean(s.Version, ample.text), TS: stamp{s.Time}, Started: stamp{s.Started},
		Uptime: seconds(s.Time, s.Started), Seq: s.Seq, Status: s.Overall(), Headline: Headline(s), Egress: newEgressDoc(s.Egress, ample),
		Devices: []deviceStatusDoc{}, Alerts: []alertDoc{}, Parts: []namedPartDoc{}, Counters: boundCounters(s.Counters, ample),
	}
	for _, dev := range s.Devices {
		d.Devices = append(d.Devices, newDeviceStatusDoc(s, dev))
	}
	for _, a := range s.Alerts {
		d.Alerts = append(d.Alerts, newAlertDoc(s, a, ample))
	}
	for _, p := range s.Parts {
		doc := newPartDoc(s, p, ample)
		doc.Hint = clean(p.Hint, ample.text)
		d.Parts = append(d.Parts, namedPartDoc{Part: p.Part, partDoc: doc})
	}
	return append(encode(d, "  "), '\n'), nil
}

// newDeviceStatusDoc renders one device.
func newDeviceStatusDoc(s gateway.Snapshot, dev gateway.DeviceStatus) deviceStatusDoc {
	d := deviceStatusDoc{
		Name: clean(dev.Name, maxLevel), MAC: dev.MAC.String(), Listed: dev.Listed, Stage: dev.Stage, Online: dev.Online(),
		Since: stamp{dev.Since}, Seen: stamp{dev.Seen}, Reconnects: dev.Reconnects,
		Verdict: verdictStatusDoc{newVerdictBody(dev.Verdict, ample), newEvidence(dev.Verdict, ample)},
	}
	if !dev.ID.IsZero() {
		d.ID = dev.ID.String()
	}
	if dev.Addr.IsValid() {
		d.Addr = dev.Addr.String()
	}
	if dev.Session != nil {
		d.Session = &sessionStatusDoc{newSessionDoc(dev.Session, ample), newTrafficDoc(dev.Session, s.Time)}
	}
	return d
}
