package health_test

import (
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/health"
)

// t0 is when every story of these tests begins.
var t0 = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// at is t0 and so many seconds.
func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// ok is a part's proof of life at second s.
func ok(s int, p gateway.Part) gateway.Event {
	return gateway.Event{Time: at(s), Kind: gateway.PartOK, Part: p}
}

// failed is a part's complaint at second s.
func failed(s int, p gateway.Part, why string) gateway.Event {
	return gateway.Event{Time: at(s), Kind: gateway.PartFailed, Part: p, Text: why, Hint: "look"}
}

func TestTrackerParts(t *testing.T) {
	relay := gateway.PartRelay
	status := func(st gateway.Status, since, seen time.Time, reason, hint string) gateway.PartStatus {
		return gateway.PartStatus{Part: relay, Status: st, Since: since, Seen: seen, Reason: reason, Hint: hint}
	}
	tests := []struct {
		name   string
		expect health.Expected
		events []gateway.Event
		now    time.Time
		want   gateway.PartStatus
	}{
		{"starting", health.Expected{Part: relay}, nil, at(90), status("degraded", t0, time.Time{}, "starting", "")},
		{"never started", health.Expected{Part: relay}, nil, at(91), status("degraded", at(90), time.Time{}, "no sign of life for 90 s", "")},
		{"off", health.Expected{Part: relay, Off: "not configured"}, nil, at(900), status("off", t0, time.Time{}, "not configured", "")},
		{"ok", health.Expected{Part: relay}, []gateway.Event{ok(2, relay), ok(32, relay)}, at(60), status("ok", at(2), at(32), "", "")},
		{"ok, late event", health.Expected{Part: relay}, []gateway.Event{ok(32, relay), ok(2, relay)}, at(60), status("ok", at(32), at(32), "", "")},
		{"hung", health.Expected{Part: relay}, []gateway.Event{ok(2, relay)}, at(93), status("degraded", at(92), at(2), "no sign of life for 90 s", "")},
		{"own period", health.Expected{Part: relay, Period: time.Minute}, []gateway.Event{ok(2, relay)}, at(180), status("ok", at(2), at(2), "", "")},
		{"failed", health.Expected{Part: relay}, []gateway.Event{ok(2, relay), failed(10, relay, "port taken"), failed(20, relay, "port taken")}, at(30),
			status("failed", at(10), at(20), "port taken", "look")},
		{"failed stays failed", health.Expected{Part: relay}, []gateway.Event{failed(10, relay, "port taken")}, at(3000),
			status("failed", at(10), at(10), "port taken", "look")},
		{"recovered", health.Expected{Part: relay}, []gateway.Event{failed(10, relay, "port taken"), ok(20, relay)}, at(30),
			status("ok", at(20), at(20), "", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := health.New(health.Config{Now: t0, Parts: []health.Expected{tt.expect}})
			for _, ev := range tt.events {
				tr.Apply(ev)
			}
			got := tr.Parts(tt.now)
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestTrackerOrder(t *testing.T) {
	tr := health.New(health.Config{Now: t0, Parts: []health.Expected{{Part: gateway.PartMQTT}, {Part: gateway.PartDHCP}}})
	for _, p := range []gateway.Part{"zebra", gateway.PartSegment, "ape", gateway.PartDHCP, ""} {
		tr.Apply(ok(1, p))
	}
	var got []gateway.Part
	for _, p := range tr.Parts(at(2)) {
		got = append(got, p.Part)
	}
	want := []gateway.Part{"segment", "dhcp", "mqtt", "ape", "zebra"}
	if len(got) != len(want) {
		t.Fatalf("parts %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("parts %q, want %q", got, want)
		}
	}
}

func TestTrackerTellsChanges(t *testing.T) {
	tr := health.New(health.Config{Now: t0})
	for i, step := range []struct {
		ev   gateway.Event
		want bool
	}{
		{ok(1, "dns"), true},
		{ok(2, "dns"), false},
		{failed(3, "dns", "x"), true},
		{failed(4, "dns", "y"), false},
		{ok(5, "dns"), true},
		{gateway.Event{Time: at(6), Kind: gateway.EgressUp}, false},
	} {
		if got := tr.Apply(step.ev); got != step.want {
			t.Errorf("step %d: changed %v, want %v", i, got, step.want)
		}
	}
}

func TestTrackerIsBounded(t *testing.T) {
	tr := health.New(health.Config{Now: t0})
	for i := range 1000 {
		tr.Apply(ok(i, gateway.Part(time.Duration(i).String())))
	}
	if n := len(tr.Parts(at(1))); n != 32 {
		t.Errorf("tracks %d parts, want 32", n)
	}
}
