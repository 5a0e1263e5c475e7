package serve

import (
	"context"
	"sync"
	"time"

	"photongate/gateway"
)

// Config says which part serves, and to whom it reports.
type Config struct {
	Part gateway.Part
	// Hint is advice for an error of the part, or nothing.
	Hint func(error) string
	// Emit takes PartOK and PartFailed.
	Emit gateway.Sink
}

// Part is the life of a part that serves.
type Part struct {
	c Config
	// pause grows while the part cannot open; it belongs to Run.
	pause gateway.Backoff
	// once closes ready.
	once  sync.Once
	ready chan struct{}
}

// New makes a part that runs nothing yet.
func New(c Config) *Part { return &Part{c: c, ready: make(chan struct{})} }

// Ready is closed once Opened is called for the first time.
func (p *Part) Ready() <-chan struct{} { return p.ready }

// Run calls work until ctx ends, and then returns nil. What work returns
// before that may heal, as a port that is taken or an address that is not
// there yet: it is reported as PartFailed, and tried again.
func (p *Part) Run(ctx context.Context, work func(context.Context) error) error {
	for {
		err := work(ctx)
		if ctx.Err() != nil {
			return nil
		}
		p.failed(err)
		if !gateway.Pause(ctx, p.pause.Next()) {
			return nil
		}
	}
}

// Opened notes that the sockets are open: work calls it. The first time it
// calls first, and then closes Ready.
func (p *Part) Opened(first func()) {
	p.pause.Reset()
	p.once.Do(func() {
		first()
		close(p.ready)
	})
}

// report tells how the serving loop is doing, when that is due.
func (p *Part) report(l *pulse, now time.Time) {
	due, err := l.due(now)
	switch {
	case err != nil:
		p.failed(err)
	case due:
		p.c.Emit(gateway.Event{Time: now, Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: p.c.Part})
	}
}

// failed reports that the part does not work.
func (p *Part) failed(err error) {
	p.c.Emit(gateway.Event{
		Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed,
		Part: p.c.Part, Text: err.Error(), Hint: p.c.Hint(err),
	})
}
