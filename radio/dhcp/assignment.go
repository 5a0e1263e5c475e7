package dhcp

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"

	"photongate/gateway"
)

// assignment is the table at one moment; it is never changed once published.
type assignment struct {
	// held is every address that belongs to a MAC, of removed devices too.
	held map[gateway.MAC]netip.Addr
	// listed are the devices that may use theirs.
	listed map[gateway.MAC]struct{}
	// owner is held backwards, of listed devices only.
	owner map[netip.Addr]gateway.MAC
}

// fit returns the assignment for the devices of inv, which keeps what a holds,
// and how many devices get no address.
func (a *assignment) fit(inv gateway.Inventory, p netip.Prefix) (next *assignment, without int) {
	next = &assignment{
		held:   maps.Clone(a.held),
		listed: make(map[gateway.MAC]struct{}, inv.Len()),
		owner:  make(map[netip.Addr]gateway.MAC, inv.Len()),
	}
	if next.held == nil {
		next.held = make(map[gateway.MAC]netip.Addr, inv.Len())
	}
	devices := inv.All()
	for _, d := range devices {
		next.listed[d.MAC] = struct{}{}
	}
	free := newPool(next, p)
	for _, d := range devices {
		if _, ok := next.held[d.MAC]; ok {
			continue
		}
		if addr, ok := free.take(next); ok {
			next.held[d.MAC] = addr
		} else {
			without++
		}
	}
	for m := range next.listed {
		if addr, ok := next.held[m]; ok {
			next.owner[addr] = m
		}
	}
	return next, without
}

// holds tells whether a and b would leave the same file.
func (a *assignment) holds(b *assignment) bool { return maps.Equal(a.held, b.held) }

// pool is what is left to deal out: first the addresses that nobody holds,
// from the lowest up, then those of removed devices.
type pool struct {
	prefix netip.Prefix
	used   map[netip.Addr]struct{}
	// next is the lowest address not looked at yet.
	next netip.Addr
	// removed are the MACs that are not listed, by address.
	removed []Pair
}

// newPool is what a leaves free of p.
func newPool(a *assignment, p netip.Prefix) *pool {
	l := &pool{prefix: p, used: make(map[netip.Addr]struct{}, len(a.held)), next: p.Masked().Addr()}
	for m, addr := range a.held {
		l.used[addr] = struct{}{}
		if _, ok := a.listed[m]; !ok {
			l.removed = append(l.removed, Pair{MAC: m, Addr: addr})
		}
	}
	slices.SortFunc(l.removed, func(x, y Pair) int { return x.Addr.Compare(y.Addr) })
	return l
}

// take returns a free address, taking it from a removed device in a when it must.
func (l *pool) take(a *assignment) (netip.Addr, bool) {
	for ; l.prefix.Contains(l.next); l.next = l.next.Next() {
		if _, ok := l.used[l.next]; !ok && assignable(l.prefix, l.next) {
			l.used[l.next] = struct{}{}
			return l.next, true
		}
	}
	if len(l.removed) == 0 {
		return netip.Addr{}, false
	}
	r := l.removed[0]
	l.removed = l.removed[1:]
	delete(a.held, r.MAC)
	return r.Addr, true
}

// assignable tells whether a device may have a: p without its network,
// broadcast and gateway address.
func assignable(p netip.Prefix, a netip.Addr) bool {
	return p.Contains(a) && a != p.Addr() && a != p.Masked().Addr() && a != broadcast(p)
}

// poolSize counts the addresses that assignable admits.
func poolSize(p netip.Prefix) int { return 1<<(32-p.Bits()) - 3 }

// broadcast is the last address of p, an IPv4 prefix.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|(1<<(32-p.Bits())-1))
	return netip.AddrFrom4(b)
}
