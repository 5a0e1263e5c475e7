package egress

import (
	"fmt"
	"net/netip"
	"time"

	"photongate/bridge/loop"
	"photongate/gateway"
)

const (
	// stagger is how long the first address has the field to itself, and each
	// next one after it (DESIGN 4.4; RFC 8305 section 5 recommends 250 ms).
	stagger = 300 * time.Millisecond
	// connectLimit is when all attempts are given up (DESIGN 4.4). A device
	// waits 20 s for the cloud's first bytes (photon.md 4.1).
	connectLimit = 4 * time.Second
	// minSilence is how long an attempt must have gone unanswered for that to
	// count as a drop: the SYN was repeated once, after 1 s (RFC 6298 2.1).
	minSilence = 2 * time.Second
)

// limits are the times of attempts, and how often tick ticks.
// Tests shorten them.
type limits struct {
	stagger, connect, silence, mute, suspect, tick time.Duration
}

// standard are the limits outside of tests.
func standard() limits {
	return limits{
		stagger: stagger, connect: connectLimit, silence: minSilence, mute: muteAfter,
		suspect: suspectPause, tick: time.Second,
	}
}

// race is several attempts, the first of which to succeed wins.
type race struct {
	e       *Egress
	speak   bool
	started time.Time
	todo    []netip.AddrPort
	live    []*attempt
	next    *loop.Timer
	limit   *loop.Timer
	tried   int
	first   netip.AddrPort
	// worst is the most telling failure so far, and its error.
	worst    gateway.Outcome
	worstErr error
	done     func(Way)
	over     bool
}

// Open opens the way to the cloud. It does not block; done is called once on
// the loop, unless cancel was called before. It must be called on the loop.
func (e *Egress) Open(done func(Way)) (cancel func()) {
	r := e.race(e.book.candidates(), false, func(w Way) {
		switch {
		case local(w.Err):
			// Devices get a reset and come back; the port stays open for those that stand.
		case w.Outcome != gateway.Accepted:
			e.goDown(w.Outcome, w.Err.Error())
		case e.state == down:
			// Something that accepts and stays mute may be why it is down; only
			// the cloud's own bytes prove the end of that.
			e.sweep()
		default:
			e.goUp()
		}
		done(w)
	})
	return r.cancel
}

// race begins attempts at the candidates.
func (e *Egress) race(todo []netip.AddrPort, speak bool, done func(Way)) *race {
	r := &race{e: e, speak: speak, started: time.Now(), todo: todo, done: done}
	if len(todo) == 0 {
		how, err := gateway.NoAddress, fmt.Errorf("no address of %s is known", e.cfg.Host)
		if len(e.book.entries) > 0 {
			how, err = gateway.NotApproved, fmt.Errorf("none of the %d addresses of %s is approved", len(e.book.entries), e.cfg.Host)
		}
		r.finish(Way{FD: -1, Outcome: how, Err: err})
		return r
	}
	r.first = todo[0]
	limit := e.limits.connect
	if speak {
		limit += e.limits.mute
		e.probes[r] = struct{}{}
	}
	r.limit = e.cfg.Loop.After(limit, r.expire)
	r.start()
	return r
}

// start begins the next attempt.
func (r *race) start() {
	r.next.Stop()
	if r.over || len(r.todo) == 0 {
		return
	}
	peer := r.todo[0]
	r.todo = r.todo[1:]
	r.tried++
	if len(r.todo) > 0 {
		r.next = r.e.cfg.Loop.After(r.e.limits.stagger, r.start)
	}
	if a := r.e.dial(peer, r.speak, r.ended); a.fd >= 0 {
		r.live = append(r.live, a)
	}
}

// ended takes the outcome of one attempt.
func (r *race) ended(a *attempt, how gateway.Outcome, err error) {
	if r.over {
		r.straggler(a, how, err)
		return
	}
	r.drop(a)
	r.e.note(a, how, err)
	if good(how) {
		r.finish(Way{FD: a.fd, Peer: a.peer, RTT: a.rtt, Outcome: how})
		return
	}
	r.remember(how, err)
	if len(r.todo) > 0 {
		r.start()
	} else if len(r.live) == 0 {
		r.lost()
	}
}

// drop takes an attempt off the list of the live ones.
func (r *race) drop(a *attempt) {
	for i := range r.live {
		if r.live[i] == a {
			r.live = append(r.live[:i], r.live[i+1:]...)
			return
		}
	}
}

// remember keeps the most telling failure: an answer tells more than silence.
func (r *race) remember(how gateway.Outcome, err error) {
	telling := map[gateway.Outcome]int{gateway.NotApproved: 1, gateway.TimedOut: 2, gateway.Broken: 3, gateway.Unreachable: 4, gateway.Refused: 5, gateway.Mute: 6}
	if telling[how] > telling[r.worst] {
		r.worst, r.worstErr = how, err
	}
}

// expire gives up on what is still unanswered.
func (r *race) expire() {
	for _, a := range r.live {
		waited := time.Since(a.started).Round(100 * time.Millisecond)
		if waited < r.e.limits.silence {
			continue
		}
		how, err := gateway.TimedOut, fmt.Errorf("no answer from %s in %s", a.peer, waited)
		if a.rtt > 0 {
			how, err = gateway.Mute, fmt.Errorf("%s accepted and then said nothing", a.peer)
		}
		r.e.note(a, how, err)
		r.remember(how, err)
	}
	if r.over {
		r.cancel()
		return
	}
	r.lost()
}

// lost ends a race that nobody won.
func (r *race) lost() {
	err := r.worstErr
	switch {
	case r.worst == gateway.TimedOut && r.tried > 1:
		err = fmt.Errorf("no answer from %d of %d addresses of %s on port %d", r.tried, r.tried, r.e.cfg.Host, r.e.cfg.Port)
	case err == nil:
		r.worst, err = gateway.TimedOut, fmt.Errorf("no answer from %s", r.first)
	}
	r.finish(Way{FD: -1, Peer: r.first, Outcome: r.worst, Err: err})
}

// finish ends the race and reports.
func (r *race) finish(w Way) {
	if good(w.Outcome) && len(r.live) > 0 {
		r.trail()
	} else {
		r.cancel()
	}
	r.done(w)
}

// trail lets the losers of a race run on until its limit: that an address
// stays silent is worth knowing, because the next race would try it again.
func (r *race) trail() {
	r.over, r.todo = true, nil
	r.next.Stop()
	r.e.probes[r] = struct{}{}
}

// straggler takes the outcome of a loser. One that got through after all is
// dropped without a note: noting it would move the choice away from the winner.
func (r *race) straggler(a *attempt, how gateway.Outcome, err error) {
	r.drop(a)
	if good(how) {
		a.abandon()
	} else {
		r.e.note(a, how, err)
	}
	if len(r.live) == 0 {
		r.cancel()
	}
}

// cancel ends the race in silence. The winner's socket is no longer among the live.
func (r *race) cancel() {
	r.over = true
	delete(r.e.probes, r)
	r.next.Stop()
	r.limit.Stop()
	for _, a := range r.live {
		a.abandon()
	}
	r.live = nil
}

// note enters an attempt's outcome into the book and tells of it.
func (e *Egress) note(a *attempt, how gateway.Outcome, err error) {
	if local(err) {
		e.cfg.Emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed, Part: gateway.PartEgress,
			Text: fmt.Sprintf("connect to %s: %v", a.peer, err), Hint: "the machine has run out of something: raise the limit of open files (LimitNOFILE), or look at its memory"})
		return
	}
	ev := gateway.Event{Kind: gateway.EgressProbe, Peer: a.peer, Outcome: how, RTT: a.rtt}
	if err != nil {
		ev.Text = err.Error()
	}
	e.emit(ev)
	if e.book.note(a.peer, how, a.rtt, time.Now()) {
		e.showBook()
	}
}
