package dhcp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"photongate/gateway"
)

// minBits is the shortest prefix of a segment: 65533 devices are more than any
// radio carries, and bound what an attack on the table could cost.
const minBits = 16

// maxBits is the longest prefix that leaves an address beside the gateway's.
const maxBits = 30

// TableConfig says which addresses a Table deals out, and where it keeps them.
type TableConfig struct {
	// Prefix is the gateway's address on the segment with the segment's
	// length, from /16 to /30, as in 192.168.77.1/24.
	Prefix netip.Prefix
	// Path is the JSON file that survives a restart; its folder must exist.
	Path string
}

// Pair is a listed device's MAC and the address that belongs to it.
type Pair struct {
	MAC  gateway.MAC
	Addr netip.Addr
}

// Table is who gets which address. Its readers take no lock; all methods may
// be called concurrently.
type Table struct {
	prefix netip.Prefix
	path   string

	// mu orders the writers, Load and Assign.
	mu sync.Mutex
	// dirty: the file does not hold what now holds, because a write was refused.
	dirty bool
	// now is the assignment in force; its maps are never changed.
	now atomic.Pointer[assignment]
}

// NewTable checks c and returns an empty table. It does not touch the file.
func NewTable(c TableConfig) (*Table, error) {
	p := c.Prefix
	switch {
	case !p.IsValid() || !p.Addr().Is4():
		return nil, fmt.Errorf("deal out addresses of %s: not an IPv4 address with a length", p)
	case p.Bits() < minBits || p.Bits() > maxBits:
		return nil, fmt.Errorf("deal out addresses of %s: the length is not between /%d and /%d", p, minBits, maxBits)
	case p.Addr() == p.Masked().Addr() || p.Addr() == broadcast(p):
		return nil, fmt.Errorf("deal out addresses of %s: the gateway cannot have the first or last address", p)
	case c.Path == "":
		return nil, errors.New("deal out addresses: no file to keep them in")
	}
	t := &Table{prefix: p, path: c.Path}
	t.now.Store(&assignment{})
	return t, nil
}

// Load reads the file; a missing one is an empty table. A file that cannot be
// understood is renamed to *.bad and reported. No error is fatal: the table is
// usable after every one. Call it once, before Assign.
func (t *Table) Load() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	held, err := load(t.path)
	for m, a := range held {
		// The configuration may have moved the segment since the file was written.
		if !assignable(t.prefix, a) {
			delete(held, m)
		}
	}
	t.now.Store(&assignment{held: held})
	return err
}

// Assign gives every device of inv an address and leaves those that have one
// alone. A device that is no longer listed loses its service at once, and its
// address only when the others are used up. The assignment is in force even
// when Assign returns an error: that the file could not be written, or that
// there are more devices than addresses.
func (t *Table) Assign(inv gateway.Inventory) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.now.Load()
	next, without := old.fit(inv, t.prefix)
	t.now.Store(next)

	var full, unsaved error
	if without > 0 {
		full = gateway.Hint(fmt.Errorf("assign addresses: %d of %d devices get none: %s has %d addresses",
			without, inv.Len(), t.prefix.Masked(), poolSize(t.prefix)),
			"give segment.address a shorter length, or remove devices that are gone")
	}
	if t.dirty || !next.holds(old) {
		unsaved = save(t.path, next.held)
		t.dirty = unsaved != nil
	}
	if full != nil && unsaved != nil {
		return errors.Join(full, unsaved)
	}
	if full != nil {
		return full
	}
	return unsaved
}

// Addr is the address of a listed device.
func (t *Table) Addr(m gateway.MAC) (netip.Addr, bool) {
	a, _ := t.lookup(m)
	return a, a.IsValid()
}

// MAC is the listed device that an address belongs to.
func (t *Table) MAC(a netip.Addr) (gateway.MAC, bool) {
	m, ok := t.now.Load().owner[a.Unmap()]
	return m, ok
}

// Pairs lists the listed devices that have an address, in the order of their MACs.
func (t *Table) Pairs() []Pair {
	owner := t.now.Load().owner
	ps := make([]Pair, 0, len(owner))
	for a, m := range owner {
		ps = append(ps, Pair{MAC: m, Addr: a})
	}
	slices.SortFunc(ps, func(x, y Pair) int { return slices.Compare(x.MAC[:], y.MAC[:]) })
	return ps
}

// lookup is the address of m, and whether m is listed at all: a listed device
// without an address came after the last one was gone.
func (t *Table) lookup(m gateway.MAC) (a netip.Addr, listed bool) {
	now := t.now.Load()
	if _, listed = now.listed[m]; listed {
		a = now.held[m]
	}
	return a, listed
}
