package report

import "photongate/gateway"

// Retained renders everything that the broker should retain, in a fixed order:
// the gateway's own topics, then each listed device in the snapshot's order,
// then the firing alerts. It is published whole on every connect, because a
// broker without persistence forgets (users.md D).
func Retained(s gateway.Snapshot) []Message {
	out := []Message{Online(s.Gateway), Info(s), Health(s, nil), Egress(s)}
	for _, d := range s.Devices {
		if d.Listed {
			out = append(out, DeviceState(s, d), Availability(s, d), Verdict(s, d))
		}
	}
	for _, a := range s.Alerts {
		if a.State == gateway.AlertFiring {
			out = append(out, Alert(s, a))
		}
	}
	return out
}
