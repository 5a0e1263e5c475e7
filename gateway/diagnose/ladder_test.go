package diagnose

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"photongate/gateway"
)

// The cast of the live traces.
var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	porch  = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}
	attic  = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x96}
	cloudA = netip.MustParseAddrPort("52.90.98.3:5683")
	cloudB = netip.MustParseAddrPort("107.22.28.43:5683")
)

// trace builds events second by second.
type trace struct {
	t   *testing.T
	l   *Ladder
	inv gateway.Inventory
	now time.Time
	id  uint64
}

// newTrace starts a ladder with both devices listed.
func newTrace(t *testing.T) *trace {
	t.Helper()
	inv, err := gateway.NewInventory([]gateway.Device{{Name: "porch", MAC: porch}, {Name: "attic", MAC: attic}})
	if err != nil {
		t.Fatal(err)
	}
	return &trace{t: t, l: New(), inv: inv, now: start}
}

// do applies events a second apart.
func (x *trace) do(es ...gateway.Event) *trace {
	for _, e := range es {
		x.now = x.now.Add(time.Second)
		e.Time = x.now
		x.l.Apply(e)
	}
	return x
}

// wait lets time pass.
func (x *trace) wait(d time.Duration) *trace {
	x.now = x.now.Add(d)
	return x
}

// air takes a device up to a resolved name.
func (x *trace) air(m gateway.MAC) *trace {
	return x.do(gateway.Event{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: m},
		gateway.Event{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: m, Addr: netip.MustParseAddr("192.168.77.10")},
		gateway.Event{Kind: gateway.Resolved, Witness: gateway.WitnessAir, MAC: m, Name: "device.spark.io"})
}

// dial opens a session to a cloud address, up to a phase.
func (x *trace) dial(m gateway.MAC, p netip.AddrPort, to gateway.Phase) *trace {
	x.id++
	x.do(gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessRelay, MAC: m, Session: x.id},
		gateway.Event{Kind: gateway.EgressProbe, Witness: gateway.WitnessEgress, Peer: p, Outcome: gateway.Accepted, RTT: 20 * time.Millisecond},
		gateway.Event{Kind: gateway.Connected, Witness: gateway.WitnessRelay, MAC: m, Session: x.id, Peer: p, RTT: 20 * time.Millisecond})
	for ph := gateway.PhaseNonce; ph <= to; ph++ {
		x.do(gateway.Event{Kind: gateway.Phased, Witness: gateway.WitnessRelay, MAC: m, Session: x.id, Phase: ph, Peer: p})
	}
	return x
}

// fail is a session that the way out does not carry.
func (x *trace) fail(m gateway.MAC, p netip.AddrPort, o gateway.Outcome) *trace {
	x.id++
	return x.do(gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessRelay, MAC: m, Session: x.id}, probe(p, o),
		gateway.Event{Kind: gateway.ConnectFailed, Witness: gateway.WitnessRelay, MAC: m, Session: x.id, Peer: p, Outcome: o, RTT: 4 * time.Second},
		gateway.Event{Kind: gateway.SessionClosed, Witness: gateway.WitnessRelay, MAC: m, Session: x.id,
			Record: &gateway.SessionRecord{ID: x.id, MAC: m, How: gateway.EndNoPath, ClosedBy: gateway.ByGateway}})
}

// closed ends the last session as the record says.
func (x *trace) closed(m gateway.MAC, r gateway.SessionRecord) *trace {
	r.ID, r.MAC = x.id, m
	r.Ended = x.now.Add(time.Second)
	if r.Started.IsZero() {
		r.Started = r.Ended.Add(-time.Minute)
	}
	if !r.Cloud.IsValid() {
		r.Cloud = cloudA
	}
	return x.do(gateway.Event{Kind: gateway.SessionClosed, Witness: gateway.WitnessRelay, MAC: m, Session: x.id, Record: &r})
}

// stall tells that bytes of the last session are not taken.
func (x *trace) stall(m gateway.MAC) *trace {
	return x.do(gateway.Event{Kind: gateway.SessionStalled, Witness: gateway.WitnessRelay, MAC: m, Session: x.id, Peer: cloudA, Count: 18, RTT: 4 * time.Second})
}

// probe is one attempt of the egress.
func probe(p netip.AddrPort, o gateway.Outcome) gateway.Event {
	return gateway.Event{Kind: gateway.EgressProbe, Witness: gateway.WitnessEgress, Peer: p, Outcome: o}
}

// status is one device now.
func (x *trace) status(m gateway.MAC) gateway.DeviceStatus {
	x.t.Helper()
	for _, d := range x.l.Devices(x.inv, x.now) {
		if d.MAC == m {
			return d
		}
	}
	x.t.Fatalf("%s is not told of", m)
	return gateway.DeviceStatus{}
}

// verdicts checks one device's verdict and stage.
func (x *trace) verdict(outcome gateway.Result, hop gateway.Hop, code gateway.Code, stage gateway.Stage) *trace {
	x.t.Helper()
	d := x.status(porch)
	v := d.Verdict
	if v.Outcome != outcome || v.Hop != hop || v.Code != code || d.Stage != stage {
		x.t.Errorf("got  %s, %q, %s, %s: %s\nwant %s, %q, %s, %s", v.Outcome, v.Hop, v.Code, d.Stage, v.Summary, outcome, hop, code, stage)
	}
	if v.Summary == "" || v.Next == "" || v.Evidence == nil || v.Fine == nil || v.Confidence == "" {
		x.t.Errorf("incomplete: %+v", v)
	}
	return x
}

// down tells that the egress gave up.
func (x *trace) down() *trace {
	return x.do(gateway.Event{Kind: gateway.EgressDown, Witness: gateway.WitnessEgress, Text: "no address of the cloud answers"})
}

// TestRules walks a trace for every rule.
func TestRules(t *testing.T) {
	type end struct {
		outcome gateway.Result
		hop     gateway.Hop
		code    gateway.Code
		stage   gateway.Stage
	}
	talking := func(x *trace) *trace { return x.air(porch).dial(porch, cloudA, gateway.PhaseTalking) }
	for _, tt := range []struct {
		name string
		walk func(*trace) *trace
		want end
	}{
		{"never seen", func(x *trace) *trace { return x },
			end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeNeverSeen, gateway.StageNone}},
		{"online", talking, end{gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.StageOnline}},
		{"online, however silent", func(x *trace) *trace { return talking(x).wait(24 * time.Hour) },
			end{gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.StageOnline}},
		{"no lease", func(x *trace) *trace {
			e := gateway.Event{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: porch}
			return x.do(e, e, e).wait(30 * time.Second)
		}, end{gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone, gateway.StageAssociated}},
		{"other name", func(x *trace) *trace {
			return x.do(gateway.Event{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: porch},
				gateway.Event{Kind: gateway.DNSRefused, Witness: gateway.WitnessAir, MAC: porch, Name: "cloud.example"}).wait(time.Minute)
		}, end{gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, gateway.StageLeased}},
		{"quiet", func(x *trace) *trace { return x.air(porch).wait(6 * time.Minute) },
			end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, gateway.StageSeen}},
		{"on the way", func(x *trace) *trace { return x.air(porch) },
			end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, gateway.StageResolved}},
		{"drop all", func(x *trace) *trace { return x.air(porch).fail(porch, cloudA, gateway.TimedOut) },
			end{gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, gateway.StageResolved}},
		{"drop some", func(x *trace) *trace {
			return x.air(porch).do(probe(cloudB, gateway.Spoke)).fail(porch, cloudA, gateway.TimedOut)
		}, end{gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropSome, gateway.StageResolved}},
		{"refused", func(x *trace) *trace { return x.air(porch).fail(porch, cloudA, gateway.Refused) },
			end{gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject, gateway.StageResolved}},
		{"unreachable", func(x *trace) *trace { return x.air(porch).fail(porch, cloudA, gateway.Unreachable) },
			end{gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressUnreachable, gateway.StageResolved}},
		{"not approved", func(x *trace) *trace { return x.air(porch).fail(porch, cloudA, gateway.NotApproved) },
			end{gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeNotApproved, gateway.StageResolved}},
		{"no address", func(x *trace) *trace { return x.air(porch).fail(porch, netip.AddrPort{}, gateway.NoAddress) },
			end{gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSBlocked, gateway.StageResolved}},
		{"relay refuses", func(x *trace) *trace {
			return x.air(porch).do(gateway.Event{Kind: gateway.SessionRefused, Witness: gateway.WitnessRelay, MAC: porch, Text: "too many sessions"})
		}, end{gateway.ResultTCPRefused, gateway.HopRelay, gateway.CodeRelayRefused, gateway.StageResolved}},
		{"mute", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseSilent).wait(20*time.Second).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseSilent, ClosedBy: gateway.ByDevice, How: gateway.EndFIN})
		}, end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.StageConnected}},
		{"mute so far", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseSilent).wait(15 * time.Second)
		}, end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.StageConnected}},
		{"key rejected", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseDeviceKey).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseDeviceKey, ClosedBy: gateway.ByCloud, How: gateway.EndFIN, Up: 256, Down: 40})
		}, end{gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected, gateway.StageResolved}},
		{"server key wrong", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseCloudKey).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseCloudKey, ClosedBy: gateway.ByDevice, How: gateway.EndFIN, Up: 256, Down: 424})
		}, end{gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeServerKeyWrong, gateway.StageResolved}},
		{"first data held", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseDeviceKey).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseDeviceKey, ClosedBy: gateway.ByDevice, How: gateway.EndFIN, Unacked: 256})
		}, end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeHandshakeIncomplete, gateway.StageResolved}},
		{"reset in handshake", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseDeviceKey).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseDeviceKey, ClosedBy: gateway.ByNetwork, How: gateway.EndRST})
		}, end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeRSTInjected, gateway.StageResolved}},
		{"hello slow", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseHello).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseHello, ClosedBy: gateway.ByDevice, How: gateway.EndFIN})
		}, end{gateway.ResultHandshakeFailed, gateway.HopHandshake, gateway.CodeHandshakeSlow, gateway.StageResolved}},
		{"not spark", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseSilent).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseSilent, ClosedBy: gateway.ByGateway, How: gateway.EndNotSpark, Up: 20})
		}, end{gateway.ResultHandshakeFailed, gateway.HopRelay, gateway.CodeNotSpark, gateway.StageResolved}},
		{"portal", func(x *trace) *trace {
			return x.air(porch).dial(porch, cloudA, gateway.PhaseSilent).closed(porch,
				gateway.SessionRecord{Phase: gateway.PhaseSilent, ClosedBy: gateway.ByGateway, How: gateway.EndNotSpark, Down: 20})
		}, end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNotSpark, gateway.StageResolved}},
		{"stalled", func(x *trace) *trace { return talking(x).stall(porch) },
			end{gateway.ResultKeepaliveLost, gateway.HopSession, gateway.CodePingLost, gateway.StageOnline}},
		{"stalled and carried on", func(x *trace) *trace { return talking(x).stall(porch).wait(time.Minute) },
			end{gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.StageOnline}},
		{"stalled and dropped", func(x *trace) *trace { return talking(x).stall(porch).do(probe(cloudA, gateway.TimedOut)) },
			end{gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, gateway.StageOnline}},
		{"ping lost", func(x *trace) *trace {
			return talking(x).wait(30*time.Second).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking,
				ClosedBy: gateway.ByDevice, How: gateway.EndFIN, LastDown: 35 * time.Second, LastUp: 50 * time.Second})
		}, end{gateway.ResultKeepaliveLost, gateway.HopSession, gateway.CodePingLost, gateway.StageResolved}},
		{"reset", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByCloud, How: gateway.EndRST})
		}, end{gateway.ResultKeepaliveLost, gateway.HopMiddlebox, gateway.CodeRSTInjected, gateway.StageResolved}},
		{"cloud closed", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByCloud, How: gateway.EndFIN})
		}, end{gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, gateway.StageResolved}},
		{"given up as gone", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByCloud, How: gateway.EndFIN,
				LastUp: 20 * time.Second, LastDown: 21 * time.Second})
		}, end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeSessionLost, gateway.StageResolved}},
		{"idle", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByGateway, How: gateway.EndIdle})
		}, end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeSessionLost, gateway.StageResolved}},
		{"lost and back", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByNetwork, How: gateway.EndTimeout}).
				dial(porch, cloudA, gateway.PhaseTalking)
		}, end{gateway.ResultLostRecovered, gateway.HopSession, gateway.CodePingLost, gateway.StageOnline}},
		{"lost and long back", func(x *trace) *trace {
			return talking(x).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByNetwork, How: gateway.EndTimeout}).
				dial(porch, cloudA, gateway.PhaseTalking).wait(2 * time.Hour)
		}, end{gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.StageOnline}},
		{"egress down", func(x *trace) *trace {
			return x.do(probe(cloudA, gateway.TimedOut), probe(cloudB, gateway.TimedOut)).down().air(porch)
		}, end{gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, gateway.StageResolved}},
		{"egress mute", func(x *trace) *trace { return x.do(probe(cloudA, gateway.Mute)).down().air(porch) },
			end{gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.StageConnected}},
		{"resolver down", func(x *trace) *trace {
			return x.do(gateway.Event{Kind: gateway.ResolverFailed, Witness: gateway.WitnessEgress, Name: "device.spark.io", Text: "no such host"}).down().air(porch)
		}, end{gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSBlocked, gateway.StageResolved}},
		{"egress back", func(x *trace) *trace {
			return x.air(porch).fail(porch, cloudA, gateway.TimedOut).down().do(probe(cloudA, gateway.Spoke), gateway.Event{Kind: gateway.EgressUp})
		}, end{gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, gateway.StageResolved}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.want
			tt.walk(newTrace(t)).verdict(w.outcome, w.hop, w.code, w.stage)
		})
	}
}

// TestFlowKilled is the seed's end, live: killed stays killed until a session is online again.
func TestFlowKilled(t *testing.T) {
	killed := func(x *trace, stage gateway.Stage) {
		t.Helper()
		x.verdict(gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, stage)
		if p := x.l.Path(x.now); p.Code != gateway.CodeFlowKilled || p.Owner != gateway.OwnerNetwork || p.Confidence != gateway.High {
			t.Errorf("path: got %s, %s: %s", p.Code, p.Owner, p.Summary)
		}
	}
	x := newTrace(t).air(porch).dial(porch, cloudA, gateway.PhaseTalking).air(attic)
	if p := x.l.Path(x.now); p.Outcome != gateway.ResultOnline {
		t.Errorf("path: got %s: %s", p.Outcome, p.Summary)
	}
	x.stall(porch).do(probe(cloudA, gateway.TimedOut))
	killed(x, gateway.StageOnline)
	x.closed(porch, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByNetwork, How: gateway.EndTimeout, Unacked: 18})
	killed(x, gateway.StageResolved)
	x.fail(porch, cloudA, gateway.TimedOut).fail(porch, cloudB, gateway.TimedOut)
	killed(x, gateway.StageResolved)
	x.down().wait(time.Minute).air(porch).air(attic)
	killed(x, gateway.StageResolved)
	// Another device is refused by the closed port: the cause is the same.
	if v := x.status(attic).Verdict; v.Code != gateway.CodeFlowKilled {
		t.Errorf("attic: got %s: %s", v.Code, v.Summary)
	}
	if e := x.l.Egress(); e.Up || e.Reason != "no address of the cloud answers" || len(e.Addresses) != 2 {
		t.Errorf("egress: %+v", e)
	}
	x.do(probe(cloudA, gateway.Spoke), gateway.Event{Kind: gateway.EgressUp}).dial(porch, cloudA, gateway.PhaseTalking)
	x.verdict(gateway.ResultLostRecovered, gateway.HopSession, gateway.CodePingLost, gateway.StageOnline)
	if p := x.l.Path(x.now); p.Code != gateway.CodeEgressDropSome {
		t.Errorf("path: got %s: %s", p.Code, p.Summary)
	}
	if d := x.status(porch); d.Reconnects != 3 || d.Session == nil || d.Session.Cloud != cloudA {
		t.Errorf("got %d reconnects, session %+v", d.Reconnects, d.Session)
	}
}

// TestStrangers: they are told of, latest first, and bounded.
func TestStrangers(t *testing.T) {
	x := newTrace(t).air(porch)
	for i := range 100 {
		x.do(gateway.Event{Kind: gateway.Stranger, Witness: gateway.WitnessAir, MAC: gateway.MAC{2, 0, 0, 0, 0, byte(i)}, Text: "dhcp"})
	}
	ds := x.l.Devices(x.inv, x.now)
	if len(ds) != 2+maxStrangers {
		t.Fatalf("got %d devices, want %d", len(ds), 2+maxStrangers)
	}
	if ds[0].MAC != porch || ds[1].MAC != attic || ds[2].MAC != (gateway.MAC{2, 0, 0, 0, 0, 99}) {
		t.Errorf("order: %s, %s, %s", ds[0].MAC, ds[1].MAC, ds[2].MAC)
	}
	v := ds[2].Verdict
	if v.Code != gateway.CodeMACDenied || v.Hop != gateway.HopAdmission || v.Owner != gateway.OwnerAdmin ||
		v.Next != "If it is yours, list it: photongate device add 02:00:00:00:00:63" {
		t.Errorf("got %+v", v)
	}
	if ds := x.l.Devices(x.inv, x.now.Add(2*time.Hour)); len(ds) != 2 {
		t.Errorf("got %d devices two hours later, want 2", len(ds))
	}
}

// TestReplaced: a session replaced by its device does not end the new one.
func TestReplaced(t *testing.T) {
	x := newTrace(t).air(porch).dial(porch, cloudA, gateway.PhaseTalking)
	old := x.id
	x.dial(porch, cloudA, gateway.PhaseTalking)
	x.do(gateway.Event{Kind: gateway.SessionClosed, Witness: gateway.WitnessRelay, MAC: porch, Session: old,
		Record: &gateway.SessionRecord{ID: old, Phase: gateway.PhaseTalking, How: gateway.EndReplaced, ClosedBy: gateway.ByGateway, Cloud: cloudA}})
	if d := x.status(porch); d.Stage != gateway.StageOnline || d.Reconnects != 1 || !d.Verdict.Healthy() {
		t.Errorf("got %s, %d, %s", d.Stage, d.Reconnects, d.Verdict.Outcome)
	}
}

// TestRemoved: a device taken off the list is forgotten.
func TestRemoved(t *testing.T) {
	x := newTrace(t).air(porch)
	x.do(gateway.Event{Kind: gateway.WhitelistChanged, Witness: gateway.WitnessSelf, MAC: porch, Text: "removed"})
	if d := x.status(porch); d.Stage != gateway.StageNone || d.Verdict.Code != gateway.CodeNeverSeen {
		t.Errorf("got %s, %s", d.Stage, d.Verdict.Code)
	}
}

// TestBounded: neither devices nor addresses grow without end.
func TestBounded(t *testing.T) {
	l := New()
	for i := range 3 * maxStories {
		at := start.Add(time.Duration(i) * time.Second)
		l.Apply(gateway.Event{Time: at, Kind: gateway.LeaseAsked, MAC: gateway.MAC{2, 0, 0, 1, byte(i >> 8), byte(i)}})
		l.Apply(gateway.Event{Time: at, Kind: gateway.EgressProbe, Outcome: gateway.TimedOut,
			Peer: netip.MustParseAddrPort(fmt.Sprintf("10.0.%d.%d:5683", i>>8&255, i&255))})
	}
	if len(l.stories) != maxStories || len(l.egress.book.addrs) != maxAddresses {
		t.Errorf("got %d stories, %d addresses", len(l.stories), len(l.egress.book.addrs))
	}
}
