package diagnose

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"photongate/gateway"
)

// gatePeer is a gateway's address as its devices know it.
var gatePeer = netip.MustParseAddrPort("192.168.77.1:5683")

// clouds are n addresses of the cloud.
func clouds(n int) []netip.AddrPort {
	var out []netip.AddrPort
	for i := range n {
		out = append(out, netip.MustParseAddrPort(fmt.Sprintf("52.90.98.%d:5683", 3+i)))
	}
	return out
}

// knows is a book of addresses that were not tried yet.
func knows(ps []netip.AddrPort) gateway.Event {
	e := gateway.Event{Kind: gateway.EgressBook, Witness: gateway.WitnessEgress}
	for _, p := range ps {
		e.Book = append(e.Book, gateway.Address{Addr: p, Approved: true, Current: true})
	}
	return e
}

// probed tells of all addresses that they ended in the same way.
func (x *trace) probed(ps []netip.AddrPort, o gateway.Outcome) *trace {
	for _, p := range ps {
		x.do(probe(p, o))
	}
	return x
}

// TestPathWords: the way out is told of in numbers that fit.
func TestPathWords(t *testing.T) {
	six := clouds(6)
	for _, tt := range []struct {
		name string
		walk func(*trace) *trace
		code gateway.Code
		want string
	}{
		{"nothing", func(x *trace) *trace { return x }, gateway.CodeUndetermined, "The way out was not tried yet."},
		{"all mute", func(x *trace) *trace { return x.do(knows(six)).probed(six, gateway.Mute).down() }, gateway.CodeNonceMissing,
			"All 6 addresses of the cloud accept and then say nothing: the cloud speaks first, so something on the way accepts in its place."},
		{"one mute", func(x *trace) *trace { return x.do(knows(six[:1])).probed(six[:1], gateway.Mute).down() }, gateway.CodeNonceMissing,
			"TCP 5683 to 52.90.98.3 is accepted, and then nothing comes: the cloud speaks first, so something on the way accepts in its place."},
		{"some mute", func(x *trace) *trace {
			return x.do(knows(six[:3])).probed(six[:2], gateway.Mute).probed(six[2:3], gateway.Broken).down()
		}, gateway.CodeNonceMissing,
			"2 of the cloud's addresses (52.90.98.3, 52.90.98.4) accept and then say nothing: the cloud speaks first, so something on the way accepts in its place."},
		{"one of six mute", func(x *trace) *trace { return x.do(knows(six)).probed(six[:1], gateway.Mute) }, gateway.CodeUndetermined,
			"1 of the cloud's 6 addresses were tried so far, and none of them works."},
		{"one of six refused", func(x *trace) *trace { return x.do(knows(six)).probed(six[:1], gateway.Refused) }, gateway.CodeUndetermined,
			"1 of the cloud's 6 addresses were tried so far, and none of them works."},
		{"one of six refused, and down", func(x *trace) *trace { return x.do(knows(six)).probed(six[:1], gateway.Refused).down() },
			gateway.CodeEgressReject, "TCP 5683 to the cloud (52.90.98.3) is refused: a firewall rejects it."},
		{"all dropped", func(x *trace) *trace { return x.do(knows(six)).probed(six, gateway.TimedOut).down() }, gateway.CodeEgressDropAll,
			"TCP 5683 to the cloud is dropped: none of its 6 addresses (52.90.98.3, 52.90.98.4, 52.90.98.5, 52.90.98.6 and 2 more) answers at all, which is what a firewall that drops does."},
		{"one dropped", func(x *trace) *trace { return x.do(knows(six[:1])).probed(six[:1], gateway.TimedOut).down() }, gateway.CodeEgressDropAll,
			"TCP 5683 to 52.90.98.3 is dropped: it does not answer at all, which is what a firewall that drops does."},
	} {
		x := tt.walk(newTrace(t))
		if v := x.l.Path(x.now); v.Code != tt.code || v.Summary != tt.want {
			t.Errorf("%s: got %s: %s\nwant %s: %s", tt.name, v.Code, v.Summary, tt.code, tt.want)
		}
	}
}

// TestMute: a mute way out is sure, and shows behind the connection, whatever
// the device does meanwhile.
func TestMute(t *testing.T) {
	six := clouds(6)
	x := newTrace(t).do(knows(six)).air(porch).dial(porch, six[0], gateway.PhaseSilent).probed(six, gateway.Mute).down()
	mute := func() {
		t.Helper()
		x.verdict(gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.StageConnected)
		if v := x.status(porch).Verdict; v.Confidence != gateway.High || v.Stage != gateway.StageConnected || v.Summary != x.l.Path(x.now).Summary {
			t.Errorf("got %s, %s: %s", v.Confidence, v.Stage, v.Summary)
		}
	}
	x.do(gateway.Event{Kind: gateway.ConnectFailed, Witness: gateway.WitnessRelay, MAC: porch, Session: x.id, Peer: six[0], Outcome: gateway.Mute, RTT: 5 * time.Second})
	mute()
	x.wait(15*time.Second).closed(porch, gateway.SessionRecord{Phase: gateway.PhaseSilent, ClosedBy: gateway.ByDevice, How: gateway.EndFIN, Cloud: six[0]})
	mute()
	x.wait(time.Second).air(porch)
	mute()
	x.probed(six[:1], gateway.Spoke).do(gateway.Event{Kind: gateway.EgressUp}).dial(porch, six[0], gateway.PhaseTalking)
	x.verdict(gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.StageOnline)
}

// TestLeaseTime: the time that an address took is the last one's own.
func TestLeaseTime(t *testing.T) {
	ask := gateway.Event{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: porch}
	have := gateway.Event{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: porch}
	x := newTrace(t)
	took := func(want time.Duration) {
		t.Helper()
		if got := x.l.stories[porch].leaseTook; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	x.do(ask, ask, have)
	took(2 * time.Second)
	// Renewed without a request that was seen.
	x.wait(time.Hour).do(have)
	took(0)
	// A request without an answer, and hours later one with.
	x.wait(time.Hour).do(ask).wait(time.Hour).do(ask, have)
	took(time.Second)
}
