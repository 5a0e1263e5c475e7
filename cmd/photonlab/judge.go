package main

import (
	"fmt"
	"slices"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// expectedHop is the hop that the gateway should name under a fault; none
// where everything should be online.
func expectedHop(f site.Fault) gateway.Hop {
	switch f {
	case site.Drop, site.Refuse:
		return gateway.HopEgress
	case site.DNSDrop:
		return gateway.HopDNS
	case site.CloudMute, site.AllowThenKill:
		return gateway.HopMiddlebox
	}
	return gateway.HopNone
}

// judge lists what is not as it should be.
func judge(s summary, opt options) []string {
	var reasons []string
	for _, d := range s.Devices {
		if reason := judgeDevice(d, opt); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	hop := expectedHop(opt.fault)
	if hop == gateway.HopNone {
		return reasons
	}
	fired := func(a alertSummary) bool {
		return a.Hop == string(hop) && a.State == string(gateway.AlertFiring)
	}
	if !slices.ContainsFunc(s.Alerts, fired) {
		reasons = append(reasons, fmt.Sprintf("no alert fires for hop %s", hop))
	}
	return reasons
}

// judgeDevice says what is wrong with one device, or nothing.
func judgeDevice(d deviceSummary, opt options) string {
	hop := expectedHop(opt.fault)
	switch {
	case !d.Listed && d.Lease != "":
		return fmt.Sprintf("%s is not whitelisted and has the address %s", d.Name, d.Lease)
	case !d.Listed && d.admitted():
		return fmt.Sprintf("%s is not whitelisted and is %s", d.Name, d.Stage)
	case !d.Listed, d.dead:
		return ""
	case hop == gateway.HopNone && !d.online():
		return fmt.Sprintf("%s is %s, want online: %s", d.Name, d.Stage, d.Verdict.Summary)
	case hop == gateway.HopNone:
		return ""
	case d.online() && opt.fault == site.DNSDrop && opt.at > 0:
		// The gateway remembers the addresses, so its devices stay online.
		return ""
	case d.online():
		return fmt.Sprintf("%s is online, and should not be under fault %s", d.Name, opt.fault)
	case d.Verdict.Hop != string(hop):
		return fmt.Sprintf("the verdict on %s names hop %q, want %q", d.Name, d.Verdict.Hop, hop)
	}
	return ""
}

// admitted tells whether the gateway says that the device got an address or more.
func (d deviceSummary) admitted() bool {
	var stage gateway.Stage
	return stage.UnmarshalText([]byte(d.Stage)) == nil && stage >= gateway.StageLeased
}
