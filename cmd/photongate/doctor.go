package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"photongate/gateway"
	"photongate/gateway/daemon"
	"photongate/gateway/diagnose"
	"photongate/gateway/incident"
	"photongate/gateway/report"
)

// evidence names the recordings that doctor reads, by witness.
type evidence struct{ journal, pcap, serial *string }

// doctorCommand is `photongate doctor`.
func doctorCommand(e env, args []string) (int, error) {
	fs := flags("doctor")
	at := placeFlags(fs)
	asJSON := fs.Bool("json", false, "for programs")
	from := evidence{
		serial:  fs.String("serial", "", "a device's serial log, - for standard input"),
		pcap:    fs.String("pcap", "", "a packet capture of the segment, - for standard input"),
		journal: fs.String("journal", "", "a recorded journal or an incident, - for standard input"),
	}
	rest, err := parse(fs, args, 1)
	if err != nil {
		return exitUsage, err
	}
	name := ""
	if len(rest) == 1 {
		name = rest[0]
	}
	v, err := from.judge(e, at, name)
	if err != nil {
		return exitUsage, err
	}
	return exitVerdict(v), printVerdict(e, v, *asJSON)
}

// judge hears the witnesses that were named, those that see most of the way
// first; with none it asks the running gateway.
func (ev evidence) judge(e env, at place, name string) (gateway.Verdict, error) {
	var vs []gateway.Verdict
	for _, w := range []struct {
		file string
		hear func(io.Reader, string) (gateway.Verdict, error)
	}{{*ev.journal, hearJournal}, {*ev.pcap, hearCapture(e)}, {*ev.serial, hearSerial(e)}} {
		if w.file == "" {
			continue
		}
		v, err := hear(e, w.file, name, w.hear)
		if err != nil {
			return gateway.Verdict{}, err
		}
		vs = append(vs, v)
	}
	switch {
	case len(vs) == 1:
		return vs[0], nil
	case len(vs) > 1:
		return diagnose.Together(vs...), nil
	case name != "":
		return liveVerdict(at, name)
	}
	return gateway.Verdict{}, gateway.Hint(errors.New("doctor: name a device, or a log with --serial"), "`photongate doctor --serial porch.log`, or `photongate doctor porch` beside a running gateway")
}

// hear opens a recording and has it judged.
func hear(e env, path, name string, by func(io.Reader, string) (gateway.Verdict, error)) (gateway.Verdict, error) {
	in := e.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return gateway.Verdict{}, err
		}
		defer f.Close()
		in = f
	}
	return by(in, name)
}

// progressStep is how often reading a log shows how far it is: several times a
// second at the reader's pace.
const progressStep = 16 << 20

// hearSerial judges a pasted log, which is one device's.
func hearSerial(e env) func(io.Reader, string) (gateway.Verdict, error) {
	return func(r io.Reader, _ string) (gateway.Verdict, error) {
		if e.progress {
			r = diagnose.Watch(r, progressStep, func(n int64) {
				if n >= progressStep {
					fmt.Fprintf(e.err, "\r\x1b[Kread %d MB", n>>20)
				}
			})
			defer fmt.Fprint(e.err, "\r\x1b[K")
		}
		v, _, err := diagnose.Serial(r)
		return v, err
	}
}

// hearCapture judges a packet capture, and says what it is worth.
func hearCapture(e env) func(io.Reader, string) (gateway.Verdict, error) {
	return func(r io.Reader, name string) (gateway.Verdict, error) {
		rec := diagnose.NewRecorded()
		worth, err := daemon.ReadCapture(r, rec.Apply)
		if err != nil {
			return gateway.Verdict{}, err
		}
		fmt.Fprintf(e.err, "capture: %s\n", worth)
		return rec.Verdict(name)
	}
}

// bundleLimit bounds an incident that is read: one is at most a megabyte.
const bundleLimit = 4 * incident.MaxBundle

// hearJournal judges a recorded journal, or the one in an incident's bundle.
func hearJournal(r io.Reader, name string) (gateway.Verdict, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && n == 0 && !errors.Is(err, io.EOF) {
		return gateway.Verdict{}, fmt.Errorf("read the journal: %w", err)
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if string(head[:n]) == "PK\x03\x04" {
		b, err := io.ReadAll(io.LimitReader(r, bundleLimit))
		if err != nil {
			return gateway.Verdict{}, fmt.Errorf("read the incident: %w", err)
		}
		bundle, err := incident.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return gateway.Verdict{}, err
		}
		return judgeBundle(bundle, name)
	}
	rec := diagnose.NewRecorded()
	good, bad, err := incident.ReadJournal(r, rec.Apply)
	switch {
	case err != nil:
		return gateway.Verdict{}, err
	case good == 0:
		return gateway.Verdict{}, gateway.Hint(fmt.Errorf("read the journal: none of its %d lines is an event", bad), "a journal is written by `photongate run --journal FILE`")
	}
	return rec.Verdict(name)
}

// judgeBundle judges an incident again: what it is about, or the device named.
func judgeBundle(b incident.Bundle, name string) (gateway.Verdict, error) {
	path, devices := incident.Replay(b)
	for _, d := range devices {
		if name == "" && d.MAC == b.Device || name != "" && d.Is(name) {
			return d.Verdict, nil
		}
	}
	if name != "" {
		return gateway.Verdict{}, fmt.Errorf("doctor: the incident knows no device %s", name)
	}
	return path, nil
}

// liveVerdict asks the running gateway about one device.
func liveVerdict(at place, name string) (gateway.Verdict, error) {
	ctx, stop := interruptible()
	defer stop()
	c, err := at.client()
	if err != nil {
		return gateway.Verdict{}, err
	}
	s, err := c.Snapshot(ctx)
	if err != nil {
		return gateway.Verdict{}, err
	}
	for _, d := range s.Devices {
		if d.Is(name) {
			return d.Verdict, nil
		}
	}
	return gateway.Verdict{}, gateway.Hint(fmt.Errorf("doctor: the gateway knows no device %s", name), "`photongate status` lists them")
}

// printVerdict prints the page, or the object for programs.
func printVerdict(e env, v gateway.Verdict, asJSON bool) error {
	if !asJSON {
		return report.Doctor(e.out, v, e.width)
	}
	b, err := report.DoctorJSON(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s\n", bytes.TrimRight(b, "\n"))
	return err
}

// exitVerdict is the exit code of a verdict (DESIGN 4.6).
func exitVerdict(v gateway.Verdict) int {
	switch {
	case v.Healthy():
		return exitOK
	case v.Outcome == gateway.ResultUndetermined, v.Outcome == gateway.ResultUnrecognised:
		return exitUndetermined
	}
	return exitFault
}
