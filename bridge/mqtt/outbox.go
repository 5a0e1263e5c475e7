package mqtt

import "sync"

// maxTopics bounds how many topics wait for one connection. A gateway has a
// handful and each device three (users.md E2), so this is 300 devices.
const maxTopics = 1024

// outbox holds the latest state of each topic until it is sent. It is closed
// while no broker listens: Config.Birth says it all again then.
type outbox struct {
	mu sync.Mutex
	// open: a broker listens.
	open bool
	// latest holds what waits, by topic.
	latest map[string]Message
	// order lists the topics in the order in which they first waited.
	order []string
	// bell has one token when something waits.
	bell chan struct{}
}

// newOutbox is closed and empty.
func newOutbox() *outbox {
	return &outbox{latest: make(map[string]Message), bell: make(chan struct{}, 1)}
}

// turn opens or closes the box, empty in both cases.
func (o *outbox) turn(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = open
	clear(o.latest)
	o.order = nil
}

// put takes a message and tells whether there was room. Without a broker it is
// forgotten, which is no lack of room.
func (o *outbox) put(m Message) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open {
		return true
	}
	if _, waits := o.latest[m.Topic]; !waits {
		if len(o.order) >= maxTopics {
			return false
		}
		o.order = append(o.order, m.Topic)
	}
	o.latest[m.Topic] = m
	ring(o.bell)
	return true
}

// take removes and returns at most n messages, oldest topic first.
func (o *outbox) take(n int) []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = min(n, len(o.order))
	batch := make([]Message, n)
	for i, topic := range o.order[:n] {
		batch[i] = o.latest[topic]
		delete(o.latest, topic)
	}
	o.order = o.order[n:]
	return batch
}

// ring leaves a token, unless there is one.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
