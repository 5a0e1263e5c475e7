package daemon

import (
	"time"

	"photongate/bridge/mqtt"
	"photongate/gateway"
	"photongate/gateway/report"
)

// message is one MQTT message as the client takes it.
type message = mqtt.Message

const (
	// healthEvery is how often health is published though nothing changed: it
	// carries the ages by which a subscriber sees that we live (users.md E2 says
	// 60 s; half of it lets `expire_after` be short).
	healthEvery = 30 * time.Second
	// refreshEvery is how often everything is published again (users.md E2).
	refreshEvery = 5 * time.Minute
)

// publisher turns snapshots into messages. Without a broker it does nothing.
type publisher struct {
	d           *Daemon
	cache       *report.Cache
	feed        *report.Feed
	lastHealth  time.Time
	lastRefresh time.Time
}

// newPublisher makes the publisher; topics are those of the last run.
func newPublisher(d *Daemon, topics []string) *publisher {
	return &publisher{d: d, cache: report.NewCache(topics...), feed: report.NewFeed(d.cfg.Gateway.Name), lastRefresh: time.Now()}
}

// event spools what subscribers hear of as it happens.
func (p *publisher) event(ev gateway.Event) {
	if m, ok := p.feed.Message(ev, p.d.devices.inventory()); ok {
		p.spool(m)
	}
}

// spool hands over a message that must survive a broker's absence.
func (p *publisher) spool(m report.Message) {
	if p.d.spool == nil {
		return
	}
	if err := p.d.spool.Append(mqtt.Message(m)); err != nil {
		p.d.emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed, Part: gateway.PartStorage, Text: err.Error()})
	}
}

// publish hands over a message whose latest value is all that counts.
func (p *publisher) publish(m report.Message) {
	if p.d.mqtt != nil {
		p.d.mqtt.Publish(mqtt.Message(m))
	}
}

// snapshot publishes what is news in a snapshot. Alerts go through the spool,
// in order; they are kept out of the difference so that they go once.
func (p *publisher) snapshot(s gateway.Snapshot, changed []gateway.Alert) {
	for _, a := range changed {
		for _, m := range report.Transition(s, a) {
			p.spool(m)
		}
	}
	spooled := map[string]bool{}
	for _, a := range changed {
		spooled[report.Alert(s, a).Topic] = true
	}
	all := report.Retained(s)
	news := p.cache.Diff(all)
	if s.Time.Sub(p.lastRefresh) >= refreshEvery {
		p.lastRefresh = s.Time
		news = all
	}
	for _, m := range news {
		if !spooled[m.Topic] {
			p.publish(m)
		}
	}
	if s.Time.Sub(p.lastHealth) >= healthEvery {
		p.lastHealth = s.Time
		p.publish(report.Health(s, nil))
	}
}

// birth is everything the broker must hold, "online" last.
func (p *publisher) birth(s gateway.Snapshot) []message {
	online := report.Online(s.Gateway)
	var out []message
	for _, m := range p.cache.All(report.Retained(s)) {
		if m.Topic != online.Topic {
			out = append(out, mqtt.Message(m))
		}
	}
	return append(out, mqtt.Message(online))
}
