package diagnose

import (
	"net/netip"
	"slices"
	"time"

	"photongate/gateway"
)

// maxAddresses bounds the addresses remembered of the cloud: the thread behind
// this program saw four in days, and an answer seldom holds more than eight.
const maxAddresses = 64

// book is what is known of the cloud's addresses.
type book struct {
	addrs []gateway.Address
}

// replace takes over a whole address book.
func (b *book) replace(as []gateway.Address) {
	b.addrs = slices.Clone(as[:min(len(as), maxAddresses)])
}

// note records how one attempt ended.
func (b *book) note(peer netip.AddrPort, o gateway.Outcome, at time.Time, rtt time.Duration) {
	if !peer.IsValid() || o == "" {
		return
	}
	a := b.find(peer)
	if a == nil {
		a = b.add(peer)
	}
	a.Last, a.LastTime = o, at
	a.Approved = a.Approved || o != gateway.NotApproved
	switch o {
	case gateway.Spoke, gateway.Accepted:
		a.LastGood, a.RTT = at, rtt
		a.Good++
	case gateway.NotApproved, gateway.NoAddress:
		// Not an attempt.
	default:
		a.Bad++
	}
}

// accept records that a connection stands, which is not yet an answer of the
// cloud's: something in between may have accepted it.
func (b *book) accept(peer netip.AddrPort, at time.Time) {
	if !peer.IsValid() {
		return
	}
	a := b.find(peer)
	if a == nil {
		a = b.add(peer)
	}
	a.Approved, a.Last, a.LastTime = true, gateway.Accepted, at
}

// find returns the entry of an address, or nil.
func (b *book) find(peer netip.AddrPort) *gateway.Address {
	for i := range b.addrs {
		if b.addrs[i].Addr == peer {
			return &b.addrs[i]
		}
	}
	return nil
}

// add makes an entry, in the place of the one that was tried longest ago when
// the book is full.
func (b *book) add(peer netip.AddrPort) *gateway.Address {
	if len(b.addrs) >= maxAddresses {
		old := 0
		for i := range b.addrs {
			if b.addrs[i].LastTime.Before(b.addrs[old].LastTime) {
				old = i
			}
		}
		b.addrs = slices.Delete(b.addrs, old, old+1)
	}
	b.addrs = append(b.addrs, gateway.Address{Addr: peer})
	return &b.addrs[len(b.addrs)-1]
}

// last lists the addresses whose last attempt ended in one of the outcomes.
func (b *book) last(outcomes ...gateway.Outcome) []gateway.Address {
	var out []gateway.Address
	for _, a := range b.addrs {
		if slices.Contains(outcomes, a.Last) {
			out = append(out, a)
		}
	}
	return out
}

// spoke returns an address that answers: one that did at its last attempt,
// else one that ever did.
func (b *book) spoke() (gateway.Address, bool) {
	for _, a := range b.addrs {
		if a.Good > 0 && (a.Last == gateway.Spoke || a.Last == gateway.Accepted) {
			return a, true
		}
	}
	for _, a := range b.addrs {
		if a.Good > 0 {
			return a, true
		}
	}
	return gateway.Address{}, false
}

// tried lists the addresses that were tried.
func (b *book) tried() []gateway.Address {
	var out []gateway.Address
	for _, a := range b.addrs {
		if a.Last != "" && a.Last != gateway.NotApproved && a.Last != gateway.NoAddress {
			out = append(out, a)
		}
	}
	return out
}

// untried tells whether an address is left that may be dialled and was not.
func (b *book) untried() bool {
	return slices.ContainsFunc(b.addrs, func(a gateway.Address) bool { return a.Last == "" && a.Approved && a.Current })
}

// mute tells whether every address accepts and says nothing.
func (b *book) mute() bool {
	n := len(b.last(gateway.Mute))
	return n > 0 && n == len(b.tried()) && !b.untried()
}

// droppedSince returns an address that had answered, and whose last attempt,
// not before t, was dropped. The one that is asked for comes first.
func (b *book) droppedSince(peer netip.AddrPort, t time.Time) (gateway.Address, bool) {
	var found gateway.Address
	for _, a := range b.last(gateway.TimedOut) {
		if a.LastTime.Before(t) || a.Good == 0 && a.Addr != peer {
			continue
		}
		if a.Addr == peer {
			return a, true
		}
		found = a
	}
	return found, found.Addr.IsValid()
}
