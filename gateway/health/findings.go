package health

import (
	"cmp"
	"fmt"
	"net"
	"strings"
	"time"

	"photongate/gateway"
)

// Keys of findings. They are topics of alerts, and stable.
const (
	// KeyPath is the condition that the way out does not work.
	KeyPath = "egress.path"
	// KeyDrift is the condition that the cloud's name leads to addresses that are not approved.
	KeyDrift = "egress.drift"
	// KeyDNS is the condition that the cloud's name does not resolve while addresses are remembered.
	KeyDNS = "egress.dns"
	// KeyDevice is the prefix of the condition that a device is not online; its topic follows.
	KeyDevice = "device.offline."
	// KeyPart is the prefix of the condition that a part does not work; its name follows.
	KeyPart = "part."
	// KeyClone is the prefix of the condition that a device contradicts its identity; its topic follows.
	KeyClone = "device.clone."
)

// holdFor is how long a condition must hold before it fires, unless its
// evidence is conclusive at once (users.md E4, the default of `for`).
const holdFor = 60 * time.Second

// dnsHoldFor is holdFor for a name that does not resolve: by then every server
// was asked twice, for 3 s each, which is no blip.
const dnsHoldFor = 10 * time.Second

// causes says what a broken part explains beside itself, by prefix of key.
var causes = map[gateway.Part][]string{
	gateway.PartSegment:  {"device.", "part.dhcp", "part.dns", "part.firewall", "part.relay"},
	gateway.PartFirewall: {"device."},
	gateway.PartDHCP:     {"device."},
	gateway.PartDNS:      {"device."},
	gateway.PartRelay:    {"device."},
}

// hops places a part on the way of a device; a part that is missing here is on no hop.
var hops = map[gateway.Part]gateway.Hop{
	gateway.PartSegment:  gateway.HopLink,
	gateway.PartFirewall: gateway.HopAdmission,
	gateway.PartDHCP:     gateway.HopAddress,
	gateway.PartDNS:      gateway.HopDNS,
	gateway.PartRelay:    gateway.HopRelay,
	gateway.PartEgress:   gateway.HopEgress,
}

// Findings names the conditions that hold in s, where path is the verdict on
// the way out as a whole. Root causes come first. A stranger is no finding,
// nor is a listed device that was never noticed.
func (t *Tracker) Findings(s gateway.Snapshot, path gateway.Verdict) []gateway.Finding {
	var found []gateway.Finding
	if f, ok := pathFinding(s.Egress, path); ok {
		found = append(found, f)
	}
	if f, ok := t.dnsFinding(s.Egress); ok {
		found = append(found, f)
	}
	if f, ok := driftFinding(s.Egress); ok {
		found = append(found, f)
	}
	found = append(found, t.cloneFindings(s)...)
	for _, p := range s.Parts {
		if f, ok := partFinding(p); ok {
			found = append(found, f)
		}
	}
	for _, d := range s.Devices {
		if f, ok := t.deviceFinding(d); ok {
			found = append(found, f)
		}
	}
	return found
}

// pathFinding says that the way out is broken: as the verdict names it, or,
// while no verdict names a fault, as the egress itself reports.
func pathFinding(e gateway.EgressStatus, v gateway.Verdict) (gateway.Finding, bool) {
	f := gateway.Finding{
		Key: KeyPath, Severity: gateway.Critical,
		Code: v.Code, Hop: v.Hop, Owner: v.Owner, Summary: v.Summary, Fix: v.Next,
		// The part that carries the way out reports the same fault once more.
		Causes: []string{"device.", KeyPart + string(gateway.PartEgress)},
		For:    holdFor,
	}
	if names(v) {
		if v.Confidence == gateway.High {
			f.For = 0
		}
		f.Hop = cmp.Or(f.Hop, gateway.HopEgress)
		return f, true
	}
	if e.Up || e.Since.IsZero() {
		return gateway.Finding{}, false
	}
	f.Code, f.Hop, f.Owner, f.Fix = gateway.CodeUndetermined, gateway.HopEgress, gateway.OwnerNone, ""
	f.Summary = "The way to " + cmp.Or(e.Cloud, "the cloud") + " is down: " + cmp.Or(e.Reason, "no reason is known yet")
	return f, true
}

// names tells whether a verdict names a fault.
func names(v gateway.Verdict) bool {
	switch v.Code {
	case "", gateway.CodeOK, gateway.CodeUndetermined, gateway.CodeUnrecognised, gateway.CodeNeverSeen:
		return false
	}
	return !v.Healthy()
}

// dnsFinding says that the cloud's name does not resolve, while remembered
// addresses still carry the sessions. With none left, the way out itself is broken.
func (t *Tracker) dnsFinding(e gateway.EgressStatus) (gateway.Finding, bool) {
	if t.resolver == "" || len(e.Addresses) == 0 {
		return gateway.Finding{}, false
	}
	return gateway.Finding{
		Key: KeyDNS, Code: gateway.CodeDNSBlocked, Hop: gateway.HopDNS,
		Severity: gateway.Warning, Owner: gateway.OwnerNetwork, For: dnsHoldFor,
		Summary: fmt.Sprintf("%s does not resolve (%s); %s used meanwhile", host(e.Cloud),
			t.resolver, counted(len(e.Addresses), "remembered address is", "remembered addresses are")),
		Fix: "let the gateway ask its resolver for the cloud's name, or configure a resolver that answers (egress.resolvers)",
	}, true
}

// doubtFor is how long a contradiction about an id is held against a device: a
// person looks once a day.
const doubtFor = 24 * time.Hour

// cloneFindings say which listed devices told another id than the known one:
// the module was swapped, or somebody else uses its MAC.
func (t *Tracker) cloneFindings(s gateway.Snapshot) []gateway.Finding {
	var found []gateway.Finding
	for _, d := range s.Devices {
		c, ok := t.doubted[d.MAC]
		if !ok || !d.Listed || s.Time.Sub(c.at) > doubtFor {
			continue
		}
		found = append(found, gateway.Finding{
			Key: KeyClone + d.Topic(), Code: gateway.CodeCloneSuspected, Hop: gateway.HopAdmission, Severity: gateway.Warning,
			Device: d.MAC, Owner: gateway.OwnerAdmin,
			Summary: fmt.Sprintf("%s told the device id %s, and %s is known of its MAC", d.Label(), c.told, c.known),
			Fix:     "if the module was swapped, remove the device and add it again; if not, somebody uses its MAC: look for a second device",
		})
	}
	return found
}

// maxNamed is how many addresses a sentence names before it only counts.
const maxNamed = 3

// driftFinding says that the cloud moved to addresses that are not approved:
// an alert before devices fail.
func driftFinding(e gateway.EgressStatus) (gateway.Finding, bool) {
	var strange []string
	current := 0
	for _, a := range e.Addresses {
		if !a.Current {
			continue
		}
		current++
		if !a.Approved {
			strange = append(strange, a.Addr.String())
		}
	}
	if len(strange) == 0 {
		return gateway.Finding{}, false
	}
	list := strings.Join(strange[:min(len(strange), maxNamed)], ", ")
	if n := len(strange) - maxNamed; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return gateway.Finding{
		Key: KeyDrift, Code: gateway.CodeNotApproved, Hop: gateway.HopEgress,
		Severity: gateway.Warning, Owner: gateway.OwnerAdmin, For: holdFor,
		Summary: fmt.Sprintf("%s resolves to %s; not approved: %s", host(e.Cloud), counted(current, "address", "addresses"), list),
		Fix:     "have the network team allow these addresses, then add them to egress.approved",
	}, true
}

// host is the cloud's name without its port.
func host(cloud string) string {
	name, _, err := net.SplitHostPort(cloud)
	if err != nil {
		name = cloud
	}
	return cmp.Or(name, "the cloud's name")
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// partFinding says that a part of the gateway failed or fell silent.
func partFinding(p gateway.PartStatus) (gateway.Finding, bool) {
	f := gateway.Finding{
		Key: KeyPart + string(p.Part), Hop: hops[p.Part], Severity: gateway.Warning,
		Owner: gateway.OwnerAdmin, Fix: p.Hint, Causes: causes[p.Part], For: holdFor,
	}
	switch {
	case p.Status == gateway.StatusFailed:
		f.Code = gateway.CodePartFailed
		f.Summary = fmt.Sprintf("The gateway's %s part does not work: %s", p.Part, cmp.Or(p.Reason, "it gave no reason"))
	case p.Status == gateway.StatusDegraded && p.Reason != reasonStarting:
		f.Code = gateway.CodePartSilent
		f.Summary = fmt.Sprintf("The gateway's %s part is degraded: %s", p.Part, p.Reason)
	default:
		return gateway.Finding{}, false
	}
	return f, true
}

// deviceFinding says that a listed device which was online, or tried to be, is not.
func (t *Tracker) deviceFinding(d gateway.DeviceStatus) (gateway.Finding, bool) {
	if !d.Listed || d.Online() || (d.Seen.IsZero() && !t.known[d.MAC]) {
		return gateway.Finding{}, false
	}
	f := gateway.Finding{
		Key: KeyDevice + d.Topic(), Severity: gateway.Warning, Device: d.MAC, For: holdFor,
		Code: gateway.CodeUndetermined, Summary: d.Label() + " is not online",
	}
	v := d.Verdict
	if v.Healthy() || v.Code == "" {
		return f, true
	}
	f.Code, f.Hop, f.Owner, f.Fix = v.Code, v.Hop, v.Owner, v.Next
	if v.Summary != "" {
		f.Summary += ": " + v.Summary
	}
	return f, true
}
