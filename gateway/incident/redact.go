package incident

import (
	"maps"
	"slices"

	"photongate/gateway"
)

// Redact returns a copy to give away: public addresses are replaced by those
// of the documentation ranges (RFC 5737, RFC 3849), the same by the same, and
// captures and names of networks are dropped (users.md E3 and G). Private
// addresses, hardware addresses and device ids stay: without them nobody can
// follow it. It replays to the same hop, code and outcome.
func Redact(b Bundle) Bundle {
	if b.Redacted {
		return b
	}
	m := newMask(b.Events)
	b.Redacted = true
	b.Events = slices.Clone(b.Events)
	for i := range b.Events {
		b.Events[i] = m.event(b.Events[i])
	}
	b.Path, b.Verdict = m.verdict(b.Path), m.verdict(b.Verdict)
	b.Alert = m.alert(b.Alert)
	if b.Log != nil {
		b.Log = []byte(m.text(string(b.Log)))
	}
	b.Cut = slices.Clone(b.Cut)
	for i := range b.Cut {
		b.Cut[i] = m.text(b.Cut[i])
	}
	for _, name := range slices.Sorted(maps.Keys(b.Captures)) {
		b.Cut = append(b.Cut, name+", because a capture cannot be redacted")
	}
	b.Captures = nil
	return b
}

// event masks one event.
func (m *mask) event(ev gateway.Event) gateway.Event {
	ev.Addr, ev.Peer = m.addr(ev.Addr), m.peer(ev.Peer)
	ev.Text, ev.Hint = m.text(ev.Text), m.text(ev.Hint)
	if ev.Kind == gateway.Joining && ev.Name != "" {
		// That a name was named matters to a rule; which one does not.
		ev.Name = network
	}
	ev.Name = m.text(ev.Name)
	if ev.Record != nil {
		r := *ev.Record
		r.Device, r.Cloud, r.Detail = m.peer(r.Device), m.peer(r.Cloud), m.text(r.Detail)
		ev.Record = &r
	}
	ev.Book = slices.Clone(ev.Book)
	for i := range ev.Book {
		ev.Book[i].Addr = m.peer(ev.Book[i].Addr)
	}
	return ev
}

// verdict masks the texts of a verdict.
func (m *mask) verdict(v gateway.Verdict) gateway.Verdict {
	v.Summary, v.Next = m.text(v.Summary), m.text(v.Next)
	v.Evidence = slices.Clone(v.Evidence)
	for i := range v.Evidence {
		v.Evidence[i].Text = m.text(v.Evidence[i].Text)
	}
	v.Fine = slices.Clone(v.Fine)
	for i := range v.Fine {
		v.Fine[i] = m.text(v.Fine[i])
	}
	return v
}

// alert masks the texts of an alert.
func (m *mask) alert(a gateway.Alert) gateway.Alert {
	a.Key, a.Summary, a.Fix = m.text(a.Key), m.text(a.Summary), m.text(a.Fix)
	a.Causes = slices.Clone(a.Causes)
	for i := range a.Causes {
		a.Causes[i] = m.text(a.Causes[i])
	}
	return a
}
