package diagnose

import (
	"fmt"

	"photongate/gateway"
)

// compare sets every device that fails beside one that works: what carries
// the one is not what stops the other.
func compare(devices []gateway.DeviceStatus) {
	var works *gateway.DeviceStatus
	for i := range devices {
		if d := &devices[i]; d.Online() && d.Session != nil && d.Verdict.Healthy() {
			works = d
			break
		}
	}
	if works == nil {
		return
	}
	said := fmt.Sprintf("%s is online by the same gateway, through %s", works.Label(), works.Session.Cloud)
	for i := range devices {
		v := &devices[i].Verdict
		if v.Healthy() || !determined(*v) {
			continue
		}
		v.Fine = append(v.Fine, "the gateway's way out: "+said)
		if len(v.Evidence) < maxEvidence {
			v.Evidence = append(v.Evidence, gateway.Evidence{Witness: gateway.WitnessRelay, Time: works.Since, Text: "for comparison, " + said})
		}
	}
}
