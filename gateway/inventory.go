package gateway

import (
	"fmt"
	"maps"
	"slices"
)

// Inventory is the whitelist: which devices may use the segment. It is
// immutable; With and Without return changed copies, so readers need no lock.
type Inventory struct {
	byMAC map[MAC]Device
}

// NewInventory builds a whitelist. It refuses a zero or group MAC, and a MAC,
// id or name that stands twice.
func NewInventory(devices []Device) (Inventory, error) {
	inv := Inventory{byMAC: make(map[MAC]Device, len(devices))}
	for _, d := range devices {
		if _, dup := inv.byMAC[d.MAC]; dup {
			return Inventory{}, fmt.Errorf("add device %s: its MAC is listed already", d.Label())
		}
		if err := inv.admits(d); err != nil {
			return Inventory{}, err
		}
		inv.byMAC[d.MAC] = d
	}
	return inv, nil
}

// admits tells why d cannot join the list beside the other entries.
func (inv Inventory) admits(d Device) error {
	if d.MAC.IsZero() || d.MAC.IsGroup() {
		return fmt.Errorf("add device %s: %s is not the address of one device", d.Label(), d.MAC)
	}
	for _, o := range inv.byMAC {
		switch {
		case o.MAC == d.MAC:
		case d.Name != "" && o.Name == d.Name:
			return fmt.Errorf("add device %s: the name belongs to %s", d.Label(), o.MAC)
		case !d.ID.IsZero() && o.ID == d.ID:
			return fmt.Errorf("add device %s: the id belongs to %s", d.Label(), o.MAC)
		}
	}
	return nil
}

// ByMAC returns the entry of a MAC.
func (inv Inventory) ByMAC(m MAC) (Device, bool) {
	d, ok := inv.byMAC[m]
	return d, ok
}

// Find returns the entry that s names: a name, a device id or a MAC. Where a
// name looks like another device's MAC or id, the MAC or id wins.
func (inv Inventory) Find(s string) (Device, bool) {
	found, ok := Device{}, false
	for _, d := range inv.byMAC {
		if !d.Is(s) {
			continue
		}
		if d.Name != s {
			return d, true
		}
		found, ok = d, true
	}
	return found, ok
}

// All lists the entries in the order of their MACs.
func (inv Inventory) All() []Device {
	return slices.SortedFunc(maps.Values(inv.byMAC), func(a, b Device) int {
		return slices.Compare(a.MAC[:], b.MAC[:])
	})
}

// Len counts the entries.
func (inv Inventory) Len() int { return len(inv.byMAC) }

// With returns the list with d added, or replacing the entry of its MAC.
func (inv Inventory) With(d Device) (Inventory, error) {
	if err := inv.admits(d); err != nil {
		return inv, err
	}
	next := Inventory{byMAC: maps.Clone(inv.byMAC)}
	if next.byMAC == nil {
		next.byMAC = make(map[MAC]Device, 1)
	}
	next.byMAC[d.MAC] = d
	return next, nil
}

// Without returns the list without the entry of m.
func (inv Inventory) Without(m MAC) Inventory {
	next := Inventory{byMAC: maps.Clone(inv.byMAC)}
	delete(next.byMAC, m)
	return next
}
