package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"photongate/gateway"
)

// maxDevices bounds the learned devices: a /22 of them is more than any access
// point carries.
const maxDevices = 1024

// whitelist is who may use the segment: the devices that the configuration
// pins, and those that were added while running, which a file keeps.
type whitelist struct {
	path string
	// apply carries a changed list to the parts that enforce it. It is called
	// after the change is kept and before it counts.
	apply func(context.Context, gateway.Inventory) error
	// changed is told of a device that was added or removed.
	changed func(d gateway.Device, what string)

	mu  sync.Mutex // serialises changes
	inv atomic.Pointer[gateway.Inventory]
}

// openWhitelist merges the pinned devices with those of the file. A learned
// entry that contradicts the configuration gives way to it.
func openWhitelist(path string, pinned []gateway.Device) (*whitelist, []string, error) {
	inv, err := gateway.NewInventory(pinned)
	if err != nil {
		return nil, nil, err
	}
	learned, err := readDevices(path)
	if err != nil {
		return nil, nil, err
	}
	var dropped []string
	for _, d := range learned {
		p, pinned := inv.ByMAC(d.MAC)
		switch {
		case pinned:
			if p.ID.IsZero() {
				p.ID = d.ID // learned from the device itself
			}
			d = p
		case d.Pinned:
			// The configuration listed it, and does so no more: only its id was
			// learned, never that it may in.
			continue
		}
		next, err := inv.With(d)
		if err != nil {
			dropped = append(dropped, err.Error())
			continue
		}
		inv = next
	}
	w := &whitelist{path: path}
	w.inv.Store(&inv)
	return w, dropped, nil
}

// readDevices reads the file of learned devices; a missing one is empty. Those
// marked as pinned were so by the configuration of the run that wrote it.
func readDevices(path string) ([]gateway.Device, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the learned devices: %w", err)
	}
	var ds []gateway.Device
	if err := json.Unmarshal(b, &ds); err != nil {
		return nil, gateway.Hint(fmt.Errorf("read the learned devices from %s: %w", path, err),
			"repair the file, or move it away and add the devices again with `photongate device add`")
	}
	return ds[:min(len(ds), maxDevices)], nil
}

// inventory is the list as it stands.
func (w *whitelist) inventory() gateway.Inventory { return *w.inv.Load() }

// add lists a device.
func (w *whitelist) add(ctx context.Context, d gateway.Device) error {
	return w.change(ctx, d, "added", func(inv gateway.Inventory) (gateway.Inventory, error) {
		if old, ok := inv.ByMAC(d.MAC); ok {
			return inv, fmt.Errorf("add device %s: %s is listed already as %s", d.Label(), d.MAC, old.Label())
		}
		if inv.Len() >= maxDevices {
			return inv, fmt.Errorf("add device %s: %d devices are listed, the limit", d.Label(), inv.Len())
		}
		return inv.With(d)
	})
}

// remove takes the device that name means off the list and returns it.
func (w *whitelist) remove(ctx context.Context, name string) (gateway.Device, error) {
	d, ok := w.find(name)
	if !ok {
		return d, gateway.Hint(fmt.Errorf("remove device %s: no such device is listed", name), "`photongate device list` shows the names")
	}
	if d.Pinned {
		return d, gateway.Hint(fmt.Errorf("remove device %s: the configuration file lists it", d.Label()), "remove its [[device]] section there and restart")
	}
	return d, w.change(ctx, d, "removed", func(inv gateway.Inventory) (gateway.Inventory, error) {
		return inv.Without(d.MAC), nil
	})
}

// find returns the device that name means. A device without a name or without
// an id is not what an empty name or an id of zeros means.
func (w *whitelist) find(name string) (gateway.Device, bool) {
	if id, err := gateway.ParseDeviceID(name); name == "" || err == nil && id.IsZero() {
		return gateway.Device{}, false
	}
	return w.inventory().Find(name)
}

// learn notes the id that a listed device told of itself. A device that
// already has another id keeps it: a changed id is for people to look at.
func (w *whitelist) learn(ctx context.Context, m gateway.MAC, id gateway.DeviceID) error {
	err := w.change(ctx, gateway.Device{MAC: m}, "", func(inv gateway.Inventory) (gateway.Inventory, error) {
		// Looked up here, in turn: a device that is removed meanwhile stays so.
		d, ok := inv.ByMAC(m)
		if !ok || !d.ID.IsZero() || id.IsZero() {
			return inv, errNoNews
		}
		d.ID = id
		return inv.With(d)
	})
	if errors.Is(err, errNoNews) {
		return nil
	}
	return err
}

// errNoNews: there is nothing to learn.
var errNoNews = errors.New("nothing to learn")

// change makes one change: it is kept first, then enforced, then announced. What
// cannot be kept is never enforced, and what cannot be enforced is not kept.
func (w *whitelist) change(ctx context.Context, d gateway.Device, what string, edit func(gateway.Inventory) (gateway.Inventory, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.inventory()
	next, err := edit(old)
	if err != nil {
		return err
	}
	if err := w.save(next); err != nil {
		return err
	}
	if w.apply != nil && what != "" {
		if err := w.apply(ctx, next); err != nil {
			// The caller's patience may be over; the way back is not optional.
			return errors.Join(err, w.save(old), w.apply(context.WithoutCancel(ctx), old))
		}
	}
	w.inv.Store(&next)
	if w.changed != nil && what != "" {
		w.changed(d, what)
	}
	return nil
}

// save writes what is not in the configuration: learned devices, and learned
// ids of pinned ones.
func (w *whitelist) save(inv gateway.Inventory) error {
	keep := []gateway.Device{}
	for _, d := range inv.All() {
		if !d.Pinned || !d.ID.IsZero() {
			keep = append(keep, d)
		}
	}
	b, err := json.MarshalIndent(keep, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the learned devices: %w", err)
	}
	if err := writeFile(w.path, append(b, '\n')); err != nil {
		return fmt.Errorf("keep the learned devices: %w", err)
	}
	return nil
}

// writeFile replaces a file of which there is one writer at a time.
func writeFile(path string, b []byte) error {
	return gateway.ReplaceFile(path, path+".new", b, 0o600)
}
