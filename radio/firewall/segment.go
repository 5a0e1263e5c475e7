package firewall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/run"
)

const (
	// every is the pause between two looks at the table. A flushed table is
	// open for at most so long: the kernel still forwards nothing of the segment
	// unless somebody enabled that, and the relay and resolver admit by
	// themselves. One look is one short process, cheap even on a router.
	every = 10 * time.Second
	// proof is how often a working part says so: health is published every 60 s
	// (users.md E2) and shows ages, so twice in that.
	proof = 30 * time.Second
	// limit bounds one call of nft: it takes 20 ms on a PC and under a second
	// on the slowest router; after ten, something else holds the kernel's lock.
	limit = 10 * time.Second
)

// errChanged says that the kernel's table is no longer the one that we loaded.
var errChanged = errors.New("another program removed or changed table inet " + Table)

// Segment is the task that keeps the ruleset loaded. Its methods may be called
// from several goroutines.
type Segment struct {
	// log, emit and exec are those of the config, never nil.
	log  *slog.Logger
	emit gateway.Sink
	exec command
	// once closes ready.
	once  sync.Once
	ready chan struct{}

	// mu serialises all work on the table.
	mu sync.Mutex
	// c holds the pairs that the table admits, or will.
	c Config
	// loaded tells whether Run has the table in the kernel.
	loaded bool
	// shape is how the kernel lists our table when nobody touched it.
	shape string
	// drops are the counts already reported.
	drops map[string]uint64
}

// New checks c and makes a task of it. It touches nothing.
func New(c Config) (*Segment, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("set up the firewall: %w", err)
	}
	c.Pairs = slices.Clone(c.Pairs)
	s := &Segment{c: c, log: c.Log, emit: c.Emit, exec: c.Run, ready: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.emit == nil {
		s.emit = func(gateway.Event) {}
	}
	if s.exec == nil {
		s.exec = run.Once
	}
	return s, nil
}

// String names the task.
func (s *Segment) String() string { return "firewall on " + s.c.Interface }

// Ready is closed once the ruleset is loaded.
func (s *Segment) Ready() <-chan struct{} { return s.ready }

// Run loads the ruleset, guards it until ctx ends, and removes it. The daemon
// ends it last. When the ruleset cannot be loaded at the start, Run returns the
// error and the gateway must not open the segment.
func (s *Segment) Run(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s.once.Do(func() { close(s.ready) })
	s.guard(ctx)
	s.stop()
	return nil
}

// start loads the ruleset for the first time.
func (s *Segment) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx, s.c); err != nil {
		// A call that was ended may have loaded the table all the same. Where
		// nothing can be loaded, nothing can be removed: that error says no more.
		_ = remove(context.WithoutCancel(ctx), s.exec)
		return err
	}
	s.loaded = true
	s.say(gateway.Event{Kind: gateway.PartOK})
	return nil
}

// guard looks at the table now and then, and repairs it, until ctx ends.
func (s *Segment) guard(ctx context.Context) {
	// The first retry is early, because the segment may be open meanwhile.
	backoff := gateway.Backoff{Max: every}
	pause, failing, proved := every, false, time.Now()
	for gateway.Pause(ctx, pause) {
		repaired, err := s.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.failed(err)
			pause, failing = backoff.Next(), true
			continue
		}
		if repaired || failing || time.Since(proved) >= proof {
			s.say(gateway.Event{Kind: gateway.PartOK})
			proved = time.Now()
		}
		pause, failing = every, false
		backoff.Reset()
	}
}

// look reports what was dropped. Where the table is not ours any more it says
// so, loads the ruleset again, and tells whether that was needed.
func (s *Segment) look(ctx context.Context) (repaired bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.list(ctx)
	switch {
	case err == nil && s.shape == "":
		// The listing behind the last load failed: what is loaded is unknown.
		return false, s.load(ctx, s.c)
	case err == nil && now.shape == s.shape:
		s.report(now.drops)
		return false, nil
	case err == nil || missing(err):
		err = errChanged
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	s.failed(err)
	if err := s.load(ctx, s.c); err != nil {
		return false, err
	}
	s.log.Warn("ruleset loaded again", "interface", s.c.Interface, "err", err)
	return true, nil
}

// Update replaces the whitelist, atomically: before the change it admits the
// old pairs, after it the new ones, and when it fails still the old ones. Open
// connections of a device that is no longer listed are cut. Before Run has
// loaded the ruleset, Update only notes the pairs.
func (s *Segment) Update(ctx context.Context, pairs []Pair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.c
	c.Pairs = slices.Clone(pairs)
	if err := c.checkPairs(c.Pairs); err != nil {
		return fmt.Errorf("change the firewall's whitelist: %w", err)
	}
	if !s.loaded {
		s.c = c
		return nil
	}
	// The new table counts from zero; what the old one counted is reported first.
	if now, err := s.list(ctx); err == nil && now.shape == s.shape {
		s.report(now.drops)
	}
	if err := s.load(ctx, c); err != nil {
		return fmt.Errorf("change the firewall's whitelist: %w", err)
	}
	return nil
}

// stop reports the last counts and removes the table.
func (s *Segment) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = false
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if now, err := s.list(ctx); err == nil && now.shape == s.shape {
		s.report(now.drops)
	}
	if err := remove(ctx, s.exec); err != nil {
		s.log.Error("the ruleset stays", "interface", s.c.Interface, "err", err)
	}
}

// load replaces the table by that of c, and notes how the kernel lists it.
func (s *Segment) load(ctx context.Context, c Config) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	if _, err := s.exec(ctx, []byte(Ruleset(c)), "nft", "-f", "-"); err != nil {
		return explain(fmt.Errorf("load the ruleset of %s: %w", c.Interface, err))
	}
	s.c, s.drops, s.shape = c, nil, ""
	// The ruleset stands; without its listing the next look loads it once more.
	if now, err := s.list(ctx); err == nil {
		s.shape = now.shape
	}
	return nil
}

// list asks the kernel for the tables.
func (s *Segment) list(ctx context.Context) (listing, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	var text []byte
	for _, f := range families() {
		out, err := s.exec(ctx, nil, "nft", "list", "table", f, Table)
		if err != nil {
			return listing{}, fmt.Errorf("list table %s %s: %w", f, Table, err)
		}
		text = append(text, out...)
	}
	return parseListing(string(text)), nil
}

// report emits what was dropped since the last report.
func (s *Segment) report(drops map[string]uint64) {
	for reason, n := range grown(s.drops, drops) {
		if n > 0 {
			s.emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessAir, Kind: gateway.Dropped, Text: reason, Count: n})
		}
	}
	s.drops = drops
}

// failed says that the segment is not guarded as it should be.
func (s *Segment) failed(err error) {
	ev := gateway.Event{Kind: gateway.PartFailed, Text: err.Error()}
	var h *gateway.Hinted
	if errors.As(err, &h) {
		ev.Hint = h.Hint
	}
	if errors.Is(err, errChanged) {
		ev.Hint = "look for what runs `nft flush ruleset`, as a reload of nftables.service does; the ruleset is loaded again by itself"
	}
	s.say(ev)
}

// say emits an event about this part.
func (s *Segment) say(ev gateway.Event) {
	ev.Time, ev.Witness, ev.Part = time.Now(), gateway.WitnessSelf, gateway.PartFirewall
	s.emit(ev)
}

// missing tells whether nft says that our table does not exist.
func missing(err error) bool { return strings.Contains(err.Error(), "No such file or directory") }
