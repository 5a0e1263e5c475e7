package incident

import (
	"slices"
	"strings"

	"photongate/gateway"
)

const (
	// fewest is the smallest ring: less does not hold one device's story.
	fewest = 64
	// perEvent is how many bytes an event may take on the average. A bare one
	// takes about 350 (bareEvent); texts and address books take the rest.
	perEvent = 512
	// bareEvent is about the size of an Event without what it points to.
	bareEvent = 350
	// perAddress and perRecord are about the sizes of an entry of an address
	// book and of a session's record.
	perAddress, perRecord = 144, 288
	// maxText bounds each text of a recorded event: a log line has 160
	// characters at the most (photon.md 6.1), an error of ours a few hundred.
	maxText = 512
	// maxBook bounds the address book of one event; diagnose looks at 64.
	maxBook = 64
)

// Recorder keeps, in bounded memory, the events from which a ladder comes to
// the verdict that it would come to from all of them.
//
// Noise is folded. Of what a part says of itself, the first and the latest
// failure stay, and the end of it; of the firewall's drops one event with the
// sum; of the resolver, of the address book and of each address's probes the
// first and the latest of a series of the same outcome; a session that stalls
// or ends begins a new series. Of what a device repeats while its session
// stands, the first and the latest of each kind since the session began; of
// what it repeats without one, the first few and then one in four minutes,
// which is less than the ladder's patience with a silent device.
//
// Where there is no room, these stay, however old: of each device the latest
// three sessions, the latest two that were complete, and the latest signs
// of every kind (see stay in retain.go); of the way out the latest book, and of every address the
// latest probe and the latest good one. The rest goes, oldest first, a session
// always as a whole. Where even that has no room, the devices heard of longest
// ago go, those with an open session last.
//
// No two goroutines may use a Recorder at once.
type Recorder struct {
	// max and maxBytes bound the ring.
	max, maxBytes int
	// events are what is kept, oldest first; bytes is about their size.
	events []gateway.Event
	bytes  int
}

// NewRecorder makes a ring of at most max events (64 at the least), and of at
// most 512 bytes per event on the average. A device needs about 40, so that
// 2048 events, which are 1 MiB, serve a segment of 50 devices.
func NewRecorder(max int) *Recorder {
	if max < fewest {
		max = fewest
	}
	return &Recorder{max: max, maxBytes: max * perEvent}
}

// Add records an event; long texts are cut.
func (r *Recorder) Add(ev gateway.Event) {
	ev = clip(ev)
	r.events = append(r.events, ev)
	r.bytes += weigh(ev)
	if len(r.events) <= r.max && r.bytes <= r.maxBytes {
		return
	}
	// Some room at once, so that the work is not done for every event.
	r.events = shrink(coalesce(r.events), r.max*3/4, r.maxBytes*3/4)
	r.bytes = weighAll(r.events)
}

// Events are the recorded events without noise, oldest first. The slice is
// the caller's.
func (r *Recorder) Events() []gateway.Event { return coalesce(r.events) }

// clip bounds what an event points to.
func clip(ev gateway.Event) gateway.Event {
	ev.Text, ev.Hint, ev.Name = cut(ev.Text), cut(ev.Hint), cut(ev.Name)
	if len(ev.Book) > maxBook {
		ev.Book = slices.Clone(ev.Book[:maxBook])
	}
	if ev.Record != nil && len(ev.Record.Detail) > maxText {
		rec := *ev.Record
		rec.Detail = cut(rec.Detail)
		ev.Record = &rec
	}
	return ev
}

// cut bounds a text.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	// Not a piece of the long one, which would keep all of it in memory.
	return strings.Clone(strings.ToValidUTF8(s[:maxText], ""))
}

// weigh is about how many bytes an event takes.
func weigh(ev gateway.Event) int {
	n := bareEvent + len(ev.Text) + len(ev.Hint) + len(ev.Name) + len(ev.Book)*perAddress
	if ev.Record != nil {
		n += perRecord + len(ev.Record.Detail)
	}
	return n
}

// weighAll sums what events take.
func weighAll(evs []gateway.Event) int {
	n := 0
	for _, ev := range evs {
		n += weigh(ev)
	}
	return n
}
