package incident

import (
	"maps"
	"slices"

	"photongate/gateway"
)

// shrink drops what matters least until no more than n events of about size
// bytes are left. It changes the list.
func shrink(evs []gateway.Event, n, size int) []gateway.Event {
	x := &excess{in: evs, drop: make([]bool, len(evs)), count: len(evs) - n, bytes: weighAll(evs) - size}
	if x.over() {
		x.dropSpent(newKeep(evs))
	}
	if x.over() {
		x.dropDevices()
	}
	for i := 0; i < len(evs) && x.over(); i++ {
		x.out(i)
	}
	left := evs[:0]
	for i, ev := range evs {
		if !x.drop[i] {
			left = append(left, ev)
		}
	}
	clear(evs[len(left):])
	return left
}

// excess is what a list has too much of.
type excess struct {
	in   []gateway.Event
	drop []bool
	// count and bytes are how much is still too much, where above 0.
	count, bytes int
}

// over tells whether something is still too much.
func (x *excess) over() bool { return x.count > 0 || x.bytes > 0 }

// out drops one event.
func (x *excess) out(i int) {
	if x.drop[i] {
		return
	}
	x.drop[i] = true
	x.count--
	x.bytes -= weigh(x.in[i])
}

// dropSpent drops what no verdict needs, oldest first. A session goes as a
// whole: half of one would read as another.
func (x *excess) dropSpent(k *keep) {
	gone := map[sessionKey]bool{}
	for i, ev := range x.in {
		whole := ev.Session != 0 && gone[keyOf(ev)]
		if !whole && (!x.over() || k.needed[i]) {
			continue
		}
		if ev.Session != 0 {
			gone[keyOf(ev)] = true
		}
		x.out(i)
	}
}

// holder is a device in a list.
type holder struct {
	mac gateway.MAC
	// open: its session was not told to have ended. last is the place of its latest event.
	open bool
	last int
}

// dropDevices drops devices, those heard of longest ago first, those with an
// open session last. The latest device is what is going on, and stays.
func (x *excess) dropDevices() {
	order := x.holders()
	for _, d := range order[:max(len(order)-1, 0)] {
		if !x.over() {
			return
		}
		for i, ev := range x.in {
			if ev.MAC == d.mac {
				x.out(i)
			}
		}
	}
}

// holders lists the devices of what is left, in the order in which they may go.
func (x *excess) holders() []holder {
	seen := map[gateway.MAC]holder{}
	for i, ev := range x.in {
		if ev.MAC.IsZero() || x.drop[i] {
			continue
		}
		opened := ev.Kind == gateway.Phased || ev.Kind == gateway.Connected
		was := seen[ev.MAC].open && ev.Kind != gateway.SessionClosed
		seen[ev.MAC] = holder{mac: ev.MAC, open: was || opened, last: i}
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b holder) int {
		if a.open == b.open {
			return a.last - b.last
		}
		if b.open {
			return -1
		}
		return 1
	})
}
