package report

import (
	"time"

	"photongate/gateway"
)

// alertDoc is the alert document (users.md E4).
type alertDoc struct {
	Schema   int                `json:"schema,omitempty"`
	Key      string             `json:"key"`
	ID       string             `json:"id"`
	State    gateway.AlertState `json:"state"`
	Severity gateway.Severity   `json:"severity"`
	Gateway  string             `json:"gateway,omitempty"`
	// Device is the device as in a topic, and null for the gateway as a whole.
	Device  *string      `json:"device"`
	Hop     gateway.Hop  `json:"hop"`
	Code    gateway.Code `json:"code"`
	Summary string       `json:"summary"`
	Since   stamp        `json:"since,omitzero"`
	Fired   stamp        `json:"fired,omitzero"`
	Ended   stamp        `json:"ended,omitzero"`
	// Duration is from Since to Ended.
	Duration *int64        `json:"duration_s,omitempty"`
	Owner    gateway.Owner `json:"owner"`
	Fix      string        `json:"fix"`
	Silences int           `json:"silences"`

	TS    *stamp `json:"ts,omitempty"`
	Last  stamp  `json:"last,omitzero"`
	Count uint64 `json:"count"`
}

// Alert renders an alert. It is retained while it fires; its end is sent once
// and not retained, so that it closes a ticket and does not come back.
func Alert(s gateway.Snapshot, a gateway.Alert) Message {
	m := seal(alertTopic(s.Gateway, a.Key), func(r room) any { return headedAlert(s, a, r) })
	m.Retain = a.State == gateway.AlertFiring
	return m
}

// ClearAlert removes an alert that the broker retains.
func ClearAlert(gw, key string) Message {
	return Message{Topic: alertTopic(gw, key), Retain: true}
}

// Transition renders what Alerts.Update returned, as messages that must arrive
// in this order and survive a broker's absence: the alert, the event, and behind
// an end the removal. Replayed late they leave the broker right, because the
// last message about a key tells how the key is.
func Transition(s gateway.Snapshot, a gateway.Alert) []Message {
	out := []Message{Alert(s, a), alertEvent(s, a)}
	if a.State == gateway.AlertResolved {
		out = append(out, ClearAlert(s.Gateway, a.Key))
	}
	return out
}

// alertTopic is the topic of an alert.
func alertTopic(gw, key string) string { return topic(gw, "alert", level(key)) }

// headedAlert is the alert as a document of its own.
func headedAlert(s gateway.Snapshot, a gateway.Alert, r room) alertDoc {
	d := newAlertDoc(s, a, r)
	d.Schema, d.Gateway, d.TS = Schema, clean(s.Gateway, maxLevel), &stamp{s.Time}
	return d
}

// newAlertDoc renders an alert without the head of a document of its own.
func newAlertDoc(s gateway.Snapshot, a gateway.Alert, r room) alertDoc {
	d := alertDoc{
		Key: clean(a.Key, maxLevel), ID: clean(a.ID, maxLevel), State: a.State, Severity: a.Severity, Hop: a.Hop, Code: a.Code,
		Summary: clean(a.Summary, r.text), Since: stamp{a.Since}, Fired: stamp{a.Fired}, Last: stamp{a.Last}, Ended: stamp{a.Ended},
		Owner: a.Owner, Fix: clean(a.Fix, r.text), Silences: a.Silences, Count: a.Count,
	}
	if !a.Device.IsZero() {
		name := topicOf(s.Devices, a.Device)
		d.Device = &name
	}
	if !a.Ended.IsZero() {
		n := int64(a.Ended.Sub(a.Since) / time.Second)
		d.Duration = &n
	}
	return d
}

// topicOf is the topic level of the device with a MAC. One that was removed
// meanwhile has only its MAC left.
func topicOf(devices []gateway.DeviceStatus, m gateway.MAC) string {
	for _, d := range devices {
		if d.MAC == m {
			return d.Topic()
		}
	}
	return m.Compact()
}
