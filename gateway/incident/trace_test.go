package incident

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"photongate/gateway"
)

// The cast of the traces.
var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	porch  = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}
	gate   = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x96}
	cloudA = netip.MustParseAddrPort("52.90.98.3:5683")
	cloudB = netip.MustParseAddrPort("107.22.28.43:5683")
	listed = []gateway.Device{{Name: "porch", MAC: porch}, {Name: "gate", MAC: gate}}
)

// trace builds the events of a site, in the order in which the daemon's
// journal has them. It gives every event to sink.
type trace struct {
	sink func(gateway.Event)
	now  time.Time
	id   uint64
	// noise is called between any two events.
	noise func()
	// book is what the egress knows.
	book []gateway.Address
}

// newTrace starts a trace.
func newTrace(sink func(gateway.Event)) *trace {
	return &trace{sink: sink, now: start, noise: func() {}}
}

// do gives events a fifth of a second apart.
func (x *trace) do(es ...gateway.Event) *trace {
	for _, e := range es {
		x.now = x.now.Add(200 * time.Millisecond)
		e.Time = x.now
		x.sink(e)
		x.noise()
	}
	return x
}

// wait lets time pass.
func (x *trace) wait(d time.Duration) *trace {
	x.now = x.now.Add(d)
	x.noise()
	return x
}

// asks is a request for an address.
func asks(m gateway.MAC) gateway.Event {
	return gateway.Event{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: m, Text: "1,3,6"}
}

// air takes a device up to a resolved name.
func (x *trace) air(m gateway.MAC) *trace {
	return x.do(asks(m),
		gateway.Event{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: m, Addr: netip.AddrFrom4([4]byte{192, 168, 77, m[5]})},
		gateway.Event{Kind: gateway.Resolved, Witness: gateway.WitnessAir, MAC: m, Name: "device.spark.io", Addr: netip.MustParseAddr("192.168.77.1")})
}

// probe is one attempt of the egress, and the book that follows.
func (x *trace) probe(p netip.AddrPort, o gateway.Outcome) *trace {
	i := 0
	for ; i < len(x.book) && x.book[i].Addr != p; i++ {
	}
	book := append([]gateway.Address(nil), x.book...)
	if i == len(book) {
		book = append(book, gateway.Address{Addr: p, Approved: true, Current: true})
	}
	a := &book[i]
	a.Last, a.LastTime = o, x.now
	if o == gateway.Accepted || o == gateway.Spoke {
		a.LastGood = x.now
		a.Good++
	} else {
		a.Bad++
	}
	x.book = book
	x.do(gateway.Event{Kind: gateway.EgressProbe, Witness: gateway.WitnessEgress, Peer: p, Outcome: o, RTT: 20 * time.Millisecond})
	return x.do(gateway.Event{Kind: gateway.EgressBook, Witness: gateway.WitnessEgress, Book: x.book})
}

// dial opens a session to a cloud address, up to a phase.
func (x *trace) dial(m gateway.MAC, p netip.AddrPort, to gateway.Phase) *trace {
	x.id++
	id := x.id
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 77, m[5]}), 40000+uint16(id))
	x.do(gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessRelay, MAC: m, Session: id, Peer: from}).probe(p, gateway.Accepted)
	x.do(gateway.Event{Kind: gateway.Connected, Witness: gateway.WitnessRelay, MAC: m, Session: id, Peer: p, RTT: 20 * time.Millisecond})
	for ph := gateway.PhaseSilent; ph <= to; ph++ {
		x.do(gateway.Event{Kind: gateway.Phased, Witness: gateway.WitnessRelay, MAC: m, Session: id, Phase: ph, Peer: p})
	}
	return x
}

// fail is a session that the way out does not carry.
func (x *trace) fail(m gateway.MAC, p netip.AddrPort, o gateway.Outcome) *trace {
	x.id++
	id := x.id
	x.do(gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessRelay, MAC: m, Session: id}).wait(4*time.Second).probe(p, o)
	return x.do(gateway.Event{Kind: gateway.ConnectFailed, Witness: gateway.WitnessRelay, MAC: m, Session: id, Peer: p, Outcome: o, RTT: 4 * time.Second},
		gateway.Event{Kind: gateway.SessionClosed, Witness: gateway.WitnessRelay, MAC: m, Session: id,
			Record: &gateway.SessionRecord{ID: id, MAC: m, How: gateway.EndNoPath, ClosedBy: gateway.ByGateway}})
}

// closed ends a session as the record says.
func (x *trace) closed(m gateway.MAC, id uint64, r gateway.SessionRecord) *trace {
	r.ID, r.MAC, r.Cloud = id, m, cloudA
	r.Ended = x.now.Add(200 * time.Millisecond)
	r.Started = r.Ended.Add(-time.Minute)
	return x.do(gateway.Event{Kind: gateway.SessionClosed, Witness: gateway.WitnessRelay, MAC: m, Session: id, Record: &r})
}

// egress tells what the egress says of itself.
func (x *trace) egress(k gateway.Kind) *trace {
	return x.do(gateway.Event{Kind: k, Witness: gateway.WitnessEgress, Text: "no address of the cloud answers"})
}

// online takes both devices online.
func (x *trace) online() *trace {
	x.egress(gateway.EgressUp)
	return x.air(porch).dial(porch, cloudA, gateway.PhaseTalking).air(gate).dial(gate, cloudA, gateway.PhaseTalking)
}

// fault is one thing that the lab makes go wrong, and what is found.
type fault struct {
	name    string
	walk    func(*trace)
	outcome gateway.Result
	hop     gateway.Hop
	code    gateway.Code
}

// faults are those of the lab.
var faults = []fault{
	{"drop", func(x *trace) {
		x.online()
		id := x.id
		x.wait(30*time.Second).closed(gate, id, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByCloud, How: gateway.EndFIN})
		x.closed(porch, id-1, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByCloud, How: gateway.EndFIN})
		x.air(porch).fail(porch, cloudA, gateway.TimedOut).fail(porch, cloudB, gateway.TimedOut).egress(gateway.EgressDown)
	}, gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll},
	{"drop from the start", func(x *trace) {
		x.air(porch).fail(porch, cloudA, gateway.TimedOut).fail(porch, cloudB, gateway.TimedOut).egress(gateway.EgressDown).air(porch)
	}, gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll},
	{"refuse", func(x *trace) {
		x.air(porch).fail(porch, cloudA, gateway.Refused).egress(gateway.EgressDown).air(porch)
	}, gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject},
	{"dns-drop", func(x *trace) {
		x.do(gateway.Event{Kind: gateway.ResolverFailed, Witness: gateway.WitnessEgress, Name: "device.spark.io", Text: "read udp 10.0.0.2:34567->10.0.0.1:53: i/o timeout"}).
			egress(gateway.EgressDown).air(porch)
	}, gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSBlocked},
	{"cloud-mute", func(x *trace) {
		x.egress(gateway.EgressUp).air(porch).dial(porch, cloudA, gateway.PhaseSilent).wait(20*time.Second).
			closed(porch, x.id, gateway.SessionRecord{Phase: gateway.PhaseSilent, ClosedBy: gateway.ByDevice, How: gateway.EndFIN})
	}, gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing},
	{"allow-then-kill", func(x *trace) {
		x.online()
		x.wait(30 * time.Second).do(gateway.Event{Kind: gateway.SessionStalled, Witness: gateway.WitnessRelay, MAC: porch, Session: x.id - 1, Peer: cloudA, Count: 18, RTT: 4 * time.Second})
		x.wait(4*time.Second).probe(cloudA, gateway.TimedOut)
		x.wait(4*time.Second).closed(porch, x.id-1, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByDevice, How: gateway.EndFIN, Unacked: 18})
		x.air(porch).fail(porch, cloudA, gateway.TimedOut).fail(porch, cloudB, gateway.TimedOut).egress(gateway.EgressDown)
	}, gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled},
	{"killed days ago", func(x *trace) {
		x.online()
		x.wait(30 * time.Second).do(gateway.Event{Kind: gateway.SessionStalled, Witness: gateway.WitnessRelay, MAC: porch, Session: x.id - 1, Peer: cloudA, Count: 18, RTT: 4 * time.Second})
		x.wait(4*time.Second).probe(cloudA, gateway.TimedOut).
			closed(porch, x.id-1, gateway.SessionRecord{Phase: gateway.PhaseTalking, ClosedBy: gateway.ByNetwork, How: gateway.EndTimeout, Unacked: 18})
		for range 200 {
			x.wait(15*time.Minute).air(porch).fail(porch, cloudA, gateway.TimedOut).fail(porch, cloudB, gateway.TimedOut)
		}
	}, gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled},
	{"key mismatch", func(x *trace) {
		x.egress(gateway.EgressUp).air(porch).dial(porch, cloudA, gateway.PhaseDeviceKey).
			closed(porch, x.id, gateway.SessionRecord{Phase: gateway.PhaseDeviceKey, ClosedBy: gateway.ByCloud, How: gateway.EndFIN, Up: 256, Down: 40})
	}, gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected},
	{"never leased", func(x *trace) {
		for range 300 {
			x.do(asks(porch)).wait(8 * time.Second)
		}
	}, gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone},
	{"approve-one", func(x *trace) {
		x.egress(gateway.EgressUp).probe(cloudB, gateway.Spoke).air(porch).fail(porch, cloudA, gateway.TimedOut)
	}, gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropSome},
	{"online for weeks", func(x *trace) {
		x.online()
		for range 1000 {
			x.wait(30 * time.Minute).air(porch).air(gate)
		}
	}, gateway.ResultOnline, gateway.HopNone, gateway.CodeOK},
}

// hubbub makes the noise of a gateway and of the other devices, at random.
type hubbub struct {
	r *rand.Rand
	x *trace
	// n is how many events come at once at the most.
	n int
	// loud: neighbours get online and lose their sessions as well.
	loud bool
	id   uint64
}

// make makes some noise at the trace's time.
func (h *hubbub) make() {
	for range h.r.IntN(h.n + 1) {
		ev := h.event()
		ev.Time = h.x.now
		h.x.sink(ev)
	}
}

// event is one event that says nothing about the porch.
func (h *hubbub) event() gateway.Event {
	stranger := gateway.MAC{2, 0, 0, 0, byte(h.r.IntN(256)), byte(h.r.IntN(256))}
	other := gateway.MAC{0x6c, 0x0b, 0x84, 1, 0, byte(h.r.IntN(20))}
	kinds := []gateway.Event{
		{Kind: gateway.PartOK, Witness: gateway.WitnessSelf, Part: gateway.PartDNS},
		{Kind: gateway.PartOK, Witness: gateway.WitnessSelf, Part: gateway.PartRelay},
		{Kind: gateway.PartFailed, Witness: gateway.WitnessSelf, Part: gateway.PartMQTT, Text: fmt.Sprint("refused, attempt ", h.r.IntN(1000))},
		{Kind: gateway.Dropped, Witness: gateway.WitnessAir, Text: "ttl", Count: 3},
		{Kind: gateway.Stranger, Witness: gateway.WitnessAir, MAC: stranger, Text: "dhcp"},
		{Kind: gateway.SessionRefused, Witness: gateway.WitnessRelay, Text: "not listed"},
		{Kind: gateway.DNSRefused, Witness: gateway.WitnessAir, MAC: other, Name: fmt.Sprintf("n%d.example", h.r.IntN(1000))},
		{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: other},
		{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: other, Addr: netip.MustParseAddr("192.168.77.99")},
	}
	if h.x.book != nil {
		kinds = append(kinds, gateway.Event{Kind: gateway.EgressBook, Witness: gateway.WitnessEgress, Book: h.x.book})
	}
	if h.loud {
		h.id++
		kinds = append(kinds,
			gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessRelay, MAC: other, Session: 1<<32 + h.id},
			gateway.Event{Kind: gateway.ConnectFailed, Witness: gateway.WitnessRelay, MAC: other, Session: 1<<32 + h.id - 1, Outcome: gateway.Broken},
			gateway.Event{Kind: gateway.Resolved, Witness: gateway.WitnessAir, MAC: other, Name: "device.spark.io"})
	}
	return kinds[h.r.IntN(len(kinds))]
}
