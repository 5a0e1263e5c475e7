package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"photongate/bridge/loop"
	"photongate/gateway"
)

// Way is how opening the way to the cloud ended.
type Way struct {
	// FD is a connected, non-blocking socket that the loop watches for room to
	// write; whoever asked for the way owns it, and gives it a watcher of its own
	// (Loop.Rewatch) at once. Valid when Outcome is gateway.Accepted.
	FD   int
	Peer netip.AddrPort
	// RTT is how long the connect took.
	RTT     time.Duration
	Outcome gateway.Outcome
	// Err says in words why there is no way.
	Err error
}

// Config is what an Egress needs. Loop and Host are required.
type Config struct {
	Loop *loop.Loop
	// Host and Port are where the cloud is: a name, or an address.
	Host string
	Port uint16
	// Approved bounds what may be dialled; both empty: whatever the name resolves to.
	Approved []netip.Prefix
	// ApprovedName approves what the name resolves to now, beside Approved.
	ApprovedName bool
	// Resolvers answer the name; empty: those of /etc/resolv.conf.
	Resolvers []netip.AddrPort
	// Source and Interface pin where connections leave; zero: the kernel's choice.
	Source    netip.Addr
	Interface string
	// Path keeps the book over a restart; empty: it is not kept.
	Path string
	Emit gateway.Sink
	Log  *slog.Logger
}

// Egress is the way out. It is a gateway.Task.
type Egress struct {
	cfg   Config
	ready chan struct{}
	once  sync.Once
	// lookup asks for Host. Tests replace it.
	lookup func(context.Context) (Answer, error)
	// What follows is touched on the loop only.
	book  book
	state state
	// probing: the next sweep is due to begin. sweeping: one is under way.
	probing, sweeping bool
	// probes are the races that nobody else would cancel.
	probes   map[*race]struct{}
	suspects map[netip.AddrPort]time.Time
	limits   limits
	recovery gateway.Backoff
	stopped  bool
	lastSign time.Time
	// dirty: the set of addresses changed since saved, when the book was written.
	dirty bool
	saved time.Time
	// unkept: the last attempt to write it did not work. Of Run alone.
	unkept bool
}

// state is whether the way out works.
type state uint8

// The states. Before anything was tried it is taken to work.
const (
	unknown state = iota
	up
	down
)

// New checks the configuration.
func New(cfg Config) (*Egress, error) {
	if cfg.Host == "" || cfg.Port == 0 {
		return nil, errors.New("egress: no cloud to reach")
	}
	if cfg.Emit == nil {
		cfg.Emit = func(gateway.Event) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Egress{
		cfg:      cfg,
		ready:    make(chan struct{}),
		probes:   make(map[*race]struct{}),
		suspects: make(map[netip.AddrPort]time.Time),
		limits:   standard(),
		// A dead site sees one sweep at first after 10 s, later once a minute:
		// fewer SYNs than one Photon makes by itself there (photon.md 5.3).
		recovery: gateway.Backoff{Min: 10 * time.Second, Max: time.Minute},
	}
	e.book.approves = e.approves
	e.lookup = (&resolver{name: cfg.Host, servers: cfg.Resolvers, limit: askLimit, source: cfg.Source, iface: cfg.Interface}).lookup
	return e, nil
}

// String names the task.
func (e *Egress) String() string { return fmt.Sprintf("egress to %s:%d", e.cfg.Host, e.cfg.Port) }

// Ready is closed once the first look-up has ended, well or not.
func (e *Egress) Ready() <-chan struct{} { return e.ready }

// approves tells whether an address may be dialled.
func (e *Egress) approves(a netip.Addr, current bool) bool {
	if len(e.cfg.Approved) == 0 && !e.cfg.ApprovedName {
		return true
	}
	for _, p := range e.cfg.Approved {
		if p.Contains(a) {
			return true
		}
	}
	return e.cfg.ApprovedName && current
}

// Run keeps the book up to date until ctx ends. The loop must be running.
func (e *Egress) Run(ctx context.Context) error {
	e.restore()
	if a, err := netip.ParseAddr(e.cfg.Host); err == nil {
		e.cfg.Loop.Do(ctx, func() { e.learn([]netip.Addr{a}) })
	}
	e.cfg.Loop.Post(e.tick)
	var pause gateway.Backoff
	for ctx.Err() == nil {
		next := e.resolve(ctx, &pause)
		e.once.Do(func() { close(e.ready) })
		gateway.Pause(ctx, next)
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	e.cfg.Loop.Do(last, e.stop)
	e.keep(last, 0)
	return nil
}

// stop ends all probes. The book is written once more, for the times in it.
func (e *Egress) stop() {
	e.stopped, e.dirty = true, true
	for r := range e.probes {
		r.cancel()
	}
}

const (
	// minRefresh and maxRefresh bound how often the name is resolved, whatever
	// its TTL says (DESIGN 4.4: never faster than 30 s). The cloud's own TTL is a minute.
	minRefresh = 30 * time.Second
	maxRefresh = 5 * time.Minute
	// lifeSign is how often egress proves that it lives.
	lifeSign = 30 * time.Second
)

// resolve looks the name up once and returns when to do so again.
func (e *Egress) resolve(ctx context.Context, pause *gateway.Backoff) time.Duration {
	if _, err := netip.ParseAddr(e.cfg.Host); err == nil {
		return maxRefresh
	}
	ans, err := e.lookup(ctx)
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		e.emit(gateway.Event{Kind: gateway.ResolverFailed, Name: e.cfg.Host, Text: err.Error()})
		e.cfg.Loop.Post(e.checkEmpty)
		// Half a second to half a minute: a box that boots before its uplink is
		// there must not wait long.
		return min(pause.Next(), minRefresh)
	}
	pause.Reset()
	e.emit(gateway.Event{Kind: gateway.ResolverOK, Name: e.cfg.Host, Count: uint64(len(ans.Addrs))})
	e.cfg.Loop.Do(ctx, func() { e.learn(ans.Addrs) })
	e.keep(ctx, saveEvery)
	return min(max(ans.TTL, minRefresh), maxRefresh)
}

// learn enters what the name resolves to now, and makes the first probe.
func (e *Egress) learn(addrs []netip.Addr) {
	if e.book.learn(addrs, e.cfg.Port) {
		e.dirty = true
		e.showBook()
	}
	if e.state == unknown || e.state == down {
		e.sweep()
	}
}

// checkEmpty declares the way out down when there is nothing to dial at all.
func (e *Egress) checkEmpty() {
	if len(e.book.entries) == 0 {
		e.goDown(gateway.NoAddress, fmt.Sprintf("%s could not be resolved, and no address of it is known from before", e.cfg.Host))
	}
}

// emit sends an event about the way out.
func (e *Egress) emit(ev gateway.Event) {
	ev.Time, ev.Witness = time.Now(), gateway.WitnessEgress
	e.cfg.Emit(ev)
}

// showBook publishes the book.
func (e *Egress) showBook() {
	e.emit(gateway.Event{Kind: gateway.EgressBook, Book: e.book.list()})
}

// goUp notes that the cloud was reached.
func (e *Egress) goUp() {
	e.recovery.Reset()
	if e.state != up {
		e.state = up
		e.emit(gateway.Event{Kind: gateway.EgressUp})
	}
}

// goDown notes that nothing can be reached, and keeps probing for the end of that.
func (e *Egress) goDown(how gateway.Outcome, why string) {
	if e.state != down {
		e.state = down
		e.emit(gateway.Event{Kind: gateway.EgressDown, Outcome: how, Text: why})
	}
	if !e.probing && !e.stopped {
		e.probing = true
		e.cfg.Loop.After(e.recovery.Next(), func() {
			e.probing = false
			if e.state == down && !e.stopped {
				e.sweep()
			}
		})
	}
}

// tick proves once a second that the loop turns for egress too.
func (e *Egress) tick() {
	if e.stopped {
		return
	}
	if now := time.Now(); now.Sub(e.lastSign) >= lifeSign {
		e.lastSign = now
		e.cfg.Emit(gateway.Event{Time: now, Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: gateway.PartEgress})
	}
	e.cfg.Loop.After(e.limits.tick, e.tick)
}
