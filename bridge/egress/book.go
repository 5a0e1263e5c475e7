package egress

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"photongate/gateway"
)

// maxBook bounds the book. Particle's published lists hold 20 addresses
// (users.md, finding 2); more than three times that is not a cloud any more.
const maxBook = 64

// book is every address of the cloud ever seen, with what came of trying it.
type book struct {
	entries  []gateway.Address
	approves func(a netip.Addr, current bool) bool
}

// usable tells whether an address can belong to a cloud at all. A resolver that
// answers with the gateway itself or with nothing is broken or a block list.
func usable(a netip.Addr) bool {
	if !a.Is4() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	// 0.0.0.0/8 is this host, 224.0.0.0/3 multicast, reserved and broadcast
	// (RFC 6890 2.2.2, RFC 5771).
	first := a.As4()[0]
	return first != 0 && first < 224
}

// learn enters the addresses that the name resolves to now. It tells whether
// the book changed.
func (b *book) learn(addrs []netip.Addr, port uint16) (changed bool) {
	for i := range b.entries {
		e := &b.entries[i]
		current := slices.Contains(addrs, e.Addr.Addr())
		changed = changed || current != e.Current
		e.Current = current
	}
	for _, a := range addrs {
		ap := netip.AddrPortFrom(a, port)
		if b.find(ap) != nil {
			continue
		}
		if len(b.entries) >= maxBook && !b.drop() {
			break
		}
		b.entries = append(b.entries, gateway.Address{Addr: ap, Current: true})
		changed = true
	}
	for i := range b.entries {
		e := &b.entries[i]
		e.Approved = b.approves(e.Addr.Addr(), e.Current)
	}
	return changed
}

// drop forgets the address that is no longer current and answered longest ago.
// It tells whether there was one.
func (b *book) drop() bool {
	oldest := -1
	for i, e := range b.entries {
		if !e.Current && (oldest < 0 || e.LastGood.Before(b.entries[oldest].LastGood)) {
			oldest = i
		}
	}
	if oldest < 0 {
		return false
	}
	b.entries = slices.Delete(b.entries, oldest, oldest+1)
	return true
}

// find returns the entry of an address, or nil.
func (b *book) find(ap netip.AddrPort) *gateway.Address {
	for i := range b.entries {
		if b.entries[i].Addr == ap {
			return &b.entries[i]
		}
	}
	return nil
}

// good tells whether an outcome means that the address can be used.
func good(o gateway.Outcome) bool { return o == gateway.Spoke || o == gateway.Accepted }

// note enters the outcome of an attempt. It tells whether that is news.
func (b *book) note(ap netip.AddrPort, o gateway.Outcome, rtt time.Duration, now time.Time) (news bool) {
	e := b.find(ap)
	if e == nil {
		return false
	}
	news = e.Last != o && !(o == gateway.Accepted && e.Last == gateway.Spoke)
	if news {
		e.Last = o
	}
	e.LastTime = now
	if !good(o) {
		e.Bad++
		return news
	}
	e.Good++
	e.LastGood = now
	if rtt > 0 {
		e.RTT = rtt
	}
	return news
}

// rank sorts addresses: those that answered last time first, then the untried,
// then those that failed.
func rank(e gateway.Address) int {
	switch {
	case good(e.Last):
		return 0
	case e.Last == "":
		return 1
	}
	return 2
}

// candidates lists what may be dialled, the most promising first: the choice
// is sticky, so that a firewall sees one address for as long as that works.
func (b *book) candidates() []netip.AddrPort {
	var es []gateway.Address
	for _, e := range b.entries {
		if e.Approved {
			es = append(es, e)
		}
	}
	slices.SortStableFunc(es, func(x, y gateway.Address) int {
		current := func(e gateway.Address) int {
			if e.Current {
				return 0
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(rank(x), rank(y)),
			y.LastGood.Compare(x.LastGood),
			cmp.Compare(current(x), current(y)),
			x.LastTime.Compare(y.LastTime),
		)
	})
	aps := make([]netip.AddrPort, len(es))
	for i, e := range es {
		aps[i] = e.Addr
	}
	return aps
}

// list is a copy of the book in the order of addresses.
func (b *book) list() []gateway.Address {
	es := slices.Clone(b.entries)
	slices.SortFunc(es, func(x, y gateway.Address) int { return x.Addr.Compare(y.Addr) })
	return es
}
