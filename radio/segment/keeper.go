package segment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/run"
)

const (
	// every is the pause between two looks at the interface. A DHCP client
	// repeats its request after four seconds (RFC 2131 section 4.1), so a
	// mended address is there for the second one; and a look is a few system
	// calls, without a process.
	every = 2 * time.Second
	// proof is how often a working part says so: health is published every 60 s
	// (users.md E2) and shows ages, so twice in that.
	proof = 30 * time.Second
)

// settle is how long an interface that was set up may take to its carrier:
// agreeing on 1000BASE-T takes two to four seconds (IEEE 802.3 clause 40), and
// looks are two seconds apart.
const settle = 3 * every

// errMissing says that there is no such interface, yet or any more.
var errMissing = errors.New("the interface does not exist")

// errCarrier says that nothing is at the other end of the interface.
var errCarrier = errors.New("the interface has no carrier")

// Config says which interface is the segment.
type Config struct {
	// Interface is its name, as in "wlan0". It may appear later.
	Interface string
	// Address is the gateway's IPv4 address with its network, as in 192.168.77.1/24.
	Address netip.Prefix
	// RuntimeDir is where the record of changes stands, as in /run/photongate.
	RuntimeDir string

	// Emit takes the events; nil drops them.
	Emit gateway.Sink
	// Log takes what a person should know; nil drops it.
	Log *slog.Logger
	// Run starts a program and returns its output; nil means run.Once. Tests set it.
	Run func(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error)
}

// Keeper is the task that keeps the address on the interface.
type Keeper struct {
	// c is the config, with Emit and Log set.
	c Config
	// link is the interface.
	link link
	// rec is what was changed so far.
	rec record
	// raised is when the link was set up last, zero for never.
	raised time.Time
	// once closes ready.
	once  sync.Once
	ready chan struct{}
}

// New checks c and makes a task of it. It touches nothing.
func New(c Config) (*Keeper, error) {
	if err := checkName(c.Interface); err != nil {
		return nil, fmt.Errorf("set up the segment: %w", err)
	}
	if a := c.Address; !a.IsValid() || !a.Addr().Is4() || a.Bits() > 30 || a == a.Masked() {
		return nil, fmt.Errorf("set up the segment: address %s is not an IPv4 address with its network, as in 192.168.77.1/24", a)
	}
	if c.RuntimeDir == "" {
		return nil, errors.New("set up the segment: no runtime directory is named")
	}
	if c.Emit == nil {
		c.Emit = func(gateway.Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{c: c, link: newLink(c.Interface, c.Run), ready: make(chan struct{})}, nil
}

// String names the task.
func (k *Keeper) String() string { return fmt.Sprintf("segment %s on %s", k.c.Address, k.c.Interface) }

// Ready is closed once the interface is up with the address, with or without a
// carrier: services can listen on it.
func (k *Keeper) Ready() <-chan struct{} { return k.ready }

// Run takes back what a killed predecessor left, then keeps the address until
// ctx ends, and takes back what it changed. It returns an error where rights or
// the program ip are missing.
func (k *Keeper) Run(ctx context.Context) error {
	if err := cleanup(ctx, k.c.RuntimeDir, k.link.exec); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	k.rec = record{Interface: k.c.Interface}
	err := k.keep(ctx)
	if undone := cleanup(context.WithoutCancel(ctx), k.c.RuntimeDir, k.link.exec); undone != nil {
		k.c.Log.Error("the segment stays as it is", "interface", k.c.Interface, "err", undone)
	}
	return err
}

// keep looks at the interface now and then, and mends it, until ctx ends.
func (k *Keeper) keep(ctx context.Context) error {
	backoff := gateway.Backoff{}
	var said string
	var proved time.Time
	for {
		pause := every
		err := k.mend(ctx)
		if err == nil || errors.Is(err, errCarrier) {
			k.once.Do(func() { close(k.ready) })
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if said != "" || time.Since(proved) >= proof {
				k.say(gateway.Event{Kind: gateway.PartOK})
				proved = time.Now()
			}
			said = ""
			backoff.Reset()
		case notPermitted(err), errors.Is(err, run.ErrNotFound):
			return err
		default:
			// A missing interface or cable may stay so for days: it is said once.
			if err.Error() != said {
				said = err.Error()
				k.failed(err)
			}
			if !errors.Is(err, errMissing) && !errors.Is(err, errCarrier) {
				pause = backoff.Next()
			}
		}
		if !gateway.Pause(ctx, pause) {
			return nil
		}
	}
}

// mend makes the interface what it should be, where it is not. A carrier it
// cannot make: without one it returns errCarrier, and all else is done.
func (k *Keeper) mend(ctx context.Context) error {
	s, err := k.link.look(k.c.Address)
	switch {
	case err != nil:
		return err
	case !s.exists:
		return gateway.Hint(fmt.Errorf("find interface %s: %w", k.c.Interface, errMissing),
			"is the radio plugged in and its driver loaded, and is [segment] interface spelled as `ip link` prints it?")
	}
	k.closeIPv6()
	if !s.addressed {
		k.rec.Address = k.c.Address
		if err := k.change(func() error { return k.link.add(ctx, k.c.Address) }); err != nil {
			return err
		}
		k.c.Log.Info("address set", "interface", k.c.Interface, "address", k.c.Address)
	}
	if !s.up {
		k.rec.Raised, k.raised = true, time.Now()
		return k.change(func() error { return k.link.set(ctx, "up") })
	}
	if !s.carrier && time.Since(k.raised) >= settle {
		return gateway.Hint(fmt.Errorf("use interface %s: %w", k.c.Interface, errCarrier),
			"is the cable in, and the access point on?")
	}
	return nil
}

// change notes what is about to be done, and does it.
func (k *Keeper) change(do func() error) error {
	if err := k.rec.write(k.c.RuntimeDir); err != nil {
		return err
	}
	return do()
}

// closeIPv6 disables IPv6 on the interface, where that can be done.
func (k *Keeper) closeIPv6() {
	if !k.link.ipv6On() {
		return
	}
	before := k.rec
	k.rec.IPv6Off = true
	if err := k.change(func() error { return k.link.setIPv6(false) }); err != nil {
		// The firewall drops IPv6 in any case, so this is worth a debug line only.
		k.rec = before
		k.c.Log.Debug("IPv6 stays enabled", "interface", k.c.Interface, "err", err)
	}
}

// failed says that the segment cannot be used.
func (k *Keeper) failed(err error) {
	ev := gateway.Event{Kind: gateway.PartFailed, Text: err.Error()}
	var h *gateway.Hinted
	if errors.As(err, &h) {
		ev.Hint = h.Hint
	}
	k.say(ev)
}

// say emits an event about this part.
func (k *Keeper) say(ev gateway.Event) {
	ev.Time, ev.Witness, ev.Part = time.Now(), gateway.WitnessSelf, gateway.PartSegment
	k.c.Emit(ev)
}
