package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"photongate/gateway"
)

// group is tasks that start together and stop together.
type group struct {
	tasks  []gateway.Task
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// plain is a task made of a function, ready at once.
type plain struct {
	name string
	run  func(context.Context) error
}

// always is the Ready of what serves from its first instruction on.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (p plain) Run(ctx context.Context) error { return p.run(ctx) }
func (p plain) Ready() <-chan struct{}        { return always }
func (p plain) String() string                { return p.name }

// groups lists what runs, in the order of starting. It fails closed: the
// firewall is loaded before the segment has an address, and is removed after
// the address is. What carries messages starts first and stops last.
func (d *Daemon) groups() []*group {
	outer := &group{tasks: []gateway.Task{plain{"event loop", d.loop.Run}, d.journal}}
	if d.mqtt != nil {
		outer.tasks = append(outer.tasks, d.mqtt)
	}
	services := &group{tasks: []gateway.Task{d.egress, d.dhcp, d.dns, d.ntp, d.presence, d.relay, d.control}}
	if d.capture != nil {
		services.tasks = append(services.tasks, d.capture)
	}
	return []*group{
		outer,
		{tasks: []gateway.Task{d.firewall}},
		{tasks: []gateway.Task{d.segment}},
		services,
	}
}

// Tasks names what runs, in the order of starting.
func (d *Daemon) Tasks() []string {
	var names []string
	for _, g := range d.groups() {
		for _, t := range g.tasks {
			names = append(names, t.String())
		}
	}
	return names
}

// Run serves until ctx ends, or until a part fails in a way that retrying
// cannot help. It leaves the machine as it found it.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.lock.release()
	if err := cleanup(ctx, d.cfg); err != nil {
		if ctx.Err() != nil {
			return nil // asked to stop before anything was opened
		}
		return fmt.Errorf("remove what an earlier run left: %w", err)
	}
	failed := make(chan error, 1)
	var started []*group
	for _, g := range d.groups() {
		g.start(failed)
		started = append(started, g)
		if err := d.await(ctx, g, failed); err != nil {
			d.stop(started)
			return err
		}
	}
	d.log.Info("serving", "segment", d.cfg.Segment.Address.String(), "interface", d.cfg.Segment.Interface, "devices", d.devices.inventory().Len())
	var err error
	select {
	case <-ctx.Done():
		d.log.Info("stopping")
	case err = <-failed:
	}
	d.stop(started)
	return err
}

// addressLimit is how long the services wait for the segment's address: it is
// there at once unless the interface is missing, and then they retry by
// themselves.
const addressLimit = 5 * time.Second

// await waits until the firewall is in force before anything else opens, and a
// while for the segment's address. Other parts may take their time: each
// retries by itself.
func (d *Daemon) await(ctx context.Context, g *group, failed <-chan error) error {
	for _, t := range g.tasks {
		var limit <-chan time.Time
		switch t {
		case gateway.Task(d.firewall):
		case gateway.Task(d.segment):
			limit = time.After(addressLimit)
		default:
			continue
		}
		select {
		case <-t.Ready():
		case <-limit:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// start runs the group's tasks.
func (g *group) start(failed chan<- error) {
	ctx, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	for _, t := range g.tasks {
		g.wg.Go(func() {
			if err := t.Run(ctx); err != nil && ctx.Err() == nil {
				select {
				case failed <- fmt.Errorf("%s: %w", t, err):
				default: // the first failure ends the gateway; more add nothing
				}
			}
		})
	}
}

// stopLimit bounds how long a group may take to stop. systemd gives a service
// 90 s in all (TimeoutStopSec); every group undoes its work within a second.
const stopLimit = 15 * time.Second

// stop ends the groups in the opposite order of starting.
func (d *Daemon) stop(started []*group) {
	for i := len(started) - 1; i >= 0; i-- {
		g := started[i]
		g.cancel()
		done := make(chan struct{})
		go func() { g.wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(stopLimit):
			d.log.Error("a part does not stop", "err", errors.New("left behind: "+fmt.Sprint(g.tasks)))
		}
	}
	if d.spool != nil {
		if err := d.spool.Close(); err != nil {
			d.log.Error("close the spool", "err", err)
		}
	}
}
