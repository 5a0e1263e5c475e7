package report

import (
	"cmp"
	"fmt"
	"strings"

	"photongate/gateway"
)

// maxAddresses is how many addresses of the cloud a page lists: device.spark.io
// has had up to eight at a time, and a page should fit a screen.
const maxAddresses = 12

// egress writes the way out and its addresses.
func (p *page) egress() {
	e := p.s.Egress
	state, sgr, since := "down", red, ""
	switch {
	case e.Up:
		state, sgr = "up", green
	case e.Since.IsZero():
		state, sgr = "not tried yet", yellow
	}
	if t := ago(p.s.Time, e.Since); t != "" {
		since = " for " + t
	}
	p.line("")
	p.headed("way out  ", sgr, state, since+", "+cmp.Or(e.Via, "direct")+" to "+cmp.Or(e.Cloud, "the cloud"))
	if !e.Up {
		p.fold(indent, e.Reason)
	}
	for _, a := range e.Addresses[:min(len(e.Addresses), maxAddresses)] {
		p.address(a)
	}
	if more := len(e.Addresses) - maxAddresses; more > 0 {
		p.line("%sand %s", indent, plural(more, "more address", "more addresses"))
	}
}

// address writes what is known of one address.
func (p *page) address(a gateway.Address) {
	state, sgr, rest := "not tried", "", ""
	if a.Last != "" {
		state, sgr = outcomeWords(a.Last), outcomeColor(a.Last)
		if t := ago(p.s.Time, a.LastTime); t != "" {
			rest = " " + t + " ago"
		}
	}
	if ms := millis(a.RTT); ms != nil && good(a.Last) {
		rest += fmt.Sprintf(", %.0f ms", *ms)
	}
	if t := ago(p.s.Time, a.LastGood); t != "" && !good(a.Last) {
		rest += ", worked " + t + " ago"
	}
	switch {
	case a.Current && !a.Approved:
		rest += ", not approved"
	case !a.Current:
		rest += ", no longer in DNS"
	}
	p.headed(fmt.Sprintf("%s%-21s  ", indent, a.Addr), sgr, state, rest)
}

// good tells whether an outcome is one of an address that works.
func good(o gateway.Outcome) bool { return o == gateway.Spoke || o == gateway.Accepted }

// outcomeColor is the colour of an outcome.
func outcomeColor(o gateway.Outcome) string {
	if good(o) {
		return green
	}
	return red
}

// outcomeWords says an outcome as a person would.
func outcomeWords(o gateway.Outcome) string {
	switch o {
	case gateway.Spoke:
		return "answered"
	case gateway.Mute:
		return "accepted and stayed silent"
	case gateway.TimedOut:
		return "no answer"
	}
	return clean(strings.ReplaceAll(string(o), "-", " "), nameColumns)
}

// devices writes one line per device, and what the marks mean.
func (p *page) devices() {
	n := count(p.s.Devices)
	p.line("")
	p.line("devices  %d of %d online", n.Online, n.Listed)
	if len(p.s.Devices) == 0 {
		return
	}
	for _, d := range p.s.Devices {
		addr := "-"
		if d.Addr.IsValid() {
			addr = columns(d.Addr.String(), addrColumns)
		}
		name := columns(clean(d.Label(), maxLevel), nameColumns)
		p.line("%s%-*s  %s  %-*s  %s", indent, nameColumns, name, p.marks(d), addrColumns, addr, columns(p.story(d), p.width-rowHead))
	}
	names := make([]string, 0, stageColumns)
	for _, st := range gateway.Stages() {
		names = append(names, st.String())
	}
	p.fold(indent, fmt.Sprintf("%s done, %s fails, %s not reached: %s", markDone, markFails, markOpen, strings.Join(names, ", ")))
}

// marks are the stages of a device: those it passed, and where a verdict names
// a fault the one that it fails to reach.
func (p *page) marks(d gateway.DeviceStatus) string {
	var b strings.Builder
	for _, st := range gateway.Stages() {
		switch {
		case st <= d.Stage:
			b.WriteString(p.paint(green, markDone))
		case st == d.Stage+1 && faulty(d):
			b.WriteString(p.paint(red, markFails))
		default:
			b.WriteString(markOpen)
		}
	}
	return b.String()
}

// faulty tells whether a verdict names where a device fails.
func faulty(d gateway.DeviceStatus) bool {
	return !d.Online() && d.Verdict.Hop != gateway.HopNone && !d.Verdict.Healthy()
}

// story says in one line how a device is doing.
func (p *page) story(d gateway.DeviceStatus) string {
	switch {
	case d.Online():
		since := d.Since
		if d.Session != nil {
			since = d.Session.Started
		}
		text := "online " + ago(p.s.Time, since)
		if d.Reconnects > 0 {
			text += fmt.Sprintf(", %s", plural(int(min(d.Reconnects, 1<<30)), "reconnect", "reconnects"))
		}
		return text
	case !d.Listed:
		return "not listed, not served"
	case faulty(d):
		return clean(string(d.Verdict.Hop)+": "+d.Verdict.Summary, maxParagraph)
	case d.Seen.IsZero():
		return "never seen"
	}
	return fmt.Sprintf("%s for %s", d.Stage, ago(p.s.Time, d.Since))
}
