package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/cmd/photonlab/site"
)

// struck is when the fault of the tests strikes.
var struck = time.Date(2026, 11, 22, 12, 0, 10, 0, time.UTC)

// seen is an outcome in which the listed devices are at stage with a verdict
// on hop, and the stranger is at its own stage.
func seen(stage, hop, stranger string) outcome {
	var o outcome
	for _, p := range site.Photons() {
		d := deviceStatus{Name: p.Name, MAC: p.MAC, Listed: p.Listed, Stage: stage}
		d.Verdict = verdict{Hop: hop, Summary: "as the gateway has it"}
		if !p.Listed {
			d.Name, d.Stage, d.Verdict.Hop = "", stranger, "admission"
		}
		o.status.Devices = append(o.status.Devices, d)
	}
	o.leases = map[string]string{"porch": "192.168.77.2", "gate": "192.168.77.3"}
	return o
}

// firing adds an alert that fired 17 s after the fault.
func (o outcome) firing(hop string) outcome {
	o.faultAt = struck
	o.alerts = map[string]alert{"egress.path": {Key: "egress.path", Hop: hop, State: "firing", Fired: struck.Add(17250 * time.Millisecond)}}
	return o
}

// TestSummarize judges what was collected.
func TestSummarize(t *testing.T) {
	leased := seen("online", "", "seen")
	leased.leases["stranger"] = "192.168.77.4"
	died := seen("online", "", "seen")
	died.troubles = []string{"run photongate: exit status 1"}
	died.cut = true
	dead := seen("leased", "egress", "seen")
	dead.troubles, dead.dead = []string{"run porch: signal: killed"}, map[string]bool{"porch": true}
	for _, tc := range []struct {
		name    string
		outcome outcome
		opt     options
		want    []string
	}{
		{"healthy", seen("online", "", "seen"), options{}, nil},
		{"approve one", seen("online", "", "seen"), options{fault: site.ApproveOne}, nil},
		{"not online", seen("leased", "egress", "seen"), options{}, []string{
			"porch is leased, want online: as the gateway has it", "gate is leased, want online: as the gateway has it"}},
		{"nothing known", outcome{}, options{}, []string{
			"porch is none, want online: the gateway says nothing of this device",
			"gate is none, want online: the gateway says nothing of this device"}},
		{"stranger leased", leased, options{}, []string{"stranger is not whitelisted and has the address 192.168.77.4"}},
		{"stranger admitted", seen("online", "", "leased"), options{}, []string{"stranger is not whitelisted and is leased"}},
		{"gateway died", died, options{}, []string{"run photongate: exit status 1"}},
		{"gateway died under a fault", died, options{fault: site.Drop}, []string{"run photongate: exit status 1"}},
		{"Photon died", dead, options{}, []string{"run porch: signal: killed", "gate is leased, want online: as the gateway has it"}},
		{"killed", seen("resolved", "middlebox", "seen").firing("middlebox"), options{fault: site.AllowThenKill, at: killAt}, nil},
		{"killed, other hop", seen("resolved", "egress", "seen").firing("egress"), options{fault: site.AllowThenKill, at: killAt}, []string{
			`the verdict on porch names hop "egress", want "middlebox"`, `the verdict on gate names hop "egress", want "middlebox"`,
			"no alert fires for hop middlebox"}},
		{"dropped, no alert", seen("resolved", "egress", "seen"), options{fault: site.Drop}, []string{"no alert fires for hop egress"}},
		{"mute and online", seen("online", "", "seen").firing("middlebox"), options{fault: site.CloudMute}, []string{
			"porch is online, and should not be under fault cloud-mute", "gate is online, and should not be under fault cloud-mute"}},
		{"dns late", seen("online", "", "seen").firing("dns"), options{fault: site.DNSDrop, at: time.Second}, nil},
		{"dns early", seen("leased", "dns", "seen").firing("dns"), options{fault: site.DNSDrop}, nil},
	} {
		got := summarize(tc.outcome, tc.opt)
		if !slices.Equal(got.Reasons, tc.want) || got.OK != (tc.want == nil) {
			t.Errorf("%s: got ok %v, reasons %q, want %q", tc.name, got.OK, got.Reasons, tc.want)
		}
	}
}

// TestSummaryJSON is the object that programs read.
func TestSummaryJSON(t *testing.T) {
	var b bytes.Buffer
	s := summarize(seen("resolved", "middlebox", "seen").firing("middlebox"), options{fault: site.AllowThenKill})
	if err := s.write(&b, true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
	var got struct {
		Devices []struct{ Name, MAC, Stage, Lease string }
		Alerts  []struct {
			Key   string
			After float64 `json:"after_fault_s"`
		}
		Fault   string
		OK      bool
		Reasons []string
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Devices) != 3 || got.Devices[0].MAC != "6c:0b:84:59:72:95" || got.Devices[0].Lease != "192.168.77.2" {
		t.Errorf("devices: got %+v", got.Devices)
	}
	if len(got.Alerts) != 1 || got.Alerts[0].After != 17.25 {
		t.Errorf("alerts: got %+v, want one 17.25 s after the fault", got.Alerts)
	}
	if !got.OK || got.Reasons == nil || got.Fault != "allow-then-kill" {
		t.Errorf("got %+v, want ok with an empty list of reasons", got)
	}
}

// TestSummaryPrint is what people read.
func TestSummaryPrint(t *testing.T) {
	var b bytes.Buffer
	s := summarize(seen("online", "", "seen").firing("dns"), options{fault: site.DNSDrop})
	s.print(&b)
	want := `
porch     online     as the gateway has it
gate      online     as the gateway has it
stranger  seen       as the gateway has it
alert     firing     egress.path:  (17.2 s after the fault)
not as expected: porch is online, and should not be under fault dns-drop
not as expected: gate is online, and should not be under fault dns-drop
`
	if got := b.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
