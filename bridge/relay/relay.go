package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"photongate/bridge/loop"
	"photongate/gateway"
)

// Upstream is how opening the way to the cloud ended.
type Upstream struct {
	// FD is a connected, non-blocking socket that the loop watches; the relay
	// takes it over. It is valid when Outcome is gateway.Accepted.
	FD   int
	Peer netip.AddrPort
	// RTT is how long the connect took.
	RTT     time.Duration
	Outcome gateway.Outcome
	// Err says in words why there is none.
	Err error
}

// Config is what a Relay needs. Loop and Open are required.
type Config struct {
	Loop *loop.Loop
	// Listen is where devices arrive.
	Listen netip.AddrPort
	// Admit names the device behind an address, or says why it is refused. It
	// is called on the loop and must not block. Nil admits everybody, without a
	// name and without a limit for each, which only a measurement wants.
	Admit func(netip.Addr) (gateway.MAC, error)
	// Open opens the way to the cloud without blocking and calls done once on
	// the loop, unless cancel was called first.
	Open func(done func(Upstream)) (cancel func())
	// Max bounds the sessions in all.
	Max int
	// PassAll lets bytes cross that are not Spark, which only a measurement wants.
	PassAll bool
	Emit    gateway.Sink
	Log     *slog.Logger
}

// Relay is the listener and its sessions. It is a gateway.Task.
type Relay struct {
	cfg   Config
	ready chan struct{}
	once  sync.Once
	// What follows is touched on the loop only.
	listener int // -1 while closed
	// shut: the port is meant to be closed. stopped: for good.
	shut, stopped bool
	// starved: the last accept failed for want of a descriptor or memory.
	starved bool
	// retry is when to try again to listen, after it did not work.
	retry    time.Time
	pause    gateway.Backoff
	lastSign time.Time
	lastID   uint64
	sessions map[uint64]*session
	byMAC    map[gateway.MAC]*session
	refused  refusals
	limits   limits
}

// New checks the configuration.
func New(cfg Config) (*Relay, error) {
	if !cfg.Listen.IsValid() {
		return nil, errors.New("relay: no address to listen on")
	}
	if cfg.Emit == nil {
		cfg.Emit = func(gateway.Event) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{
		cfg:      cfg,
		ready:    make(chan struct{}),
		listener: -1,
		limits:   standard(),
		sessions: make(map[uint64]*session),
		byMAC:    make(map[gateway.MAC]*session),
	}, nil
}

// String names the task.
func (r *Relay) String() string { return "relay on " + r.cfg.Listen.String() }

// Ready is closed once the port is open, or is meant to be closed.
func (r *Relay) Ready() <-chan struct{} { return r.ready }

// lifeSign is how often the relay proves that its loop turns. Health takes
// three of them missing for a hang.
const lifeSign = 30 * time.Second

// Run listens until ctx ends, then ends every session. The loop must be
// running, and must outlive it.
func (r *Relay) Run(ctx context.Context) error {
	var err error
	if r.cfg.Loop.Do(ctx, func() { err = r.reopen() }) && permanent(err) {
		return err
	}
	r.cfg.Loop.Post(r.tick)
	<-ctx.Done()
	// The loop ends after us; a second bounds the wait should it hang.
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.cfg.Loop.Do(last, r.stop)
	return nil
}

// reopen opens the port, if it is meant to be open. When that does not work,
// tick tries again later.
func (r *Relay) reopen() error {
	err := r.listen()
	if err != nil {
		r.retry = time.Now().Add(r.pause.Next())
		r.part(gateway.PartFailed, err)
		return err
	}
	r.pause.Reset()
	r.once.Do(func() { close(r.ready) })
	return nil
}

// permanent tells whether trying to listen again cannot help.
func permanent(err error) bool {
	return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}

// part reports the relay's own health.
func (r *Relay) part(kind gateway.Kind, err error) {
	ev := gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: kind, Part: gateway.PartRelay}
	if err != nil {
		ev.Text = err.Error()
		var h *gateway.Hinted
		if errors.As(err, &h) {
			ev.Hint = h.Hint
		}
	}
	r.cfg.Emit(ev)
}

// SetOpen opens or closes the port. While it is closed the kernel refuses
// devices at once, which tells them the truth sooner than a session that
// hangs. Sessions that stand are not touched.
func (r *Relay) SetOpen(open bool) {
	r.cfg.Loop.Post(func() {
		if r.shut = !open; r.shut {
			r.closeListener()
		} else {
			r.reopen()
		}
	})
}

// Kick ends the session of a device that may no longer use the segment.
func (r *Relay) Kick(m gateway.MAC) {
	r.cfg.Loop.Post(func() {
		if s := r.byMAC[m]; s != nil {
			s.end(gateway.ByGateway, gateway.EndRemoved, "the device was taken off the whitelist")
		}
	})
}

// restartGrace is how young a session may be and yet be the one that a look-up
// was for: the device asks up to three times, 5 s apart (photon.md 5.1).
const restartGrace = 15 * time.Second

// restartSilence is how long a device that restarted has been silent when it
// looks the cloud up: it joins and gets a lease first, which takes seconds
// (users.md A2, from interface up to DHCP).
const restartSilence = 2 * time.Second

// Restarted ends the session of a device that looked the cloud up at a time: it
// does so only to connect anew, so what it had open before is dead, whether or
// not a farewell came.
func (r *Relay) Restarted(m gateway.MAC, at time.Time) {
	r.cfg.Loop.Post(func() {
		if s := r.byMAC[m]; s != nil && at.Sub(s.started) > restartGrace && at.Sub(s.started)-s.lastUp > restartSilence {
			s.end(gateway.ByDevice, gateway.EndReplaced, "the device looks the cloud up again")
		}
	})
}

// EndVia ends the sessions that use an address of the cloud which is known not
// to answer any more, so that their devices reconnect at once.
func (r *Relay) EndVia(peer netip.AddrPort) {
	r.cfg.Loop.Post(func() {
		for _, s := range r.sessions {
			if s.cloud == peer && s.stalled && unacked(s.up.fd) > 0 {
				s.end(gateway.ByNetwork, gateway.EndTimeout, "bytes stayed unacknowledged and the address no longer answers")
			}
		}
	})
}

// Sessions describes the open sessions.
func (r *Relay) Sessions(ctx context.Context) []gateway.SessionRecord {
	var recs []gateway.SessionRecord
	r.cfg.Loop.Do(ctx, func() {
		for _, s := range r.sessions {
			recs = append(recs, s.record())
		}
	})
	return recs
}

// tick looks after all sessions once a second: deadlines, idleness, stalls.
func (r *Relay) tick() {
	if r.stopped {
		return
	}
	now := time.Now()
	for _, s := range r.sessions {
		s.check(now)
	}
	r.refused.tell(now, r.cfg.Emit)
	if r.listener < 0 && !r.shut && !now.Before(r.retry) {
		r.reopen()
	}
	if now.Sub(r.lastSign) >= lifeSign && !r.starved && (r.listener >= 0 || r.shut) {
		r.lastSign = now
		r.part(gateway.PartOK, nil)
	}
	r.cfg.Loop.After(r.limits.tick, r.tick)
}

// stop closes the port and every session, for good.
func (r *Relay) stop() {
	r.closeListener()
	for _, s := range r.sessions {
		s.end(gateway.ByGateway, gateway.EndShutdown, "the gateway stops")
	}
	r.stopped = true
}
