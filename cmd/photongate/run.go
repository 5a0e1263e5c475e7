package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"photongate/gateway/config"
	"photongate/gateway/daemon"
)

// defaultConfig is where a package puts the configuration (DESIGN 4.0).
const defaultConfig = "/etc/photongate/photongate.toml"

// configFlag adds --config to a flag set.
func configFlag(fs *flag.FlagSet) *string {
	return fs.String("config", defaultConfig, "the configuration file")
}

// interruptible is a context that ends when somebody asks the program to.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}

// memoryLimit is what the collector keeps the program below: an idle gateway
// has 5 MB of its own, and the routers it is meant for have 128 in all.
const memoryLimit = 32 << 20

// garbage is how much garbage, in percent of what is alive, the collector lets
// gather: half of Go's own choice, because memory is scarcer here than time.
const garbage = 50

// runCommand is `photongate run`.
func runCommand(e env, args []string) (int, error) {
	fs := flags("run")
	path := configFlag(fs)
	journal := fs.String("journal", "", "append every event to this file, for photongate doctor --journal")
	verbose := fs.Bool("verbose", false, "log details as well")
	if _, err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return exitUsage, err
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level, ReplaceAttr: timeless}))
	for _, p := range cfg.Lint {
		log.Warn(p.Text, "file", p.File, "line", p.Line, "setting", p.Where)
	}
	// A dropped connection (SIGHUP) is no reason to leave the machine as it is
	// while we run, and a closed pipe behind the log (SIGPIPE) none to stop.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := daemon.New(cfg, versionText(), log)
	if err != nil {
		return exitFault, err
	}
	if *journal != "" {
		if err := d.Record(*journal); err != nil {
			return exitFault, err
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if err := d.Run(ctx); err != nil {
		return exitFault, err
	}
	return exitOK, nil
}

// timeless drops the time of a log line: systemd and logd add their own.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// checkCommand is `photongate check`.
func checkCommand(e env, args []string) (int, error) {
	fs := flags("check")
	path := configFlag(fs)
	reference := fs.Bool("print-default", false, "print the commented reference instead")
	rest, err := parse(fs, args, 1)
	if err != nil {
		return exitUsage, err
	}
	if *reference {
		_, err := e.out.Write(config.Reference())
		return exitOK, err
	}
	if len(rest) == 1 {
		*path = rest[0]
	}
	cfg, err := config.Load(*path)
	if problems, ok := err.(config.Problems); ok {
		fmt.Fprintln(e.out, strings.TrimRight(problems.Error(), "\n"))
		return exitFault, nil
	}
	if err != nil {
		return exitUsage, err
	}
	if err := daemon.Preflight(cfg); err != nil {
		return exitFault, err
	}
	if len(cfg.Lint) > 0 {
		fmt.Fprintln(e.out, strings.TrimRight(cfg.Lint.Error(), "\n"))
	}
	fmt.Fprintf(e.out, "%s: ok: %d devices on %s (%s), cloud %s\n", *path, len(cfg.Devices), cfg.Segment.Interface, cfg.Segment.Address, cfg.Egress.Cloud)
	return exitOK, nil
}

// cleanupCommand is `photongate cleanup`.
func cleanupCommand(_ env, args []string) (int, error) {
	fs := flags("cleanup")
	path := configFlag(fs)
	if _, err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return exitUsage, err
	}
	ctx, stop := interruptible()
	defer stop()
	if err := daemon.Cleanup(ctx, cfg); err != nil {
		return exitFault, err
	}
	return exitOK, nil
}
