package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"time"

	"photongate/gateway"
	"photongate/gateway/config"
	"photongate/gateway/daemon"
	"photongate/gateway/report"
)

// defaultSocket is the control socket of the default runtime directory.
const defaultSocket = "/run/photongate/control.sock"

// watchEvery is how often --watch looks: the gateway folds facts at this pace.
const watchEvery = time.Second

// place is how a subcommand finds the running gateway.
type place struct{ config, socket *string }

// placeFlags adds --config and --socket.
func placeFlags(fs *flag.FlagSet) place {
	return place{configFlag(fs), fs.String("socket", "", "the gateway's control socket")}
}

// client is the gateway's: the socket that was named, else that of the
// configuration, else the default one. A configuration that was named must be
// readable: another gateway than the one that is meant would answer.
func (p place) client() (daemon.Client, error) {
	if *p.socket != "" {
		return daemon.Client{Path: *p.socket}, nil
	}
	cfg, err := config.Load(*p.config)
	switch {
	case err == nil:
		return daemon.Client{Path: daemon.SocketPath(cfg)}, nil
	case *p.config != defaultConfig:
		return daemon.Client{}, err
	}
	return daemon.Client{Path: defaultSocket}, nil
}

// statusCommand is `photongate status`.
func statusCommand(e env, args []string) (int, error) {
	fs := flags("status")
	at := placeFlags(fs)
	asJSON := fs.Bool("json", false, "for programs")
	watch := fs.Bool("watch", false, "again and again, until interrupted")
	if _, err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	ctx, stop := interruptible()
	defer stop()
	show := showLadder
	if *asJSON {
		show = showJSON
	}
	c, err := at.client()
	if err != nil {
		return exitUsage, err
	}
	for {
		err := show(ctx, e, c)
		if err != nil || !*watch {
			return exitOf(err), err
		}
		if !gateway.Pause(ctx, watchEvery) {
			return exitOK, nil
		}
		if e.width > 0 && !*asJSON {
			fmt.Fprint(e.out, "\x1b[H\x1b[J") // to the top, and clear (ECMA-48 CUP, ED)
		}
	}
}

// exitOf is the exit code of a command that could or could not be carried out.
func exitOf(err error) int {
	if err != nil {
		return exitUsage
	}
	return exitOK
}

// showLadder prints the ladder for people.
func showLadder(ctx context.Context, e env, c daemon.Client) error {
	s, err := c.Snapshot(ctx)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Ladder(&page, s, report.LadderOptions{Width: e.width, Color: e.color}); err != nil {
		return err
	}
	_, err = e.out.Write(page.Bytes())
	return err
}

// showJSON prints the status for programs.
func showJSON(ctx context.Context, e env, c daemon.Client) error {
	b, err := c.Status(ctx)
	if err == nil {
		_, err = fmt.Fprintf(e.out, "%s\n", bytes.TrimRight(b, "\n"))
	}
	return err
}
