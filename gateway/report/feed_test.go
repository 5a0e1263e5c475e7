package report_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/report"
)

func TestFeed(t *testing.T) {
	inv := must(gateway.NewInventory([]gateway.Device{porch, cellar}))
	stood := &gateway.SessionRecord{ID: 7, Cloud: netip.MustParseAddrPort("52.90.98.3:5683"), Started: before(time.Minute), Ended: t0,
		Phase: gateway.PhaseTalking, Up: 900, Down: 800, ClosedBy: gateway.ByNetwork, How: gateway.EndTimeout, Unacked: 34, Detail: "25 s without an acknowledgement"}
	never := *stood
	never.Phase = gateway.PhaseSilent
	ev := func(k gateway.Kind) gateway.Event { return gateway.Event{Time: t0, Kind: k} }
	part := func(k gateway.Kind) gateway.Event {
		return gateway.Event{Time: t0, Kind: k, Part: gateway.PartMQTT, Text: "refused", Hint: "start it"}
	}
	stranger := func(after time.Duration) gateway.Event {
		return gateway.Event{Time: t0.Add(after), Kind: gateway.Stranger, MAC: guest.MAC, Text: "dhcp"}
	}
	steps := []struct {
		name string
		ev   gateway.Event
		want bool
	}{
		{"session established", gateway.Event{Time: t0, Kind: gateway.Phased, MAC: porch.MAC, Session: 7, Phase: gateway.PhaseEstablished, Peer: stood.Cloud}, true},
		{"session talking", gateway.Event{Time: t0, Kind: gateway.Phased, MAC: porch.MAC, Session: 7, Phase: gateway.PhaseTalking}, false},
		{"session closed", gateway.Event{Time: t0, Kind: gateway.SessionClosed, MAC: porch.MAC, Session: 7, Record: stood}, true},
		{"session that never stood", gateway.Event{Time: t0, Kind: gateway.SessionClosed, MAC: cellar.MAC, Session: 8, Record: &never}, false},
		{"session without a record", gateway.Event{Time: t0, Kind: gateway.SessionClosed, MAC: cellar.MAC, Session: 8}, false},
		{"device added", gateway.Event{Time: t0, Kind: gateway.WhitelistChanged, MAC: cellar.MAC, Text: "added"}, true},
		{"stranger", stranger(0), true},
		{"stranger again", stranger(59 * time.Minute), false},
		{"stranger after an hour", stranger(time.Hour), true},
		{"part works at the start", part(gateway.PartOK), false},
		{"part fails", part(gateway.PartFailed), true},
		{"part fails on", part(gateway.PartFailed), false},
		{"part works again", part(gateway.PartOK), true},
		{"part works on", part(gateway.PartOK), false},
		{"egress up", ev(gateway.EgressUp), true},
		{"egress still up", ev(gateway.EgressUp), false},
		{"egress down", ev(gateway.EgressDown), true},
		{"lease", ev(gateway.Leased), false},
		{"probe", ev(gateway.EgressProbe), false},
	}
	feed := report.NewFeed("lab-3")
	var sent []report.Message
	for _, step := range steps {
		m, ok := feed.Message(step.ev, inv)
		if ok != step.want {
			t.Errorf("%s: sent %v, want %v", step.name, ok, step.want)
		}
		if !ok {
			continue
		}
		if m.Retain || m.Topic != "photongate/lab-3/event" {
			t.Errorf("%s: %s, retained %v; want the event topic, not retained", step.name, m.Topic, m.Retain)
		}
		sent = append(sent, m)
	}
	golden(t, "feed.txt", listing(sent))
}

func TestFeedForgetsStrangers(t *testing.T) {
	feed := report.NewFeed("lab-3")
	sent := 0
	for i := range 10_000 {
		mac := gateway.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}
		if _, ok := feed.Message(gateway.Event{Time: t0, Kind: gateway.Stranger, MAC: mac}, gateway.Inventory{}); ok {
			sent++
		}
	}
	if sent != 10_000 {
		t.Errorf("sent %d, want each stranger once", sent)
	}
}

func TestFeedNamesTheDevice(t *testing.T) {
	inv := must(gateway.NewInventory([]gateway.Device{porch}))
	m, _ := report.NewFeed("lab-3").Message(gateway.Event{Time: t0, Kind: gateway.WhitelistChanged, MAC: porch.MAC}, inv)
	want := fmt.Sprintf(`"device":%q,"name":"porch"`, porch.Topic())
	if !strings.Contains(string(m.Payload), want) {
		t.Errorf("payload %s, want %s in it", m.Payload, want)
	}
}
