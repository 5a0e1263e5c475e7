package report

import (
	"maps"
	"slices"

	"photongate/gateway"
)

// healthDoc is the document of the health topic.
type healthDoc struct {
	Schema  int            `json:"schema"`
	Gateway string         `json:"gateway"`
	Status  gateway.Status `json:"status"`
	// Failing names the parts that are neither ok nor off: news, as opposed to ages.
	Failing []gateway.Part `json:"failing"`
	Devices headcount      `json:"devices"`

	TS stamp `json:"ts"`
	// ClockSynced is left out where nobody knows: wrong time breaks every
	// comparison with the logs of others (users.md E3).
	ClockSynced *bool                    `json:"clock_synced,omitempty"`
	Seq         uint64                   `json:"seq"`
	Uptime      *int64                   `json:"uptime_s,omitempty"`
	Parts       map[gateway.Part]partDoc `json:"parts"`
	Counters    gateway.Counters         `json:"counters"`
}

// headcount is how the listed devices are doing.
type headcount struct {
	Listed int `json:"listed"`
	Online int `json:"online"`
}

// partDoc is how one part is doing. Age is how long ago the part last proved it.
type partDoc struct {
	Status gateway.Status `json:"status"`
	Since  stamp          `json:"since,omitzero"`
	Age    *int64         `json:"age_s,omitempty"`
	Reason string         `json:"reason,omitempty"`
	Hint   string         `json:"hint,omitempty"`
}

// Health says how the gateway and each of its parts are doing. It is published
// at every heartbeat: its ages are what shows a hung part. clock says whether
// the system's clock is synchronised; nil leaves that out.
func Health(s gateway.Snapshot, clock *bool) Message {
	return seal(topic(s.Gateway, "health"), func(r room) any {
		// Parts are eight today; four times the room of other lists keeps them whole.
		parts := s.Parts[:min(len(s.Parts), 4*r.list)]
		d := healthDoc{
			Schema: Schema, Gateway: clean(s.Gateway, maxLevel), Status: s.Overall(), Failing: []gateway.Part{}, Devices: count(s.Devices),
			TS: stamp{s.Time}, ClockSynced: clock, Seq: s.Seq, Uptime: seconds(s.Time, s.Started),
			Parts: make(map[gateway.Part]partDoc, len(parts)), Counters: boundCounters(s.Counters, r),
		}
		for _, p := range parts {
			name := gateway.Part(clean(string(p.Part), maxLevel))
			d.Parts[name] = newPartDoc(s, p, r)
			if p.Status != gateway.StatusOK && p.Status != gateway.StatusOff {
				d.Failing = append(d.Failing, name)
			}
		}
		return d
	})
}

// newPartDoc renders one part. Its hint is for the status, where there is room.
func newPartDoc(s gateway.Snapshot, p gateway.PartStatus, r room) partDoc {
	return partDoc{Status: p.Status, Since: stamp{p.Since}, Age: seconds(s.Time, p.Seen), Reason: clean(p.Reason, r.text)}
}

// count counts the listed devices.
func count(devices []gateway.DeviceStatus) headcount {
	var n headcount
	for _, d := range devices {
		if !d.Listed {
			continue
		}
		n.Listed++
		if d.Online() {
			n.Online++
		}
	}
	return n
}

// boundCounters bounds the counters that have a label.
func boundCounters(c gateway.Counters, r room) gateway.Counters {
	c.SessionsRefused = boundLabels(c.SessionsRefused, r)
	c.FirewallDrops = boundLabels(c.FirewallDrops, r)
	c.Malformed = boundLabels(c.Malformed, r)
	return c
}

// boundLabels keeps the first labels in their order; labels are constants of
// our own parts, so what is cut can only be a mistake of ours.
func boundLabels(m map[string]uint64, r room) map[string]uint64 {
	out := make(map[string]uint64, min(len(m), r.list))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(out) == r.list {
			break
		}
		out[clean(k, maxLevel)] = m[k]
	}
	return out
}
