package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// spooled lists what the spool's file holds: the topic behind the gateway's
// name, and the type of an event.
func spooled(t testing.TB, d *Daemon) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.cfg.Gateway.StateDir, "spool.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		var r struct {
			Topic   string
			Payload []byte
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		var doc struct{ Type, State string }
		_ = json.Unmarshal(r.Payload, &doc) // a removal is empty
		out = append(out, strings.TrimPrefix(r.Topic, "photongate/lab/")+" "+doc.Type+doc.State)
	}
	return out
}

// TestSpooled wants what subscribers must not miss in the spool, in order, and
// nothing else.
func TestSpooled(t *testing.T) {
	d := built(t, withBroker(t, settings(t)))
	now := time.Now()
	record := &gateway.SessionRecord{ID: 1, MAC: porch.MAC, Phase: gateway.PhaseTalking, Started: now, Ended: now}
	blocked := &gateway.SessionRecord{ID: 2, MAC: porch.MAC, Phase: gateway.PhaseSilent, Started: now, Ended: now}
	for _, ev := range []gateway.Event{
		leased(now),
		{Kind: gateway.Resolved, MAC: porch.MAC},
		{Kind: gateway.Phased, Witness: gateway.WitnessRelay, MAC: porch.MAC, Session: 1, Phase: gateway.PhaseNonce},
		{Kind: gateway.Phased, Witness: gateway.WitnessRelay, MAC: porch.MAC, Session: 1, Phase: gateway.PhaseEstablished},
		{Kind: gateway.SessionClosed, MAC: porch.MAC, Session: 1, Record: record},
		{Kind: gateway.SessionClosed, MAC: porch.MAC, Session: 2, Record: blocked},
		{Kind: gateway.Stranger, MAC: gate.MAC, Text: "dhcp"},
		{Kind: gateway.Stranger, MAC: gate.MAC, Text: "dhcp"},
		{Kind: gateway.Dropped, Text: "stranger", Count: 1},
		{Kind: gateway.WhitelistChanged, MAC: gate.MAC, Text: "added"},
		{Kind: gateway.PartOK, Part: gateway.PartDNS},
	} {
		ev.Time = now
		d.journal.fold(ev)
	}
	d.journal.turn(now)
	fire(t, d, now.Add(time.Second))
	want := []string{
		"event session-opened", "event session-closed", "event stranger", "event whitelist-changed",
		"event egress-down", "alert/egress.path firing", "event alert-firing",
	}
	if got := spooled(t, d); !slices.Equal(got, want) {
		t.Errorf("spooled\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestBirth wants the birth to hold every retained topic once, and "online" last,
// so that whoever sees it finds the rest.
func TestBirth(t *testing.T) {
	d := built(t, withBroker(t, settings(t)))
	fire(t, d, time.Now())
	var topics []string
	for _, m := range d.journal.birth() {
		if !m.Retain {
			t.Errorf("%s is not retained", m.Topic)
		}
		topics = append(topics, strings.TrimPrefix(m.Topic, "photongate/lab/"))
	}
	device := "device/" + porch.MAC.Compact() + "/"
	want := []string{"info", "health", "egress/direct", device + "state", device + "availability", device + "verdict", "alert/egress.path", "state"}
	if !slices.Equal(topics, want) {
		t.Errorf("birth %q, want %q", topics, want)
	}
	all := d.journal.birth()
	if last := all[len(all)-1]; string(last.Payload) != "online" {
		t.Errorf("the last message is %s %s, want online", last.Topic, last.Payload)
	}
}

// TestWithoutBroker wants nothing to be kept for a broker that is not configured.
func TestWithoutBroker(t *testing.T) {
	d := built(t, settings(t))
	fire(t, d, time.Now())
	if _, err := os.Stat(filepath.Join(d.cfg.Gateway.StateDir, "spool.jsonl")); !os.IsNotExist(err) {
		t.Errorf("there is a spool: %v", err)
	}
	for _, p := range d.journal.current.Load().Parts {
		if p.Part == gateway.PartMQTT && p.Status != gateway.StatusOff {
			t.Errorf("mqtt is %s, want off", p.Status)
		}
	}
}
