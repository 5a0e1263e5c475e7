package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// summary is the result of a demo: one JSON object.
type summary struct {
	// Gateway is the gateway's name, Fault what went wrong on demand.
	Gateway string          `json:"gateway"`
	Devices []deviceSummary `json:"devices"`
	Alerts  []alertSummary  `json:"alerts"`
	Fault   site.Fault      `json:"fault"`
	// OK: everything is as expected; Reasons lists what is not.
	OK      bool     `json:"ok"`
	Reasons []string `json:"reasons"`
}

// deviceSummary is one Photon at the end.
type deviceSummary struct {
	// Name, MAC and Listed are the site's own.
	Name   string      `json:"name"`
	MAC    gateway.MAC `json:"mac"`
	Listed bool        `json:"listed"`
	// Stage and Verdict are what the gateway says; Lease is the address that
	// the Photon itself has.
	Stage   string  `json:"stage"`
	Lease   string  `json:"lease,omitempty"`
	Verdict verdict `json:"verdict"`
	// dead: its process ended by itself, which is a reason of its own.
	dead bool
}

// online tells whether the device is through.
func (d deviceSummary) online() bool { return d.Stage == gateway.StageOnline.String() }

// alertSummary is the last that was heard of an alert.
type alertSummary struct {
	alert
	// AfterFault is how many seconds after the fault it fired; absent when it did not.
	AfterFault *float64 `json:"after_fault_s,omitempty"`
}

// outcome is what the demo collected.
type outcome struct {
	// status is the last that the gateway said.
	status status
	// alerts is the last document of every alert, by key.
	alerts map[string]alert
	// leases are the addresses of the Photons, by name.
	leases map[string]string
	// faultAt is when the fault began; zero when it did not.
	faultAt time.Time
	// troubles are what the lab itself noticed, as in a gateway that died.
	troubles []string
	// dead are the Photons whose process ended by itself, by name.
	dead map[string]bool
	// cut: the gateway or the stage was gone before the end, so that nothing
	// can be expected of the rest.
	cut bool
}

// summarize makes the result of what was collected.
func summarize(o outcome, opt options) summary {
	s := summary{Gateway: gatewayName, Fault: opt.fault, Alerts: []alertSummary{}}
	for _, p := range site.Photons() {
		d := o.device(p)
		d.dead = o.dead[p.Name]
		s.Devices = append(s.Devices, d)
	}
	for _, a := range o.known() {
		sum := alertSummary{alert: a}
		if !o.faultAt.IsZero() && a.Fired.After(o.faultAt) {
			after := math.Round(a.Fired.Sub(o.faultAt).Seconds()*1000) / 1000
			sum.AfterFault = &after
		}
		s.Alerts = append(s.Alerts, sum)
	}
	slices.SortFunc(s.Alerts, func(a, b alertSummary) int { return cmp.Compare(a.Key, b.Key) })
	s.Reasons = slices.Clone(o.troubles)
	if !o.cut {
		s.Reasons = append(s.Reasons, judge(s, opt)...)
	}
	s.OK = len(s.Reasons) == 0
	if s.Reasons == nil {
		s.Reasons = []string{}
	}
	return s
}

// known are the alerts that came over MQTT, and the pending ones, which are
// not published, from the last status.
func (o outcome) known() []alert {
	all := slices.Collect(maps.Values(o.alerts))
	for _, a := range o.status.Alerts {
		if _, published := o.alerts[a.Key]; !published && a.State == string(gateway.AlertPending) {
			all = append(all, a)
		}
	}
	return all
}

// device is one Photon as the gateway sees it, by its MAC.
func (o outcome) device(p site.Photon) deviceSummary {
	d := deviceSummary{Name: p.Name, MAC: p.MAC, Listed: p.Listed, Stage: gateway.StageNone.String(), Lease: o.leases[p.Name]}
	i := slices.IndexFunc(o.status.Devices, func(s deviceStatus) bool { return s.MAC == p.MAC })
	if i < 0 {
		d.Verdict = verdict{Outcome: string(gateway.ResultUndetermined), Code: string(gateway.CodeUndetermined),
			Summary: "the gateway says nothing of this device"}
		return d
	}
	d.Stage, d.Verdict = o.status.Devices[i].Stage, o.status.Devices[i].Verdict
	return d
}

// print is the result for people.
func (s summary) print(w io.Writer) {
	fmt.Fprintln(w)
	for _, d := range s.Devices {
		fmt.Fprintf(w, "%-9s %-10s %s\n", d.Name, d.Stage, d.Verdict.Summary)
	}
	for _, a := range s.Alerts {
		fmt.Fprintf(w, "alert     %-10s %s: %s%s\n", a.State, a.Key, a.Summary, a.after())
	}
	if s.OK {
		fmt.Fprintln(w, "as expected")
	}
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "not as expected: %s\n", r)
	}
}

// after says how long after the fault the alert fired.
func (a alertSummary) after() string {
	if a.AfterFault == nil {
		return ""
	}
	return fmt.Sprintf(" (%.1f s after the fault)", *a.AfterFault)
}
