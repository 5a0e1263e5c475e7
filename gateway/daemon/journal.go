package daemon

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"photongate/gateway"
	"photongate/gateway/diagnose"
	"photongate/gateway/health"
	"photongate/gateway/incident"
	"photongate/gateway/report"
)

const (
	// queueLength is how many events wait at the most. A storm of a hundred
	// devices makes about ten events each.
	queueLength = 4096
	// settle is how long facts may gather before they become a snapshot: short
	// for a person, long for a storm.
	settle = 100 * time.Millisecond
	// beat is how often time alone may change the picture.
	beat = time.Second
	// showEvery is how often a snapshot is rendered although nothing happened:
	// some states end by time alone.
	showEvery = 10 * time.Second
	// keepRetry is how long a file that failed is left alone: a full disk stays
	// full for a while (as the spool has it).
	keepRetry = 30 * time.Second
)

// journal takes events, folds them, and makes snapshots. It is a gateway.Task.
type journal struct {
	d       *Daemon
	queue   chan gateway.Event
	dropped atomic.Uint64
	current atomic.Pointer[gateway.Snapshot]
	ready   chan struct{}
	once    sync.Once

	// What follows belongs to Run.
	started  time.Time
	seq      uint64
	ladder   *diagnose.Ladder
	tracker  *health.Tracker
	alerts   *health.Alerts
	counts   counts
	out      *publisher
	lastKept []byte
	// news: events came since the snapshot was last offered for publishing, at shown.
	news     bool
	shown    time.Time
	recorder *incident.Recorder
	// shelf keeps incidents, nil where its folder cannot be read; frozen is when
	// it was last given one.
	shelf  *incident.Shelf
	frozen time.Time
	// aside is work that waits for flash, which the journal must not.
	aside  sync.WaitGroup
	record *record
	// unkept is when the memory could last not be written; zero when it could.
	unkept time.Time
}

// newJournal makes the journal, with the alerts of the last run.
func newJournal(d *Daemon) *journal {
	now := time.Now()
	j := &journal{
		d: d, queue: make(chan gateway.Event, queueLength), ready: make(chan struct{}),
		started: now, ladder: diagnose.New(), alerts: health.NewAlerts(), counts: newCounts(),
		recorder: incident.NewRecorder(recorded),
	}
	var err error
	if j.shelf, err = OpenIncidents(d.cfg.Gateway.StateDir); err != nil {
		d.log.Warn("incidents are not kept", "err", err)
	}
	kept := j.restore()
	j.alerts.Restore(kept.Alerts)
	var known []gateway.MAC
	for _, a := range kept.Alerts {
		if !a.Device.IsZero() {
			known = append(known, a.Device)
		}
	}
	mqtt := health.Expected{Part: gateway.PartMQTT, Period: 2 * healthEvery}
	if d.cfg.MQTT.URL == nil {
		mqtt.Off = "mqtt.url is empty"
	}
	j.tracker = health.New(health.Config{Now: now, Known: known, Parts: []health.Expected{
		{Part: gateway.PartSegment}, {Part: gateway.PartFirewall}, {Part: gateway.PartDHCP}, {Part: gateway.PartDNS},
		{Part: gateway.PartNTP}, {Part: gateway.PartRelay}, {Part: gateway.PartEgress}, mqtt,
	}})
	j.out = newPublisher(d, kept.Topics)
	s := j.snapshot(now)
	j.current.Store(&s)
	return j
}

// String names the task.
func (j *journal) String() string { return "journal" }

// Ready is closed once events are folded.
func (j *journal) Ready() <-chan struct{} { return j.ready }

// emit takes an event. It never blocks: what does not fit is counted.
func (j *journal) emit(ev gateway.Event) {
	select {
	case j.queue <- ev:
	default:
		j.dropped.Add(1)
	}
}

// Run folds events until ctx ends, and then those that are still queued.
func (j *journal) Run(ctx context.Context) error {
	j.once.Do(func() { close(j.ready) })
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			j.drain()
			j.turn(time.Now())
			j.keep(time.Now())
			j.aside.Wait()
			j.record.close()
			return nil
		case ev := <-j.queue:
			j.fold(ev)
			if due == nil {
				due = time.After(settle)
			}
		case <-due:
			due = nil
			j.turn(time.Now())
		case <-tick.C:
			j.turn(time.Now())
		}
	}
}

// drain folds what is queued.
func (j *journal) drain() {
	for {
		select {
		case ev := <-j.queue:
			j.fold(ev)
		default:
			return
		}
	}
}

// fold takes one event into every account of the gateway.
func (j *journal) fold(ev gateway.Event) {
	if err := j.record.add(ev); err != nil {
		j.d.log.Error("the journal is no longer recorded", "err", err)
	}
	j.news = j.news || ev.Kind != gateway.PartOK
	j.recorder.Add(ev)
	j.ladder.Apply(ev)
	if j.tracker.Apply(ev) {
		j.tellPart(ev)
	}
	j.counts.apply(ev)
	j.out.event(ev)
	j.d.react(ev)
}

// turn makes a snapshot of what is known now, lets alerts fire and resolve,
// and has the result published.
func (j *journal) turn(now time.Time) {
	j.ladder.Tick(now)
	s := j.snapshot(now)
	path := j.path(now)
	changed := j.alerts.Update(j.tracker.Findings(s, path), now)
	s.Alerts = j.alerts.Active()
	j.current.Store(&s)
	for _, a := range changed {
		j.tell(a)
		j.freeze(s, a, path)
	}
	// Time alone changes only ages, which a subscriber need not have every second.
	if j.news || len(changed) > 0 || now.Sub(j.shown) >= showEvery {
		j.news, j.shown = false, now
		j.out.snapshot(s, changed)
	}
	if len(changed) > 0 || !j.unkept.IsZero() && now.Sub(j.unkept) >= keepRetry {
		j.keep(now)
	}
}

// tellPart logs that a part of the gateway failed, or works again.
func (j *journal) tellPart(ev gateway.Event) {
	switch {
	case ev.Kind == gateway.PartOK:
		j.d.log.Info("a part works", "component", string(ev.Part))
	case ev.Hint != "":
		j.d.log.Warn("a part does not work", "component", string(ev.Part), "err", ev.Text, "hint", ev.Hint)
	default:
		j.d.log.Warn("a part does not work", "component", string(ev.Part), "err", ev.Text)
	}
}

// path is the verdict on the way out, with devices called by their names.
func (j *journal) path(now time.Time) gateway.Verdict {
	v := j.ladder.Path(now)
	for _, d := range j.d.devices.inventory().All() {
		v.Summary = strings.ReplaceAll(v.Summary, d.MAC.String(), d.Label())
	}
	return v
}

// tell logs an alert that fired or ended.
func (j *journal) tell(a gateway.Alert) {
	if a.State == gateway.AlertFiring {
		j.d.log.Warn("alert", "key", a.Key, "code", string(a.Code), "hop", string(a.Hop), "summary", a.Summary, "owner", string(a.Owner))
		return
	}
	j.d.log.Info("alert resolved", "key", a.Key, "after", a.Ended.Sub(a.Since).Round(time.Second).String())
}

// snapshot is everything known at now, but for the alerts.
func (j *journal) snapshot(now time.Time) gateway.Snapshot {
	j.seq++
	s := gateway.Snapshot{
		Gateway: j.d.cfg.Gateway.Name, Version: j.d.version, Time: now, Started: j.started, Seq: j.seq,
		Parts:   j.tracker.Parts(now),
		Devices: j.ladder.Devices(j.d.devices.inventory(), now),
		Egress:  j.ladder.Egress(),
		Alerts:  j.alerts.Active(),
	}
	s.Egress.Cloud, s.Egress.Via = j.d.cfg.Egress.Cloud.String(), "direct"
	s.Counters = j.counters()
	return s
}

// memory is what outlives a restart of the gateway.
type memory struct {
	// Alerts are those that fire, Topics those that the broker retains for us.
	Alerts []gateway.Alert `json:"alerts"`
	Topics []string        `json:"topics"`
}

// restore reads the memory of the last run; without one it is empty.
func (j *journal) restore() memory {
	var m memory
	b, err := os.ReadFile(j.d.state("alerts.json"))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil && !os.IsNotExist(err) {
		j.d.log.Warn("the alerts of the last run are unreadable", "err", err)
	}
	return m
}

// keep writes the memory, if it changed: on a transition and at the end, never
// in steady state.
func (j *journal) keep(now time.Time) {
	b, err := json.Marshal(memory{Alerts: j.alerts.Active(), Topics: j.out.cache.Topics()})
	if err != nil || string(b) == string(j.lastKept) {
		return
	}
	ev := gateway.Event{Time: now, Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: gateway.PartStorage}
	if err := writeFile(j.d.state("alerts.json"), b); err != nil {
		ev.Kind, ev.Text = gateway.PartFailed, "keep the alerts: "+err.Error()
		j.unkept = now
		j.emit(ev)
		return
	}
	if !j.unkept.IsZero() {
		j.emit(ev)
	}
	j.lastKept, j.unkept = b, time.Time{}
}

// view is the latest snapshot, with the traffic of the open sessions as of now.
func (j *journal) view(ctx context.Context) gateway.Snapshot {
	s := *j.current.Load()
	open := map[gateway.MAC]gateway.SessionRecord{}
	for _, r := range j.d.relay.Sessions(ctx) {
		open[r.MAC] = r
	}
	s.Devices = append([]gateway.DeviceStatus(nil), s.Devices...)
	for i := range s.Devices {
		if r, ok := open[s.Devices[i].MAC]; ok {
			s.Devices[i].Session = &r
		}
	}
	return s
}

// birth is what the broker must hold, for a broker that has forgotten it.
func (j *journal) birth() []message { return j.out.birth(*j.current.Load()) }

// status renders the view for programs.
func (j *journal) status(ctx context.Context) ([]byte, error) {
	return report.StatusJSON(j.view(ctx))
}
