package health_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/health"
)

// porch is a listed device of the tests.
var porch = gateway.Device{Name: "porch", MAC: gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}}

// blocked is a conclusive verdict on the way out.
var blocked = gateway.Verdict{
	Outcome: gateway.ResultLostBlocked, Hop: gateway.HopMiddlebox, Code: gateway.CodeFlowKilled,
	Owner: gateway.OwnerNetwork, Confidence: gateway.High, Summary: "Allowed, then killed.", Next: "Ask for the rule.",
}

// book makes an address book: each entry's flags are c for current and a for approved.
func book(flags ...string) []gateway.Address {
	var out []gateway.Address
	for i, f := range flags {
		a := gateway.Address{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{52, 0, 0, byte(i + 1)}), 5683)}
		for _, c := range f {
			a.Current = a.Current || c == 'c'
			a.Approved = a.Approved || c == 'a'
		}
		out = append(out, a)
	}
	return out
}

func TestFindings(t *testing.T) {
	const cloud = "device.spark.io:5683"
	seen := gateway.DeviceStatus{Device: porch, Listed: true, Seen: at(1), Stage: gateway.StageLeased, Verdict: blocked}
	with := func(f func(*gateway.DeviceStatus)) []gateway.DeviceStatus {
		d := seen
		f(&d)
		return []gateway.DeviceStatus{d}
	}
	medium := blocked
	medium.Confidence = gateway.Medium
	offline := gateway.Finding{
		Key: "device.offline.6c0b84597295", Code: gateway.CodeFlowKilled, Hop: gateway.HopMiddlebox, Severity: gateway.Warning,
		Device: porch.MAC, Summary: "porch is not online: Allowed, then killed.", Owner: gateway.OwnerNetwork, Fix: "Ask for the rule.", For: time.Minute,
	}
	unknown := gateway.Finding{Key: offline.Key, Code: gateway.CodeUndetermined, Severity: gateway.Warning, Device: porch.MAC,
		Summary: "porch is not online", For: time.Minute}
	path := gateway.Finding{
		Key: "egress.path", Code: gateway.CodeFlowKilled, Hop: gateway.HopMiddlebox, Severity: gateway.Critical, Summary: "Allowed, then killed.",
		Owner: gateway.OwnerNetwork, Fix: "Ask for the rule.", Causes: []string{"device.", "part.egress"},
	}
	pathMedium := path
	pathMedium.For = time.Minute
	down := gateway.Finding{Key: "egress.path", Code: gateway.CodeUndetermined, Hop: gateway.HopEgress, Severity: gateway.Critical,
		Summary: "The way to device.spark.io:5683 is down: nothing answers", Causes: path.Causes, For: time.Minute}
	noDNS := gateway.Event{Time: at(1), Kind: gateway.ResolverFailed, Text: "i/o timeout"}

	tests := []struct {
		name   string
		s      gateway.Snapshot
		path   gateway.Verdict
		events []gateway.Event
		known  []gateway.MAC
		want   []gateway.Finding
	}{
		{name: "nothing known"},
		{name: "path verdict, conclusive", path: blocked, want: []gateway.Finding{path}},
		{name: "path verdict, less sure", path: medium, want: []gateway.Finding{pathMedium}},
		{name: "path recovered", path: gateway.Verdict{Outcome: gateway.ResultLostRecovered, Code: gateway.CodeLinkLost}},
		{name: "egress down, no verdict", s: gateway.Snapshot{Egress: gateway.EgressStatus{Cloud: cloud, Since: at(1), Reason: "nothing answers"}},
			path: gateway.Verdict{Code: gateway.CodeUndetermined}, want: []gateway.Finding{down}},
		{name: "egress up", s: gateway.Snapshot{Egress: gateway.EgressStatus{Up: true, Since: at(1)}}},
		{name: "device never seen", s: gateway.Snapshot{Devices: with(func(d *gateway.DeviceStatus) { d.Seen = time.Time{} })}},
		{name: "device seen before the restart", s: gateway.Snapshot{Devices: with(func(d *gateway.DeviceStatus) { d.Seen = time.Time{} })},
			known: []gateway.MAC{porch.MAC}, want: []gateway.Finding{offline}},
		{name: "stranger", s: gateway.Snapshot{Devices: with(func(d *gateway.DeviceStatus) { d.Listed = false })}},
		{name: "device online", s: gateway.Snapshot{Devices: with(func(d *gateway.DeviceStatus) { d.Stage = gateway.StageOnline })}},
		{name: "device not online", s: gateway.Snapshot{Devices: []gateway.DeviceStatus{seen}}, want: []gateway.Finding{offline}},
		{name: "device without a verdict", s: gateway.Snapshot{Devices: with(func(d *gateway.DeviceStatus) { d.Verdict = gateway.Verdict{} })},
			want: []gateway.Finding{unknown}},
		{name: "part failed", s: gateway.Snapshot{Parts: []gateway.PartStatus{{Part: "dhcp", Status: "failed", Reason: "port 67 is taken", Hint: "stop dnsmasq"}}},
			want: []gateway.Finding{{Key: "part.dhcp", Code: "PART_FAILED", Hop: gateway.HopAddress, Severity: gateway.Warning, Owner: gateway.OwnerAdmin,
				Summary: "The gateway's dhcp part does not work: port 67 is taken", Fix: "stop dnsmasq", Causes: []string{"device."}, For: time.Minute}}},
		{name: "part silent", s: gateway.Snapshot{Parts: []gateway.PartStatus{{Part: "mqtt", Status: "degraded", Reason: "no sign of life for 90 s"}}},
			want: []gateway.Finding{{Key: "part.mqtt", Code: "PART_SILENT", Severity: gateway.Warning, Owner: gateway.OwnerAdmin,
				Summary: "The gateway's mqtt part is degraded: no sign of life for 90 s", For: time.Minute}}},
		{name: "part starting or off", s: gateway.Snapshot{Parts: []gateway.PartStatus{
			{Part: "dns", Status: "degraded", Reason: "starting"}, {Part: "mqtt", Status: "off", Reason: "mqtt.url is empty"}}}},
		{name: "drift", s: gateway.Snapshot{Egress: gateway.EgressStatus{Up: true, Cloud: cloud, Addresses: book("ca", "c", "a", "", "c", "c", "c")}},
			want: []gateway.Finding{{Key: "egress.drift", Code: gateway.CodeNotApproved, Hop: gateway.HopEgress, Severity: gateway.Warning, Owner: gateway.OwnerAdmin,
				Summary: "device.spark.io resolves to 5 addresses; not approved: 52.0.0.2:5683, 52.0.0.5:5683, 52.0.0.6:5683 and 1 more",
				Fix:     "have the network team allow these addresses, then add them to egress.approved", For: time.Minute}}},
		{name: "resolver failing, addresses remembered", s: gateway.Snapshot{Egress: gateway.EgressStatus{Up: true, Cloud: cloud, Addresses: book("a", "a")}},
			events: []gateway.Event{noDNS},
			want: []gateway.Finding{{Key: "egress.dns", Code: gateway.CodeDNSBlocked, Hop: gateway.HopDNS, Severity: gateway.Warning, Owner: gateway.OwnerNetwork,
				Summary: "device.spark.io does not resolve (i/o timeout); 2 remembered addresses are used meanwhile",
				Fix:     "let the gateway ask its resolver for the cloud's name, or configure a resolver that answers (egress.resolvers)", For: 10 * time.Second}}},
		{name: "another id", s: gateway.Snapshot{Time: at(5), Devices: []gateway.DeviceStatus{{Device: porch, Listed: true, Stage: gateway.StageOnline, Seen: at(4), Verdict: gateway.Verdict{Outcome: gateway.ResultOnline}}}},
			events: []gateway.Event{{Time: at(3), Kind: gateway.IdentityChanged, MAC: porch.MAC, ID: gateway.DeviceID{1}, Text: porch.ID.String()}},
			want: []gateway.Finding{{Key: "device.clone." + porch.Topic(), Code: gateway.CodeCloneSuspected, Hop: gateway.HopAdmission, Severity: gateway.Warning,
				Device: porch.MAC, Owner: gateway.OwnerAdmin, Summary: "porch told the device id 010000000000000000000000, and " + porch.ID.String() + " is known of its MAC",
				Fix: "if the module was swapped, remove the device and add it again; if not, somebody uses its MAC: look for a second device"}}},
		{name: "resolver failing, nothing remembered", events: []gateway.Event{noDNS}},
		{name: "resolver recovered", s: gateway.Snapshot{Egress: gateway.EgressStatus{Up: true, Addresses: book("ca")}},
			events: []gateway.Event{noDNS, {Time: at(2), Kind: gateway.ResolverOK}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := health.New(health.Config{Now: t0, Known: tt.known})
			for _, ev := range tt.events {
				tr.Apply(ev)
			}
			got := tr.Findings(tt.s, tt.path)
			if len(got) == 0 && len(tt.want) == 0 {
				return
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
