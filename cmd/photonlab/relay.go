package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"photongate/bridge/egress"
	"photongate/bridge/loop"
	"photongate/bridge/relay"
)

// relayUsage is the help of `photonlab relay`.
const relayUsage = `usage: photonlab relay --listen ADDR:PORT --upstream ADDR:PORT [--via URL] [--enforce]

Runs photongate's own relay and egress without admission, for measuring. Bytes
that are not Spark cross unless --enforce is given, because a benchmark's raw
transfers are not.

example: photonlab relay --listen 127.0.0.1:15683 --upstream 127.0.0.1:5683
`

// relayMain is `photonlab relay`. It returns the exit code.
func relayMain(args []string) int {
	fs := flag.NewFlagSet("relay", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(fs.Output(), relayUsage) }
	listen := fs.String("listen", "", "where to listen")
	upstream := fs.String("upstream", "", "where to relay to")
	via := fs.String("via", "direct", "the way out")
	enforce := fs.Bool("enforce", false, "reset sessions that are not Spark")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runRelay(ctx, *listen, *upstream, *via, *enforce); err != nil {
		fmt.Fprintf(os.Stderr, "photonlab: relay: %v\n", err)
		return 2
	}
	return 0
}

// runRelay relays until ctx ends.
func runRelay(ctx context.Context, listen, upstream, via string, enforce bool) error {
	from, err := netip.ParseAddrPort(listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	to, err := netip.ParseAddrPort(upstream)
	if err != nil {
		return fmt.Errorf("--upstream: %w", err)
	}
	if u, err := url.Parse(via); err != nil || u.String() != "direct" {
		return fmt.Errorf("--via: %q is not in this version; only direct is", via)
	}
	l, err := loop.New()
	if err != nil {
		return err
	}
	e, err := egress.New(egress.Config{Loop: l, Host: to.Addr().String(), Port: to.Port()})
	if err != nil {
		return err
	}
	r, err := relay.New(relay.Config{
		Loop: l, Listen: from, PassAll: !enforce,
		Open: func(done func(relay.Upstream)) func() {
			return e.Open(func(w egress.Way) { done(relay.Upstream(w)) })
		},
	})
	if err != nil {
		return err
	}
	loops := context.WithoutCancel(ctx)
	loops, end := context.WithCancel(loops)
	defer end()
	go l.Run(loops)
	go e.Run(ctx)
	<-e.Ready()
	return r.Run(ctx)
}
