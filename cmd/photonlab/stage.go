package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"photongate/cmd/photonlab/cloud"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// controlWait is how long photongate may take until its control socket
// answers: generous, for a loaded machine.
const controlWait = 20 * time.Second

// stage is the process inside the namespaces: it builds the site, runs the
// gateway and the Photons in it, and does what the demo orders.
type stage struct {
	// plan is the demo's; site and cloud are open while the stage runs.
	plan  plan
	site  *site.Site
	cloud *cloud.Server
	// gate is photongate, photons the Photons' processes by name.
	gate    *child
	photons map[string]*child
	// ends gets each child that ended, whoever ended it.
	ends chan *child
	// say writes a report; only the goroutine of run uses it.
	say func(report)
}

// stageMain runs the stage of the plan in the file args[0]. Only the demo
// starts it, enclosed.
func stageMain(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "photonlab stage: started by photonlab demo only")
		return exitUsage
	}
	out := json.NewEncoder(os.Stdout)
	s := &stage{photons: make(map[string]*child), ends: make(chan *child), say: func(r report) { _ = out.Encode(r) }}
	if err := s.run(args[0], os.Stdin); err != nil {
		r := report{Is: isFailed, Error: err.Error()}
		if hinted := (*gateway.Hinted)(nil); errors.As(err, &hinted) {
			r.Hint = hinted.Hint
		}
		s.say(r)
		return exitUnexpected
	}
	return exitOK
}

// run does all of it, until orders end.
func (s *stage) run(planPath string, orders io.Reader) (err error) {
	if s.plan, err = readPlan(planPath); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.site, err = site.Open(ctx); err != nil {
		return err
	}
	defer s.site.Close()
	if err := s.serve(); err != nil {
		return err
	}
	if err := s.fault(ctx, s.plan.Fault); err != nil {
		return err
	}
	if err := s.startGate(); err != nil {
		return err
	}
	defer s.gate.stop()
	if err := s.powerAll(ctx); err != nil {
		return err
	}
	s.say(report{Is: isReady})
	return s.obey(ctx, orders)
}

// serve opens what listens: the cloud, the resolver, the way to the broker.
// All of it ends with the process.
func (s *stage) serve() error {
	listeners, err := s.site.ListenCloud()
	if err != nil {
		return err
	}
	s.cloud = newCloud()
	for _, l := range listeners {
		go s.cloud.Serve(l)
	}
	questions, err := s.site.Internet.ListenPacket(site.ResolverAddr())
	if err != nil {
		return err
	}
	resolver := &site.Resolver{Name: site.CloudName, Addrs: site.CloudAddrs()}
	go resolver.Serve(questions)
	broker, err := s.site.Gateway.Listen(netip.MustParseAddrPort(gatewayBroker))
	if err != nil {
		return err
	}
	go site.Forward(broker, func() (net.Conn, error) { return net.Dial("unix", s.plan.Broker) })
	return nil
}

// fault makes f the fault of the firewall and of the cloud.
func (s *stage) fault(ctx context.Context, f site.Fault) error {
	s.cloud.SetMute(f == site.CloudMute)
	return s.site.SetFault(ctx, f)
}

// startGate starts photongate and waits until its control socket answers.
func (s *stage) startGate() (err error) {
	s.gate, err = s.start(s.site.Gateway, gateName, false,
		s.plan.Gateway, "run", "--config", s.plan.Config,
		"--journal", filepath.Join(s.plan.Dir, "journal.jsonl"))
	if err != nil {
		return err
	}
	deadline := time.Now().Add(controlWait)
	for time.Now().Before(deadline) {
		if c, err := net.Dial("unix", s.plan.Control); err == nil {
			return c.Close()
		}
		select {
		case <-s.gate.done:
			return s.gate.ended()
		// Often enough to be fast, rarely enough to cost nothing.
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.gate.kill()
	return fmt.Errorf("wait %s for photongate's control socket %s: %w%s", controlWait, s.plan.Control, os.ErrDeadlineExceeded, lastWords(s.gate.log))
}

// start starts a child, and has its end noticed.
func (s *stage) start(space *site.Space, name string, split bool, argv ...string) (*child, error) {
	c, err := startChild(space, s.plan.Dir, name, split, argv...)
	if err != nil {
		return nil, err
	}
	go func() {
		<-c.done
		s.ends <- c
	}()
	return c, nil
}

// powerAll gives every Photon power.
func (s *stage) powerAll(ctx context.Context) error {
	for _, p := range site.Photons() {
		space, err := s.site.Plug(ctx, p)
		if err != nil {
			return err
		}
		argv := append([]string{os.Args[0]}, photonArgs(p)...)
		if s.photons[p.Name], err = s.start(space, p.Name, true, argv...); err != nil {
			return err
		}
	}
	return nil
}

// cycle takes the power of every Photon and gives it back.
func (s *stage) cycle(ctx context.Context) error {
	for _, p := range site.Photons() {
		s.noticeEarly(s.photons[p.Name])
		// The cable goes before the process, so that nothing says goodbye.
		if err := s.site.Unplug(ctx, p); err != nil {
			return err
		}
		s.photons[p.Name].kill()
	}
	return s.powerAll(ctx)
}

// notice reports a child that ended by itself, once.
func (s *stage) notice(c *child) {
	current := c == s.gate || c == s.photons[c.name]
	if !current || c.noticed {
		return
	}
	c.noticed = true
	s.say(report{Is: isEnded, Name: c.name, Error: c.ended().Error()})
}

// noticeEarly is notice for a child that is about to be ended on purpose.
func (s *stage) noticeEarly(c *child) {
	select {
	case <-c.done:
		s.notice(c)
	default:
		c.noticed = true
	}
}

// obey does what is ordered until orders end, and reports what ends by itself.
func (s *stage) obey(ctx context.Context, orders io.Reader) error {
	lines := make(chan order)
	go readOrders(orders, lines)
	for {
		select {
		case o, more := <-lines:
			if !more {
				return nil
			}
			if err := s.do(ctx, o); err != nil {
				return err
			}
		case c := <-s.ends:
			s.notice(c)
		}
	}
}

// readOrders decodes orders, and closes lines at their end.
func readOrders(r io.Reader, lines chan<- order) {
	defer close(lines)
	for in := bufio.NewScanner(r); in.Scan(); {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			return
		}
		lines <- o
	}
}

// do is one order.
func (s *stage) do(ctx context.Context, o order) error {
	switch o.Do {
	case doFault:
		if err := s.fault(ctx, o.Fault); err != nil {
			return err
		}
		s.say(report{Is: isFault})
	case doCycle:
		if err := s.cycle(ctx); err != nil {
			return err
		}
		s.say(report{Is: isCycled})
	case doLeases:
		leases, err := s.site.Leases()
		if err != nil {
			return err
		}
		s.say(report{Is: isLeases, Leases: leases})
	default:
		return fmt.Errorf("obey order %q: %w", o.Do, errors.ErrUnsupported)
	}
	return nil
}
