package daemon

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// cloudAt is an address of the cloud.
var cloudAt = netip.MustParseAddrPort("198.51.100.1:5683")

// leased is the event of porch's address.
func leased(at time.Time) gateway.Event {
	return gateway.Event{Time: at, Witness: gateway.WitnessAir, Kind: gateway.Leased, MAC: porch.MAC, Addr: netip.MustParseAddr("192.168.77.2")}
}

// refusedWay are the events of a way out that is rejected, a conclusive fault.
func refusedWay(at time.Time) []gateway.Event {
	book := []gateway.Address{{Addr: cloudAt, Approved: true, Current: true}}
	return []gateway.Event{
		{Time: at, Witness: gateway.WitnessEgress, Kind: gateway.EgressBook, Book: book},
		{Time: at, Witness: gateway.WitnessEgress, Kind: gateway.EgressProbe, Peer: cloudAt, Outcome: gateway.Refused, RTT: time.Millisecond},
		{Time: at, Witness: gateway.WitnessEgress, Kind: gateway.EgressDown, Outcome: gateway.Refused, Text: "refused"},
	}
}

// fire makes the alert about the way out fire, on the caller's goroutine.
func fire(t testing.TB, d *Daemon, now time.Time) gateway.Alert {
	t.Helper()
	for _, ev := range refusedWay(now) {
		d.journal.fold(ev)
	}
	d.journal.turn(now)
	for _, a := range d.journal.current.Load().Alerts {
		if a.State == gateway.AlertFiring {
			return a
		}
	}
	t.Fatalf("no alert fires; there are %+v", d.journal.current.Load().Alerts)
	return gateway.Alert{}
}

// TestQueueOverflow wants events beyond the queue to be counted and not waited for.
func TestQueueOverflow(t *testing.T) {
	d := built(t, settings(t))
	const extra = 5
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range queueLength + extra {
			d.emit(leased(time.Now()))
		}
	}()
	gatewaytest.Closed(t, patience, "emit, which may not block", done)
	if got := d.journal.dropped.Load(); got != extra {
		t.Errorf("dropped %d, want %d", got, extra)
	}
	running(t, plain{"event loop", d.loop.Run}, d.journal)
	gatewaytest.Eventually(t, patience, "the count in the snapshot", func() bool {
		return d.journal.view(t.Context()).Counters.EventsDropped == extra
	})
}

// TestJournalDrains wants what is queued at the end to be in the last snapshot.
func TestJournalDrains(t *testing.T) {
	d := built(t, settings(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.emit(leased(time.Now()))
	if err := d.journal.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := d.journal.current.Load().Devices[0].Stage; got != gateway.StageLeased {
		t.Errorf("stage %s, want leased", got)
	}
}

// TestSnapshotImmutable wants a snapshot that somebody holds to stay as it was,
// and a view that somebody changes to change nothing.
func TestSnapshotImmutable(t *testing.T) {
	d := built(t, settings(t))
	running(t, plain{"event loop", d.loop.Run})
	now := time.Now()
	d.journal.turn(now)
	held := d.journal.current.Load()
	before := *held
	before.Devices, before.Parts = slices.Clone(held.Devices), slices.Clone(held.Parts)
	before.Counters = d.journal.counters()
	for _, ev := range append(refusedWay(now), leased(now),
		gateway.Event{Time: now, Kind: gateway.Dropped, Text: "stranger", Count: 7},
		gateway.Event{Time: now, Kind: gateway.PartOK, Part: gateway.PartDNS}) {
		d.journal.fold(ev)
	}
	d.journal.turn(now.Add(time.Second))
	if !reflect.DeepEqual(*held, before) {
		t.Errorf("the snapshot became\n%+v, want\n%+v", *held, before)
	}
	v := d.journal.view(t.Context())
	v.Devices[0].Name = "changed"
	if got := d.journal.current.Load().Devices[0].Name; got != porch.Name {
		t.Errorf("a changed view changed the name to %q", got)
	}
	if next := d.journal.current.Load(); next.Seq <= held.Seq || next.Counters.FirewallDrops["stranger"] != 7 {
		t.Errorf("snapshot %d behind %d counts %+v", next.Seq, held.Seq, next.Counters)
	}
}

// TestMemory wants an alert that fires to survive a restart, under its own id
// and since its own time, and the topics that the broker retains with it.
func TestMemory(t *testing.T) {
	cfg := withBroker(t, settings(t))
	d := built(t, cfg)
	now := time.Now()
	a := fire(t, d, now)
	topics := d.journal.out.cache.Topics()
	d.journal.turn(now.Add(time.Second))
	d.journal.keep(now.Add(time.Second))
	d.spool.Close()

	again := built(t, cfg)
	restored := again.journal.current.Load().Alerts
	if len(restored) != 1 || restored[0].ID != a.ID || restored[0].Key != a.Key || restored[0].State != gateway.AlertFiring || !restored[0].Since.Equal(a.Since) {
		t.Errorf("restored %+v, want %+v", restored, a)
	}
	var gone []string
	for _, m := range again.journal.birth() {
		if len(m.Payload) == 0 {
			gone = append(gone, m.Topic)
		}
	}
	if len(gone) > 0 {
		t.Errorf("the birth removes %q, though all of %q is there again", gone, topics)
	}
	// Its condition is not found again, so it ends, and the file forgets it.
	again.journal.turn(now.Add(time.Minute))
	again.journal.turn(now.Add(time.Hour))
	again.spool.Close()
	if left := built(t, cfg).journal.current.Load().Alerts; len(left) > 0 {
		t.Errorf("restored %+v, want none", left)
	}
}

// TestMemoryUnwritable wants a memory that cannot be written to show as a failed
// part, to be written later, and then to show that.
func TestMemoryUnwritable(t *testing.T) {
	cfg := settings(t)
	d := built(t, cfg)
	path := filepath.Join(cfg.Gateway.StateDir, "alerts.json")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	fire(t, d, now)
	ev := <-d.journal.queue
	if ev.Kind != gateway.PartFailed || ev.Part != gateway.PartStorage || ev.Text == "" {
		t.Errorf("event %+v, want a failed storage", ev)
	}
	d.journal.turn(now.Add(time.Second))
	if n := len(d.journal.queue); n > 0 {
		t.Errorf("%d events a second later, want none: it is left alone for %s", n, keepRetry)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	d.journal.turn(now.Add(keepRetry))
	if ev := <-d.journal.queue; ev.Kind != gateway.PartOK || ev.Part != gateway.PartStorage {
		t.Errorf("event %+v, want storage that works", ev)
	}
}

// TestCounts wants each kind of event in its counter.
func TestCounts(t *testing.T) {
	c := newCounts()
	for _, ev := range []gateway.Event{
		{Kind: gateway.Connecting, Witness: gateway.WitnessRelay},
		{Kind: gateway.Connecting, Witness: gateway.WitnessSerial},
		{Kind: gateway.SessionClosed},
		{Kind: gateway.SessionClosed, Record: &gateway.SessionRecord{How: gateway.EndNotSpark}},
		{Kind: gateway.SessionRefused, Name: "not_admitted", Count: 3},
		{Kind: gateway.Dropped, Text: "stranger", Count: 4},
		{Kind: gateway.Dropped, Text: "stranger", Count: 1},
	} {
		c.apply(ev)
	}
	want := counts{opened: 1, closed: 2, refused: map[string]uint64{"not_spark": 1, "not_admitted": 3}, drops: map[string]uint64{"stranger": 5}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("counts %+v, want %+v", c, want)
	}
}

// TestReactLearns wants an id that a device tells to be learned, once, and
// another one later to change nothing.
func TestReactLearns(t *testing.T) {
	d := built(t, settings(t))
	known := func() gateway.DeviceID { p, _ := d.devices.inventory().ByMAC(porch.MAC); return p.ID }
	d.react(gateway.Event{Kind: gateway.LeaseAsked, MAC: porch.MAC})
	d.react(gateway.Event{Kind: gateway.Presence, MAC: gate.MAC, ID: id2})
	d.react(gateway.Event{Kind: gateway.Presence, MAC: porch.MAC, ID: id1})
	gatewaytest.Eventually(t, patience, "the id to be learned", func() bool { return known() == id1 })
	d.react(gateway.Event{Kind: gateway.Presence, MAC: porch.MAC, ID: id2})
	if known() != id1 || d.devices.inventory().Len() != 1 {
		t.Errorf("listed %+v, want porch alone with its first id", d.devices.inventory().All())
	}
}
