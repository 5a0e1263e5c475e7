package report_test

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// t0 is the moment of every snapshot in these tests.
var t0 = time.Date(2026, 11, 22, 14, 2, 11, 120_000_000, time.UTC)

// before is so long before t0.
func before(d time.Duration) time.Time { return t0.Add(-d) }

// update is the flag that writes golden files instead of comparing.
var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file in testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// must returns v, for constants of tests.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The devices of the tests.
var (
	porch = gateway.Device{Name: "porch", MAC: must(gateway.ParseMAC("6c:0b:84:59:72:95")),
		ID: must(gateway.ParseDeviceID("3a0027000447333136323739"))}
	cellar = gateway.Device{Name: "cellar", MAC: must(gateway.ParseMAC("6c:0b:84:59:72:96"))}
	roof   = gateway.Device{Name: "roof", MAC: must(gateway.ParseMAC("6c:0b:84:59:72:97"))}
	guest  = gateway.Device{MAC: must(gateway.ParseMAC("02:00:00:00:00:09"))}
)

// healthy is a gateway on which all is well.
func healthy() gateway.Snapshot {
	session := &gateway.SessionRecord{
		ID: 7, MAC: porch.MAC, Device: netip.MustParseAddrPort("192.168.77.10:50123"), Cloud: netip.MustParseAddrPort("54.175.227.173:5683"),
		Started: before(3*time.Hour + 12*time.Minute), Phase: gateway.PhaseTalking, PathRTT: 23*time.Millisecond + 400*time.Microsecond, Up: 48213, Down: 31007,
	}
	fine := gateway.Verdict{Outcome: gateway.ResultOnline, Code: gateway.CodeOK, Confidence: gateway.High, Stage: gateway.StageOnline, Summary: "Online.",
		Fine: []string{"Wi-Fi, DHCP and DNS are not the problem"}, LED: "breathing cyan"}
	part := func(p gateway.Part, age time.Duration) gateway.PartStatus {
		return gateway.PartStatus{Part: p, Status: gateway.StatusOK, Since: before(4 * time.Hour), Seen: before(age)}
	}
	return gateway.Snapshot{
		Gateway: "lab-3", Version: "0.1.0", Time: t0, Started: before(4 * time.Hour), Seq: 411,
		Parts: []gateway.PartStatus{
			part(gateway.PartSegment, 3*time.Second), part(gateway.PartFirewall, 12*time.Second), part(gateway.PartDHCP, 29*time.Second),
			part(gateway.PartDNS, 0), part(gateway.PartRelay, time.Second), part(gateway.PartEgress, 14*time.Second),
			{Part: gateway.PartMQTT, Status: gateway.StatusOff, Since: before(4 * time.Hour), Reason: "mqtt.url is empty"},
		},
		Devices: []gateway.DeviceStatus{
			{Device: porch, Listed: true, Stage: gateway.StageOnline, Since: session.Started, Seen: before(11 * time.Second),
				Addr: netip.MustParseAddr("192.168.77.10"), Session: session, Reconnects: 2, Verdict: fine},
		},
		Egress: gateway.EgressStatus{Via: "direct", Cloud: "device.spark.io:5683", Up: true, Since: before(4 * time.Hour), Addresses: []gateway.Address{
			{Addr: session.Cloud, Approved: true, Current: true, Last: gateway.Spoke, LastTime: before(time.Minute), LastGood: before(time.Minute), RTT: session.PathRTT, Good: 9},
		}},
		Counters: gateway.Counters{LeasesGranted: 3, DNSAnswered: 12, SessionsOpened: 3, SessionsClosed: 2, FirewallDrops: map[string]uint64{"dns": 4, "forward": 1}},
	}
}

// broken is the seed's end: the flow was allowed, then killed, and everything is dropped since.
func broken() gateway.Snapshot {
	s := healthy()
	killed := gateway.Verdict{
		Outcome: gateway.ResultLostBlocked, Hop: gateway.HopMiddlebox, Code: gateway.CodeFlowKilled, Owner: gateway.OwnerNetwork,
		Confidence: gateway.High, Stage: gateway.StageResolved,
		Summary: "A firewall let the connection to 54.175.227.173 through, killed it 25 s later and has dropped TCP 5683 since.",
		Evidence: []gateway.Evidence{
			{Witness: gateway.WitnessRelay, Time: before(8 * time.Minute), Text: "session 7: 34 bytes to the cloud stayed unacknowledged for 25 s"},
			{Witness: gateway.WitnessEgress, Time: before(7 * time.Minute), Text: "54.175.227.173:5683: no answer; it answered 9 minutes ago"},
		},
		Fine: []string{"Wi-Fi, DHCP and DNS are not the problem", "the device's key and the server's key are right"},
		Next: "Ask the network team for a lasting rule: outbound TCP 5683 to device.spark.io.",
		LED:  "blinking cyan",
	}
	s.Devices[0].Stage, s.Devices[0].Since, s.Devices[0].Session, s.Devices[0].Verdict = gateway.StageResolved, before(8*time.Minute), nil, killed
	s.Devices = append(s.Devices,
		gateway.DeviceStatus{Device: cellar, Listed: true, Stage: gateway.StageAssociated, Since: before(2 * time.Minute), Seen: before(time.Second),
			Verdict: gateway.Verdict{Outcome: gateway.ResultDHCPFailed, Hop: gateway.HopAddress, Code: gateway.CodeDHCPNone, Owner: gateway.OwnerAdmin, Confidence: gateway.Medium,
				Summary: "It asks for an address and does not take the one offered.", Next: "Look for a second DHCP server on the segment."}},
		gateway.DeviceStatus{Device: roof, Listed: true, Verdict: gateway.Verdict{Outcome: gateway.ResultUndetermined, Code: gateway.CodeNeverSeen}},
		gateway.DeviceStatus{Device: guest, Stage: gateway.StageSeen, Since: before(time.Minute), Seen: before(time.Minute),
			Verdict: gateway.Verdict{Hop: gateway.HopAdmission, Code: gateway.CodeMACDenied, Summary: "It is not listed."}},
	)
	s.Egress.Up, s.Egress.Since, s.Egress.Reason = false, before(8*time.Minute), "none of 3 addresses answers"
	s.Egress.Addresses = []gateway.Address{
		{Addr: netip.MustParseAddrPort("54.175.227.173:5683"), Approved: true, Current: true, Last: gateway.TimedOut, LastTime: before(20 * time.Second),
			LastGood: before(9 * time.Minute), RTT: 23 * time.Millisecond, Good: 9, Bad: 14},
		{Addr: netip.MustParseAddrPort("52.90.98.3:5683"), Approved: true, Last: gateway.Refused, LastTime: before(40 * time.Second), Bad: 12},
		{Addr: netip.MustParseAddrPort("52.91.48.237:5683"), Current: true},
	}
	s.Parts[1] = gateway.PartStatus{Part: gateway.PartFirewall, Status: gateway.StatusDegraded, Since: before(30 * time.Second), Seen: before(2 * time.Minute),
		Reason: "no sign of life for 90 s"}
	s.Parts[6] = gateway.PartStatus{Part: gateway.PartMQTT, Status: gateway.StatusFailed, Since: before(3 * time.Minute), Seen: before(4 * time.Second),
		Reason: "connect to 127.0.0.1:1883: connection refused", Hint: "is mosquitto running?"}
	s.Alerts = []gateway.Alert{
		{ID: "01JD0000000000000000000001", State: gateway.AlertFiring, Since: before(8 * time.Minute), Fired: before(8 * time.Minute), Last: t0, Count: 480, Silences: 1,
			Finding: gateway.Finding{Key: "egress.path", Code: killed.Code, Hop: killed.Hop, Severity: gateway.Critical, Summary: killed.Summary,
				Owner: killed.Owner, Fix: killed.Next, Causes: []string{"device."}}},
		{ID: "01JD0000000000000000000002", State: gateway.AlertPending, Since: before(8 * time.Minute), Last: t0, Count: 480,
			Finding: gateway.Finding{Key: "device.offline." + porch.Topic(), Code: killed.Code, Hop: killed.Hop, Severity: gateway.Warning, Device: porch.MAC,
				Summary: "porch is not online", Owner: killed.Owner, For: time.Minute}},
		{ID: "01JD0000000000000000000003", State: gateway.AlertFiring, Since: before(2 * time.Minute), Fired: before(time.Minute), Last: t0, Count: 120,
			Finding: gateway.Finding{Key: "device.offline." + cellar.Topic(), Code: gateway.CodeDHCPNone, Hop: gateway.HopAddress, Severity: gateway.Warning, Device: cellar.MAC,
				Summary: "cellar is not online: It asks for an address and does not take the one offered.", Owner: gateway.OwnerAdmin,
				Fix: "Look for a second DHCP server on the segment.", For: time.Minute}},
	}
	return s
}

// hostile is a snapshot in which every text, list and label is as bad as it can be.
func hostile() gateway.Snapshot {
	s := broken()
	bad := strings.Repeat("\x1b[31m\"\\\x00<+#/ \u202e\xff\U0001F525", 400)
	s.Gateway, s.Version = bad, bad
	s.Egress.Via, s.Egress.Cloud, s.Egress.Reason = bad, bad, bad
	for i := range 500 {
		a := gateway.Address{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), 65535), Current: true, Last: gateway.TimedOut,
			LastTime: t0, LastGood: t0, RTT: time.Hour, Good: 1 << 31, Bad: 1 << 31}
		s.Egress.Addresses = append(s.Egress.Addresses, a)
	}
	labels := map[string]uint64{}
	for i := range 300 {
		labels[bad+string(rune('a'+i))] = 1 << 60
	}
	s.Counters.FirewallDrops, s.Counters.Malformed, s.Counters.SessionsRefused = labels, labels, labels
	for i := range s.Devices {
		d := &s.Devices[i]
		d.Name = bad
		d.Session = &gateway.SessionRecord{Detail: bad, How: gateway.EndNotSpark, Started: t0.Add(time.Hour)}
		d.Verdict.Summary, d.Verdict.Next, d.Verdict.LED = bad, bad, bad
		for range 100 {
			d.Verdict.Fine = append(d.Verdict.Fine, bad)
			d.Verdict.Evidence = append(d.Verdict.Evidence, gateway.Evidence{Witness: gateway.WitnessSerial, Line: 1 << 40, Time: t0, Text: bad})
		}
	}
	for i := range s.Alerts {
		s.Alerts[i].Key, s.Alerts[i].Summary, s.Alerts[i].Fix, s.Alerts[i].ID = bad, bad, bad, bad
	}
	for i := range 32 {
		s.Parts = append(s.Parts, gateway.PartStatus{Part: gateway.Part(string(rune('a'+i)) + bad), Status: gateway.StatusFailed, Since: t0, Seen: t0, Reason: bad, Hint: bad})
	}
	return s
}
