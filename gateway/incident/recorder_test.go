package incident

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// recorded are the events that a ring of max keeps of a walk.
func recorded(max int, walk func(*trace)) []gateway.Event {
	r := NewRecorder(max)
	x := newTrace(r.Add)
	walk(x)
	return r.Events()
}

// count counts events of a kind.
func count(evs []gateway.Event, k gateway.Kind) int {
	n := 0
	for _, ev := range evs {
		if ev.Kind == k {
			n++
		}
	}
	return n
}

// TestCoalesce: what is repeated is kept as the Recorder's documentation says.
func TestCoalesce(t *testing.T) {
	ok := gateway.Event{Kind: gateway.PartOK, Part: gateway.PartDNS}
	bad := gateway.Event{Kind: gateway.PartFailed, Part: gateway.PartDNS, Text: "port taken"}
	book := gateway.Event{Kind: gateway.EgressBook, Book: []gateway.Address{{Addr: cloudA, Last: gateway.Spoke, Good: 1}}}
	probe := gateway.Event{Kind: gateway.EgressProbe, Peer: cloudA, Outcome: gateway.TimedOut}
	spoke := gateway.Event{Kind: gateway.EgressProbe, Peer: cloudA, Outcome: gateway.Spoke}
	drop := gateway.Event{Kind: gateway.Dropped, Text: "ttl", Count: 2}
	renew := []gateway.Event{asks(porch), {Kind: gateway.Leased, MAC: porch}}
	for _, tt := range []struct {
		name string
		walk func(*trace)
		want []gateway.Kind
	}{
		{"parts that work", func(x *trace) { x.do(ok, ok, ok) }, nil},
		{"a part that failed", func(x *trace) { x.do(ok, bad, bad, bad, ok, ok) }, []gateway.Kind{gateway.PartFailed, gateway.PartFailed, gateway.PartOK}},
		{"drops", func(x *trace) { x.do(drop, drop, drop) }, []gateway.Kind{gateway.Dropped}},
		{"books", func(x *trace) { x.do(book, book, book, book) }, []gateway.Kind{gateway.EgressBook, gateway.EgressBook}},
		{"probes", func(x *trace) { x.do(probe, probe, probe, spoke, probe, probe, probe) }, slices.Repeat([]gateway.Kind{gateway.EgressProbe}, 5)},
		{"renewals in a session", func(x *trace) {
			x.dial(porch, cloudA, gateway.PhaseSilent)
			for range 100 {
				x.do(renew...)
			}
		}, []gateway.Kind{gateway.Connecting, gateway.EgressProbe, gateway.EgressBook, gateway.Connected, gateway.Phased,
			gateway.LeaseAsked, gateway.Leased, gateway.LeaseAsked, gateway.Leased}},
		{"requests for an hour", func(x *trace) {
			for range 360 {
				x.do(asks(porch)).wait(10 * time.Second)
			}
			// The first five, then one in four minutes, and the latest.
		}, slices.Repeat([]gateway.Kind{gateway.LeaseAsked}, 5+15)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []gateway.Kind
			for _, ev := range recorded(1000, tt.walk) {
				got = append(got, ev.Kind)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %d %v\nwant %d %v", len(got), got, len(tt.want), tt.want)
			}
		})
	}
	if evs := recorded(1000, func(x *trace) { x.do(drop, drop, drop) }); evs[0].Count != 6 {
		t.Errorf("the drops sum to %d, want 6", evs[0].Count)
	}
}

// TestOpenSessionStays: what began a session stays for as long as it stands.
func TestOpenSessionStays(t *testing.T) {
	evs := recorded(fewest, func(x *trace) {
		x.do(gateway.Event{Kind: gateway.Presence, MAC: porch, ID: gateway.DeviceID{1}})
		x.air(porch).dial(porch, cloudA, gateway.PhaseTalking)
		for i := range 10000 {
			m := gateway.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}
			x.do(gateway.Event{Kind: gateway.Stranger, MAC: m}, asks(m))
		}
	})
	if len(evs) > fewest {
		t.Errorf("%d events, more than %d", len(evs), fewest)
	}
	for kind, want := range map[gateway.Kind]int{gateway.Presence: 1, gateway.LeaseAsked: 1, gateway.Leased: 1,
		gateway.Resolved: 1, gateway.Connecting: 1, gateway.Connected: 1, gateway.Phased: 7} {
		mine := slices.DeleteFunc(slices.Clone(evs), func(ev gateway.Event) bool { return ev.MAC != porch })
		if got := count(mine, kind); got != want {
			t.Errorf("%d of %s, want %d", got, kind, want)
		}
	}
}

// TestRemovedGoes: what was before a device was taken off the list goes first.
func TestRemovedGoes(t *testing.T) {
	evs := recorded(fewest, func(x *trace) {
		x.air(porch).dial(porch, cloudA, gateway.PhaseTalking)
		x.do(gateway.Event{Kind: gateway.WhitelistChanged, MAC: porch, Text: "removed"})
		for range 100 {
			x.air(gate).fail(gate, cloudA, gateway.Refused)
		}
	})
	if n := count(evs, gateway.WhitelistChanged); n != 1 {
		t.Errorf("%d removals, want 1", n)
	}
	if i := slices.IndexFunc(evs, func(ev gateway.Event) bool { return ev.MAC == porch && ev.Kind != gateway.WhitelistChanged }); i >= 0 {
		t.Errorf("kept %s of a device that was removed", evs[i].Kind)
	}
}

// TestBounds: neither number nor size of events breaks the ring.
func TestBounds(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	r := NewRecorder(100)
	x := newTrace(r.Add)
	for i := range 2000 {
		m := gateway.MAC{0, 1, 2, 3, byte(i >> 8), byte(i)}
		x.do(gateway.Event{Kind: gateway.Phased, MAC: m, Session: uint64(i) + 1, Phase: gateway.PhaseTalking, Text: long, Hint: long, Name: long,
			Record: &gateway.SessionRecord{Detail: long}, Book: make([]gateway.Address, 5000)},
			gateway.Event{Kind: gateway.EgressProbe, Peer: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5683)})
		if len(r.events) > 100 || r.bytes > 100*perEvent {
			t.Fatalf("%d events of %d bytes", len(r.events), r.bytes)
		}
	}
	if r.bytes != weighAll(r.events) || len(r.events) == 0 {
		t.Errorf("%d events, counted as %d bytes of %d", len(r.events), r.bytes, weighAll(r.events))
	}
}

// TestAtOnce: coalescing what was coalesced changes nothing.
func TestAtOnce(t *testing.T) {
	for _, f := range faults {
		b, _ := record(t, f, 7, 4096, 2, true)
		if again := coalesce(b.Events); len(again) != len(b.Events) {
			t.Errorf("%s: %d events became %d", f.name, len(b.Events), len(again))
		}
	}
}
