package report

import (
	"time"

	"photongate/gateway"
)

// deviceDoc is the document of a device's state topic.
type deviceDoc struct {
	Schema     int            `json:"schema"`
	Gateway    string         `json:"gateway"`
	Device     string         `json:"device"`
	Name       string         `json:"name,omitempty"`
	MAC        string         `json:"mac"`
	ID         string         `json:"id,omitempty"`
	Stage      gateway.Stage  `json:"stage"`
	Online     bool           `json:"online"`
	Since      stamp          `json:"since,omitzero"`
	Addr       string         `json:"addr,omitempty"`
	Reconnects uint64         `json:"reconnects"`
	Session    *sessionDoc    `json:"session,omitempty"`
	Outcome    gateway.Result `json:"outcome,omitempty"`
	Hop        gateway.Hop    `json:"hop,omitempty"`
	Code       gateway.Code   `json:"code,omitempty"`

	TS      stamp       `json:"ts"`
	Seen    stamp       `json:"seen,omitzero"`
	Traffic *trafficDoc `json:"traffic,omitempty"`
}

// sessionDoc is what does not change with every byte of a session. The members
// from Ended on are those of a session that ended.
type sessionDoc struct {
	ID      uint64        `json:"id"`
	Cloud   string        `json:"cloud,omitempty"`
	Phase   gateway.Phase `json:"phase"`
	Started stamp         `json:"started,omitzero"`
	PathRTT *float64      `json:"path_rtt_ms,omitempty"`

	Ended       stamp          `json:"ended,omitzero"`
	ClosedBy    gateway.Closer `json:"closed_by,omitempty"`
	How         gateway.Ending `json:"how,omitempty"`
	Detail      string         `json:"detail,omitempty"`
	Retransmits uint32         `json:"retransmits,omitempty"`
	Unacked     uint32         `json:"unacked_bytes,omitempty"`
}

// trafficDoc is what does: how long a session lasts, and what crossed.
type trafficDoc struct {
	Age  *int64 `json:"age_s,omitempty"`
	Up   uint64 `json:"up_bytes"`
	Down uint64 `json:"down_bytes"`
}

// newSessionDoc renders a session; none gives none.
func newSessionDoc(rec *gateway.SessionRecord, r room) *sessionDoc {
	if rec == nil {
		return nil
	}
	d := &sessionDoc{
		ID: rec.ID, Phase: rec.Phase, Started: stamp{rec.Started}, PathRTT: millis(rec.PathRTT), Ended: stamp{rec.Ended},
		ClosedBy: rec.ClosedBy, How: rec.How, Detail: clean(rec.Detail, r.text), Retransmits: rec.Retransmits, Unacked: rec.Unacked,
	}
	if rec.Cloud.IsValid() {
		d.Cloud = rec.Cloud.String()
	}
	return d
}

// newTrafficDoc renders a session's traffic; an ended session ages no more.
func newTrafficDoc(rec *gateway.SessionRecord, now time.Time) *trafficDoc {
	if rec == nil {
		return nil
	}
	if !rec.Ended.IsZero() {
		now = rec.Ended
	}
	return &trafficDoc{Age: seconds(now, rec.Started), Up: rec.Up, Down: rec.Down}
}

// DeviceState says how far a device got.
func DeviceState(s gateway.Snapshot, dev gateway.DeviceStatus) Message {
	return seal(deviceTopic(s.Gateway, dev.Topic(), "state"), func(r room) any {
		d := deviceDoc{
			Schema: Schema, Gateway: clean(s.Gateway, maxLevel), Device: dev.Topic(), Name: clean(dev.Name, maxLevel), MAC: dev.MAC.String(),
			Stage: dev.Stage, Online: dev.Online(), Since: stamp{dev.Since}, Reconnects: dev.Reconnects,
			Session: newSessionDoc(dev.Session, r), Outcome: dev.Verdict.Outcome, Hop: dev.Verdict.Hop, Code: dev.Verdict.Code,
			TS: stamp{s.Time}, Seen: stamp{dev.Seen}, Traffic: newTrafficDoc(dev.Session, s.Time),
		}
		if !dev.ID.IsZero() {
			d.ID = dev.ID.String()
		}
		if dev.Addr.IsValid() {
			d.Addr = dev.Addr.String()
		}
		return d
	})
}

// Availability says in one plain word whether a device is through to its cloud.
func Availability(s gateway.Snapshot, dev gateway.DeviceStatus) Message {
	return plain(deviceTopic(s.Gateway, dev.Topic(), "availability"), availability(dev.Online()))
}
