package report

import "photongate/gateway"

// Will is the message that the broker publishes when it loses the gateway, and
// that the gateway publishes itself on a clean exit.
func Will(gw string) Message { return plain(topic(gw, "state"), offline) }

// Online is the message that takes the will back, on every connect.
func Online(gw string) Message { return plain(topic(gw, "state"), online) }

// infoDoc is the document of the info topic.
type infoDoc struct {
	Schema  int    `json:"schema"`
	Gateway string `json:"gateway"`
	Version string `json:"version"`
	Started stamp  `json:"started,omitzero"`
	Cloud   string `json:"cloud,omitempty"`
	Via     string `json:"via,omitempty"`
	TS      stamp  `json:"ts"`
}

// Info says what this gateway is.
func Info(s gateway.Snapshot) Message {
	return seal(topic(s.Gateway, "info"), func(r room) any {
		return infoDoc{
			Schema: Schema, Gateway: clean(s.Gateway, maxLevel), Version: clean(s.Version, r.text), Started: stamp{s.Started},
			Cloud: clean(s.Egress.Cloud, r.text), Via: clean(s.Egress.Via, r.text), TS: stamp{s.Time},
		}
	})
}
