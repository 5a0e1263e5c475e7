package report

import (
	"time"

	"photongate/gateway"
)

// Bounds of what strangers can make the feed say: an open access point is
// within reach of every telephone that passes.
const (
	// strangerEvery is how often the same stranger is worth an event.
	strangerEvery = time.Hour
	// maxStrangers is how many are remembered; beyond it all are forgotten.
	maxStrangers = 256
)

// eventDoc is the document of the event topic.
type eventDoc struct {
	Schema  int          `json:"schema"`
	Type    string       `json:"type"`
	Gateway string       `json:"gateway"`
	Device  string       `json:"device,omitempty"`
	Name    string       `json:"name,omitempty"`
	MAC     string       `json:"mac,omitempty"`
	Part    gateway.Part `json:"part,omitempty"`
	Text    string       `json:"text,omitempty"`
	Hint    string       `json:"hint,omitempty"`
	Session *sessionDoc  `json:"session,omitempty"`
	Traffic *trafficDoc  `json:"traffic,omitempty"`
	Alert   *alertDoc    `json:"alert,omitempty"`
	TS      stamp        `json:"ts"`
}

// Types of events; those of parts, egress and whitelist are the kinds themselves.
const (
	typeAlert  = "alert-"
	typeOpened = "session-opened"
	typeClosed = "session-closed"
)

// Feed picks the events that subscribers hear of: a session whose handshake
// completed, and its end; a stranger; a changed whitelist; a part that fails or
// works again; the way out up or down. Repetitions are left out, and so are
// sessions that never stood: a blocked device makes one every few seconds, and
// its verdict and alert say that better. Alerts have Transition. It is not safe
// for concurrent use.
type Feed struct {
	// gateway names the gateway.
	gateway string
	// failed are the parts that fail.
	failed map[gateway.Part]bool
	// egress is the last kind about the way out.
	egress gateway.Kind
	// strangers is when each stranger was last told of.
	strangers map[gateway.MAC]time.Time
}

// NewFeed returns the feed of a gateway.
func NewFeed(gw string) *Feed {
	return &Feed{gateway: gw, failed: map[gateway.Part]bool{}, strangers: map[gateway.MAC]time.Time{}}
}

// Message renders an event with its own time, and false when it is not one for
// subscribers. inv names the device.
func (f *Feed) Message(ev gateway.Event, inv gateway.Inventory) (Message, bool) {
	kind := f.pick(ev)
	if kind == "" {
		return Message{}, false
	}
	return eventMessage(f.gateway, func(r room) any {
		d := eventDoc{
			Schema: Schema, Type: kind, Gateway: clean(f.gateway, maxLevel), Part: gateway.Part(clean(string(ev.Part), maxLevel)),
			Text: clean(ev.Text, r.text), Hint: clean(ev.Hint, r.text), TS: stamp{ev.Time},
			Session: newSessionDoc(ev.Record, r), Traffic: newTrafficDoc(ev.Record, ev.Time),
		}
		if !ev.MAC.IsZero() {
			d.MAC = ev.MAC.String()
		}
		if dev, ok := inv.ByMAC(ev.MAC); ok {
			d.Device, d.Name = dev.Topic(), clean(dev.Name, maxLevel)
		}
		if d.Session == nil && ev.Session != 0 {
			d.Session = openedDoc(ev)
		}
		return d
	}), true
}

// openedDoc is a session as the event of its phase knows it.
func openedDoc(ev gateway.Event) *sessionDoc {
	d := &sessionDoc{ID: ev.Session, Phase: ev.Phase}
	if ev.Peer.IsValid() {
		d.Cloud = ev.Peer.String()
	}
	return d
}

// pick returns the type of an event that is news, else nothing.
func (f *Feed) pick(ev gateway.Event) string {
	news := false
	switch ev.Kind {
	case gateway.Phased:
		if ev.Phase == gateway.PhaseEstablished {
			return typeOpened
		}
	case gateway.SessionClosed:
		if ev.Record != nil && ev.Record.Phase >= gateway.PhaseEstablished {
			return typeClosed
		}
	case gateway.WhitelistChanged:
		news = true
	case gateway.Stranger:
		news = f.stranger(ev)
	case gateway.PartFailed:
		news = !f.failed[ev.Part]
		f.failed[ev.Part] = true
	case gateway.PartOK:
		news = f.failed[ev.Part]
		delete(f.failed, ev.Part)
	case gateway.EgressUp, gateway.EgressDown:
		news = f.egress != ev.Kind
		f.egress = ev.Kind
	}
	if news {
		return string(ev.Kind)
	}
	return ""
}

// stranger tells whether a stranger is news.
func (f *Feed) stranger(ev gateway.Event) bool {
	if last, ok := f.strangers[ev.MAC]; ok && ev.Time.Sub(last) < strangerEvery {
		return false
	}
	if len(f.strangers) >= maxStrangers {
		clear(f.strangers)
	}
	f.strangers[ev.MAC] = ev.Time
	return true
}

// alertEvent is the event of a transition: alert-firing or alert-resolved.
func alertEvent(s gateway.Snapshot, a gateway.Alert) Message {
	return eventMessage(s.Gateway, func(r room) any {
		al := newAlertDoc(s, a, r)
		return eventDoc{Schema: Schema, Type: typeAlert + string(a.State), Gateway: clean(s.Gateway, maxLevel), Alert: &al, TS: stamp{s.Time}}
	})
}

// eventMessage is a message on the event topic, which is never retained: a
// retained one would replay at every subscription (users.md D).
func eventMessage(gw string, build func(room) any) Message {
	m := seal(topic(gw, "event"), build)
	m.Retain = false
	return m
}
