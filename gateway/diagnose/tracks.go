package diagnose

// Limits for telling the clocks of several devices apart.
const (
	// maxTracks is how many clocks are followed: two devices, and their last lives.
	maxTracks = 4
	// trackSlack is how far threads of one device write their lines out of order, in ms.
	trackSlack = 100
	// trackJitter is how far apart the first lines of a device's lives are, in ms.
	trackJitter = 1_000
	// trackRun is how many records in a row one clock must write to be a life of
	// the device: two devices that try to connect take turns sooner.
	trackRun = 8
	// trackGap is how long a device that tries to connect may write nothing: its
	// attempts are at most 128 s apart (photon.md 4.1), so that two may be missed; in ms.
	trackGap = 300_000
	// minReturns is how often a clock must go on where another one had cut it off.
	minReturns = 3
	// minDowns is how often stamps must step back for the whole to run down.
	minDowns = 4
)

// Order is how the stamps of a log run.
type Order uint8

// The orders.
const (
	// OrderUp: one device's, oldest first, its restarts included.
	OrderUp Order = iota
	// OrderDoubtful: one device's by all that can be told, with steps that two
	// devices would make too.
	OrderDoubtful
	// OrderMixed: several devices' in turns.
	OrderMixed
	// OrderDown: newest first, as some consoles list them.
	OrderDown
)

// tracks follows the clocks of a log. One device's goes up, and begins anew
// when it restarts; those of several devices in one log step back and go on
// where they had been.
type tracks struct {
	// last are the latest stamps of clocks in ms; the first n of them are in use.
	last [maxTracks]uint64
	n    int
	// entry is the highest stamp at which each was found again.
	entry [maxTracks]uint64
	// now is the clock of the latest record.
	now int
	// returns counts steps back onto a clock that was left, restarts other steps
	// back, ups steps forward.
	returns, restarts, ups int
	// run counts records in a row on the present clock.
	run int
	// doubtful: a step back was either of the two.
	doubtful bool
}

// note follows one stamp.
func (t *tracks) note(ms uint64) {
	if t.n == 0 {
		t.start(ms)
		return
	}
	back := ms+trackSlack < t.last[t.now]
	if ms > t.last[t.now]+trackSlack {
		t.ups++
	}
	i := t.under(ms)
	switch {
	case i >= 0 && back && i != t.now:
		t.comesBack(i, ms)
	case i >= 0:
		t.goesOn(i, ms)
	case !back && ms < t.last[t.now]:
		// Threads of one device.
	case back:
		t.restarts++
		// What ran before the clock that ends here is no longer of interest.
		t.last[0], t.entry[0], t.n = t.last[t.now], t.entry[t.now], 1
		t.start(ms)
	default:
		t.start(ms)
	}
}

// start begins another clock, in the place of the lowest one when all are in use.
func (t *tracks) start(ms uint64) {
	t.now = t.n
	if t.n == maxTracks {
		t.now = 0
		for i, l := range t.last {
			if l < t.last[t.now] {
				t.now = i
			}
		}
	} else {
		t.n++
	}
	t.last[t.now], t.entry[t.now], t.run = ms, ms+trackJitter, 0
}

// goesOn moves a clock forward. Where a later life of the device outlives an
// earlier one, it passes the earlier one's end, and is the same clock from there.
func (t *tracks) goesOn(i int, ms uint64) {
	if i == t.now {
		t.run++
	} else {
		if t.run >= trackRun {
			// Never below the one it goes on with: what was under stays under.
			t.last[t.now], t.entry[t.now] = t.last[i], t.entry[i]
		}
		t.run = 0
	}
	t.now, t.last[i] = i, ms
}

// comesBack counts a step back onto a clock that was left. One that runs beside
// another is found further on each time; a device that keeps starting anew is
// found about where it was.
func (t *tracks) comesBack(i int, ms uint64) {
	if ms <= t.entry[i] {
		t.restarts++
		t.doubtful = true
	} else {
		t.returns++
		t.entry[i] = ms
	}
	t.now, t.last[i], t.run = i, ms, 0
}

// under is the clock that was last seen shortest before a stamp, -1 if none was.
func (t *tracks) under(ms uint64) int {
	found := -1
	for i, l := range t.last[:t.n] {
		if l <= ms && ms-l <= trackGap && (found < 0 || l > t.last[found]) {
			found = i
		}
	}
	return found
}

// order tells how the stamps ran.
func (t *tracks) order() Order {
	switch {
	case t.returns >= minReturns && t.returns > t.restarts:
		return OrderMixed
	case t.restarts >= minDowns && t.ups < t.restarts/2:
		return OrderDown
	case t.returns > 0, t.doubtful:
		return OrderDoubtful
	}
	return OrderUp
}
