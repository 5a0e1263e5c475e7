package diagnose

import (
	"net/netip"
	"time"

	"photongate/gateway"
)

// Story is what happened to one device, folded from events in their order. It
// keeps the telling events only, so that its size does not grow.
type Story struct {
	// book is what is known of the cloud's addresses: the story's own for a
	// log, the ladder's for a live device.
	book *book
	// pasted: the events are a log's, whose clock starts anew with the device.
	pasted bool
	// clock is the time of the latest event.
	clock time.Time
	// stage is how far the device is, since when, and when anything of it was noticed.
	stage       gateway.Stage
	since, seen time.Time
	// noticed counts events, known those that are more than a line of a log.
	noticed, known uint64
	// addr is its address, id its identity, cloud the name that it looks up.
	addr  netip.Addr
	id    gateway.DeviceID
	cloud string
	// join is the present attempt to join the network.
	join joining
	// faults are what failed, by level, until that level is passed again.
	faults [levelCount]fault
	// session is the present or last connection to the cloud.
	session session
	// loss is how the last session ended that had been complete.
	loss loss
	// sessions counts connections, online those that got through.
	sessions, online uint64
	// restarts counts how often the device's clock began anew.
	restarts int
	// before is the latest earlier life in which something failed.
	before *Story
	// losses counts complete sessions that were lost and made good.
	losses int
	// leaseTook is how long the last address took after the join, 0 where not known.
	leaseTook time.Duration
	// marks are the latest events of their kind, for evidence.
	marks marks
}

// joining is one attempt to join the network and get an address.
type joining struct {
	// armed: its start was seen. named: the network was named, which firmware
	// 0.7 and later do. associated: it was joined.
	// brought: the Wi-Fi driver said so, whose lines name the network too.
	armed, named, associated, brought bool
	// asked counts requests for an address, first is when the first was, askedAt the
	// last, anew the first after a pause.
	asked                int
	first, askedAt, anew time.Time
	// listening: the device waits for credentials.
	listening bool
	// refused is the latest name asked for that is not the cloud's, and since when.
	refused   string
	refusedAt time.Time
}

// marks keeps the latest event of each telling kind; the zero event is none.
type marks struct {
	associated, leased, connecting, resolved, connected, up, heard, lost, test, reset, stranger, listening, stepped gateway.Event
}

// NewStory starts an empty story, of a pasted log.
func NewStory() *Story { return &Story{book: new(book), pasted: true} }

// rebootStep is how far a device's clock may step back without having started
// anew: threads write their lines slightly out of order.
const rebootStep = 2 * time.Second

// Apply folds one event.
func (s *Story) Apply(e gateway.Event) {
	if s.pasted && e.Witness == gateway.WitnessSerial {
		s.serialClock(&e)
	} else if e.Time.Before(s.clock) {
		e.Time = s.clock
	}
	s.clock = e.Time
	s.noticed++
	if e.Kind != gateway.DeviceLog {
		s.known++
	}
	s.seen = e.Time
	if !e.ID.IsZero() {
		s.id = e.ID
	}
	if s.stage == gateway.StageNone {
		s.reach(gateway.StageSeen)
	}
	s.fold(e)
}

// fold sends an event to the part of the story that it belongs to.
func (s *Story) fold(e gateway.Event) {
	switch e.Kind {
	case gateway.Joining, gateway.Associated, gateway.AssocFailed, gateway.LinkLost,
		gateway.LeaseAsked, gateway.Leased, gateway.LeaseFailed, gateway.WLANReset:
		s.foldLink(e)
	case gateway.Resolved, gateway.ResolveFailed, gateway.DNSRefused,
		gateway.Connecting, gateway.Connected, gateway.ConnectFailed, gateway.InternetTest:
		s.foldWay(e)
	case gateway.Phased, gateway.HandshakeFailed, gateway.Handshaken, gateway.CloudUp, gateway.Heard,
		gateway.PingLost, gateway.SessionLost, gateway.SessionStalled, gateway.SessionClosed, gateway.SessionRefused:
		s.foldSession(e)
	case gateway.Stranger:
		s.marks.stranger = e
	case gateway.DeviceLog:
		s.foldLog(e)
	}
}

// serialClock gives an event without a stamp the time of the one before, and
// begins the story anew where the clock steps back: the device started again,
// or a second log stands behind the first.
func (s *Story) serialClock(e *gateway.Event) {
	switch {
	case e.Time.IsZero():
		e.Time = s.clock
	case e.Time.Before(s.clock.Add(-rebootStep)):
		s.restart(e.Time)
		s.marks.stepped = *e
	case e.Time.Before(s.clock):
		e.Time = s.clock
	}
}

// restart forgets what a restart of the device ends. A session that was killed
// stays killed, and addresses keep what they did.
func (s *Story) restart(at time.Time) {
	next := Story{book: s.book, pasted: s.pasted, cloud: s.cloud, id: s.id, noticed: s.noticed, known: s.known,
		online: s.online, sessions: s.sessions, losses: s.losses, restarts: s.restarts + 1, before: s.before}
	if s.reigning() != levelNone || s.loss.kind != lossNone && !s.loss.recovered {
		last := *s
		last.before = nil
		next.before = &last
	}
	if _, killed := s.killed(); killed {
		next.loss = s.loss
		next.loss.at, next.loss.began = at, at
	}
	for i := range s.book.addrs {
		// Times of the old clock mean nothing in the new one.
		s.book.addrs[i].LastTime = at
	}
	next.clock = at
	*s = next
}

// reach sets the stage.
func (s *Story) reach(g gateway.Stage) {
	if s.stage != g {
		s.stage, s.since = g, s.clock
	}
}

// rise sets the stage where it is not that high yet.
func (s *Story) rise(g gateway.Stage) {
	if s.stage < g {
		s.reach(g)
	}
}

// fall sets the stage where it is higher.
func (s *Story) fall(g gateway.Stage) {
	if s.stage > g {
		s.reach(g)
	}
}
