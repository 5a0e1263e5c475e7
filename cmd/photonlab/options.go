package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// options are what a person chooses for a demo.
type options struct {
	// mqtt is where the broker listens; chosen tells that a person said so.
	mqtt   string
	chosen bool
	// length is how long it runs from when everything has power; 0: until Ctrl-C.
	length time.Duration
	// fault happens at after everything has power; 0: from the start.
	fault site.Fault
	at    time.Duration
	// json asks for the result as JSON on the last line of stdout, and for
	// nothing else there.
	json bool
	// serial names the Photon whose log is printed instead of the status.
	serial string
	// gate is the path of the photongate binary; keep leaves the folder of the run.
	gate string
	keep bool
}

// killAt is when allow-then-kill strikes by default: the Photons are online
// within three seconds, and what worked should be seen to work.
const killAt = 10 * time.Second

// aliveAfter is how long virtual Photons take to be online: allow-then-kill
// has nothing to kill before.
const aliveAfter = 3 * time.Second

// parseOptions reads the flags of `photonlab demo`.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var fault string
	fs := flag.NewFlagSet("photonlab demo", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.mqtt, "mqtt", "127.0.0.1:1883", "`address` of the broker; when the default is taken, a free port serves")
	fs.DurationVar(&o.length, "for", 0, "end after this `time`, counted from when the Photons have power (0: on Ctrl-C)")
	fs.StringVar(&fault, "fault", "", "what goes wrong: drop, refuse, dns-drop, cloud-mute, allow-then-kill, approve-one")
	fs.DurationVar(&o.at, "at", 0, "when it goes wrong, counted from when the Photons have power (0: before; allow-then-kill: 10s, at least 3s)")
	fs.BoolVar(&o.json, "json", false, "print the result as JSON on the last line of stdout, and nothing else there")
	fs.StringVar(&o.serial, "serial", "", "print the serial log of the Photon of this `name` instead of the status")
	fs.StringVar(&o.gate, "photongate", "", "`path` of photongate (default: beside photonlab, else in PATH)")
	fs.BoolVar(&o.keep, "keep", false, "keep the folder with the logs")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	o.chosen = given["mqtt"]
	var err error
	if o.fault, err = site.ParseFault(fault); err != nil {
		return options{}, fmt.Errorf("read --fault: %w", err)
	}
	if o.fault == site.AllowThenKill && !given["at"] {
		o.at = killAt
	}
	return o, o.check(fs.Args(), given["at"])
}

// check finds what does not fit together.
func (o options) check(rest []string, atGiven bool) error {
	known := func(p site.Photon) bool { return p.Name == o.serial }
	switch {
	case len(rest) > 0:
		return fmt.Errorf("read arguments: %q is one too many", rest[0])
	case o.at < 0 || o.length < 0:
		return errors.New("read flags: a time cannot be negative")
	case o.fault == site.NoFault && atGiven:
		return errors.New("read --at: there is no --fault to happen then")
	case o.fault == site.AllowThenKill && o.at < aliveAfter:
		return gateway.Hint(fmt.Errorf("read --at: %s at %s finds no session to kill", o.fault, o.at),
			fmt.Sprintf("the Photons are online within %s: --at %s; a firewall that is shut from the start is --fault drop", aliveAfter, killAt))
	case o.length > 0 && o.at >= o.length:
		return fmt.Errorf("read --at: the fault at %s is after the end at %s", o.at, o.length)
	case o.serial != "" && !slices.ContainsFunc(site.Photons(), known):
		return fmt.Errorf("read --serial: no Photon is called %q: want porch, gate or stranger", o.serial)
	case o.serial != "" && o.json:
		return errors.New("read flags: --serial and --json both want stdout")
	}
	return nil
}

// early tells whether the fault is there before anything has power.
func (o options) early() bool { return o.fault != site.NoFault && o.at == 0 }

// next are lines about what to try after a demo without a fault; there are
// none where somebody knew what to ask for, or a program reads. program is
// what a person called us by.
func (o options) next(program string) []string {
	if o.fault != site.NoFault || o.json || o.serial != "" {
		return nil
	}
	return []string{
		"try next:    " + program + " demo --fault drop   (a firewall that drops the cloud)",
		"             " + program + " demo --fault allow-then-kill   (it kills sessions after 10 s)",
	}
}

// findGate looks for photongate: where it was said to be, beside this
// program, in PATH.
func (o options) findGate() (string, error) {
	if o.gate != "" {
		path, err := filepath.Abs(o.gate)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return "", fmt.Errorf("look for photongate: %w", err)
		}
		return path, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "photongate")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("photongate")
	if err != nil {
		return "", gateway.Hint(fmt.Errorf("look for photongate beside photonlab and in PATH: %w", err), "make build")
	}
	return filepath.Abs(path)
}
