package incident

import (
	"strconv"
	"strings"

	"photongate/gateway"
)

// series is a run of events that say the same.
type series struct {
	// same tells what they say, era when: a series ends with its era.
	same string
	era  int
	// n counts the kept ones; prev and last are the places of the last two, -1: none.
	n, prev, last int
}

// sieve drops noise from a list of events, in one pass.
type sieve struct {
	in   []gateway.Event
	drop []bool
	// era counts what ends every series of the way out.
	era int
	// way holds series by what they are about, devices those of devices.
	way     map[string]*series
	devices map[gateway.MAC]*chatter
}

// coalesce drops noise: see Recorder. It returns a new list.
func coalesce(evs []gateway.Event) []gateway.Event {
	s := &sieve{in: append([]gateway.Event(nil), evs...), drop: make([]bool, len(evs)),
		way: map[string]*series{}, devices: map[gateway.MAC]*chatter{}}
	for i := range s.in {
		s.take(i)
	}
	out := s.in[:0]
	for i, ev := range s.in {
		if !s.drop[i] {
			out = append(out, ev)
		}
	}
	clear(s.in[len(out):])
	return out
}

// take looks at one event.
func (s *sieve) take(i int) {
	ev := s.in[i]
	switch ev.Kind {
	case gateway.PartOK:
		s.partOK(i)
	case gateway.PartFailed:
		s.ends(i, "part "+string(ev.Part), "failed "+ev.Text)
	case gateway.Dropped:
		s.sum(i, "dropped "+ev.MAC.Compact()+ev.Text)
	case gateway.ResolverOK, gateway.ResolverFailed:
		// The text of a failure has port numbers: each is another.
		s.ends(i, "resolver", string(ev.Kind))
	case gateway.EgressBook:
		s.ends(i, "book", bookWords(ev.Book))
	case gateway.EgressProbe:
		s.ends(i, "probe "+ev.Peer.String(), string(ev.Outcome))
	case gateway.EgressUp, gateway.EgressDown:
		s.ends(i, "egress", string(ev.Kind))
	case gateway.WhitelistChanged:
	default:
		s.device(i)
	}
}

// partOK keeps the end of a failure only.
func (s *sieve) partOK(i int) {
	x := s.way["part "+string(s.in[i].Part)]
	if x == nil || x.same == "ok" {
		s.drop[i] = true
		return
	}
	*x = series{same: "ok", era: s.era, n: 1, prev: -1, last: i}
}

// ends keeps the first and the latest of a series of the way out.
func (s *sieve) ends(i int, about, same string) {
	x := s.way[about]
	if x == nil {
		x = &series{prev: -1, last: -1}
		s.way[about] = x
	}
	if x.n == 0 || x.same != same || x.era != s.era {
		*x = series{same: same, era: s.era, n: 1, prev: -1, last: i}
		return
	}
	if x.n > 1 {
		s.drop[x.last] = true
	}
	x.n, x.last = x.n+1, i
}

// sum adds an event's count to the one before it.
func (s *sieve) sum(i int, about string) {
	x := s.way[about]
	if x == nil {
		s.way[about] = &series{n: 1, prev: -1, last: i}
		return
	}
	s.in[i].Count += s.in[x.last].Count
	s.drop[x.last] = true
	x.last = i
}

// bookWords tells what of an address book makes it another: not its times and counts.
func bookWords(as []gateway.Address) string {
	var b strings.Builder
	for _, a := range as {
		b.WriteString(a.Addr.String())
		b.WriteString(string(a.Last))
		b.WriteString(strconv.FormatBool(a.Approved))
		b.WriteString(strconv.FormatBool(a.Current))
		b.WriteString(strconv.FormatBool(a.Good > 0))
	}
	return b.String()
}
