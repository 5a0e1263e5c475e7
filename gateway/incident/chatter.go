package incident

import (
	"strconv"
	"time"

	"photongate/gateway"
)

const (
	// thin is how far apart two kept events of a device's series are at the
	// most. The ladder gives a silent device up after 5 minutes, so that the
	// series must not look like silence.
	thin = 4 * time.Minute
	// early is how many events of a device's series are kept before it is thinned.
	early = 4
	// burst is how near two events tell the same thing: the ladder counts
	// failures a second apart.
	burst = time.Second
)

// chatter is what one device says.
type chatter struct {
	// open is the number of the open session, when session tells that one is.
	open    uint64
	session bool
	// now is the present series outside of a session, within those in one, by kind.
	now    series
	within map[gateway.Kind]*series
}

// device looks at an event of a device.
func (s *sieve) device(i int) {
	ev := s.in[i]
	c := s.devices[ev.MAC]
	if c == nil {
		c = &chatter{}
		s.devices[ev.MAC] = c
	}
	if !repeats(ev.Kind) {
		s.turn(c, ev)
		c.now = series{}
		return
	}
	if hangsUp(ev.Kind) {
		c.session = false
	}
	if c.session {
		s.within(c, i)
		return
	}
	s.thins(c, i)
}

// turn notes what opens and ends a session.
func (s *sieve) turn(c *chatter, ev gateway.Event) {
	switch ev.Kind {
	case gateway.Connecting, gateway.Connected, gateway.Phased, gateway.Handshaken, gateway.CloudUp:
		if !c.session || c.open != ev.Session {
			c.within = map[gateway.Kind]*series{}
		}
		c.open, c.session = ev.Session, true
	case gateway.SessionStalled:
		s.era++
	case gateway.SessionClosed:
		s.era++
		c.session = c.session && ev.Session != c.open
	default:
		c.session = false
	}
}

// within keeps the first and the latest of a kind since the session began.
func (s *sieve) within(c *chatter, i int) {
	k := s.in[i].Kind
	x := c.within[k]
	if x == nil {
		c.within[k] = &series{n: 1, prev: -1, last: i}
		return
	}
	if x.n > 1 {
		s.drop[x.last] = true
	}
	x.n, x.last = x.n+1, i
}

// thins keeps the first few of a series and then one in a while, and the latest.
func (s *sieve) thins(c *chatter, i int) {
	ev, x := s.in[i], &c.now
	same := string(ev.Kind) + strconv.Itoa(ev.Code)
	if x.n == 0 || x.same != same {
		*x = series{same: same, n: 1, prev: -1, last: i}
		return
	}
	near := thin
	if x.n <= early {
		near = burst
	}
	if x.prev >= 0 && ev.Time.Sub(s.in[x.prev].Time) < near {
		s.drop[x.last] = true
		x.last = i
		return
	}
	x.n, x.prev, x.last = x.n+1, x.last, i
}

// repeats tells the kinds that a device, or who tells of it, repeats.
func repeats(k gateway.Kind) bool {
	switch k {
	case gateway.Joining, gateway.Associated, gateway.AssocFailed, gateway.LeaseAsked, gateway.Leased,
		gateway.LeaseFailed, gateway.Resolved, gateway.ResolveFailed, gateway.DNSRefused, gateway.Stranger,
		gateway.SessionRefused, gateway.InternetTest, gateway.WLANReset, gateway.Presence,
		gateway.DeviceLog, gateway.Heard:
		return true
	}
	return false
}

// hangsUp tells which of those mean that no session stands.
func hangsUp(k gateway.Kind) bool {
	switch k {
	case gateway.Joining, gateway.AssocFailed, gateway.LeaseFailed, gateway.WLANReset:
		return true
	}
	return false
}
