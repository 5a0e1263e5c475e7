package photon

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"time"

	"photongate/gateway"
)

const (
	// carrierPoll is how often the link is looked at: rarely enough to cost
	// nothing, often enough beside the firmware's 2 s (photon.md 5.3).
	carrierPoll = 100 * time.Millisecond
	// ipLimit bounds one run of ip, which takes milliseconds.
	ipLimit = 10 * time.Second
)

// wire is the network behind an interface of this process's network namespace.
type wire struct {
	// name is the interface, mac what it shall have.
	name string
	mac  gateway.MAC
	// timing holds the limits of a lookup.
	timing Timing
	// ports draws source ports.
	ports ports
	// servers are the leased name servers.
	servers []netip.Addr
	// mu guards lost and stop of the current link.
	mu   sync.Mutex
	lost chan struct{}
	stop context.CancelFunc
}

// newWire is the network of a configuration.
func newWire(c Config) *wire {
	return &wire{name: c.Interface, mac: c.MAC, timing: c.Timing, ports: newPorts(), lost: make(chan struct{})}
}

// Up implements Network.
func (w *wire) Up(ctx context.Context) error {
	if err := w.start(ctx); err != nil {
		return err
	}
	for !carrier(w.name) {
		if !gateway.Pause(ctx, carrierPoll) {
			return fmt.Errorf("wait for link of %s: %w", w.name, ctx.Err())
		}
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost, w.stop = make(chan struct{}), stop
	go w.watch(watch, w.lost)
	return nil
}

// start switches the interface on, with its address.
func (w *wire) start(ctx context.Context) error {
	if !w.mac.IsZero() {
		if err := ip(ctx, "link", "set", "dev", w.name, "address", w.mac.String()); err != nil {
			return err
		}
	}
	return ip(ctx, "link", "set", "dev", w.name, "up")
}

// watch closes lost when the link is lost.
func (w *wire) watch(ctx context.Context, lost chan struct{}) {
	for carrier(w.name) {
		if !gateway.Pause(ctx, carrierPoll) {
			return
		}
	}
	close(lost)
}

// Lost implements Network.
func (w *wire) Lost() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// Down implements Network. What fails here is seen by the next Up.
func (w *wire) Down() {
	w.mu.Lock()
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	w.mu.Unlock()
	_ = ip(context.Background(), "link", "set", "dev", w.name, "down")
	_ = ip(context.Background(), "addr", "flush", "dev", w.name)
	w.servers = nil
}

// Lease implements Network.
func (w *wire) Lease(ctx context.Context, hostName string) error {
	l, err := obtain(ctx, w.name, hostName)
	if err != nil {
		return fmt.Errorf("lease address on %s: %w", w.name, err)
	}
	if err := ip(ctx, "addr", "add", l.addr.String(), "dev", w.name); err != nil {
		return err
	}
	if l.router.IsValid() {
		if err := ip(ctx, "route", "replace", "default", "via", l.router.String(), "dev", w.name); err != nil {
			return err
		}
	}
	w.servers = l.servers
	return nil
}

// Resolve implements Network.
func (w *wire) Resolve(ctx context.Context, name string) (netip.Addr, error) {
	if len(w.servers) == 0 {
		return netip.Addr{}, fmt.Errorf("resolve %s: no server leased", name)
	}
	var failed error
	for try := range w.timing.LookupTries {
		server := w.servers[try%len(w.servers)]
		to := netip.AddrPortFrom(server, 53)
		addr, again, err := lookup(ctx, to, name, w.timing.Lookup)
		if err == nil {
			return addr, nil
		}
		failed = err
		if !again || ctx.Err() != nil {
			break
		}
	}
	return netip.Addr{}, failed
}

// Announce implements Network.
func (w *wire) Announce(ctx context.Context, to netip.AddrPort, b []byte) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp4", to.String())
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write(b); err != nil {
		return fmt.Errorf("announce to %s: %w", to, err)
	}
	return nil
}

// ip runs the program of that name, which outlives ctx: an interface is never left half set.
func ip(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ipLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
