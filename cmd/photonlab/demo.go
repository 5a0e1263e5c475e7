package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// look is how often the gateway is asked how it is: a person sees a second.
const look = time.Second

// demo is one run of the lab, seen from outside the namespaces.
type demo struct {
	// opt is what a person chose.
	opt options
	// dir is the path of the run's folder, lock what its processes hold open.
	dir  string
	lock *os.File
	// stage is what runs inside, asker asks the gateway in it, screen shows it.
	stage  *conductor
	asker  asker
	screen *screen
	// alerts carries what the broker hears.
	alerts chan published
	// serial prints a Photon's log; nil when nobody asked for it.
	serial *tail
	// mute is the last complaint about the gateway's silence; empty when it speaks.
	mute string
	// out is what was collected.
	out outcome
}

// published is an alert as it came over MQTT; a cleared one has no document.
type published struct {
	// key is the last level of the topic, document the JSON.
	key      string
	document []byte
}

// demoMain is `photonlab demo`.
func demoMain(args []string) int {
	opt, err := parseOptions(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		if hinted := (*gateway.Hinted)(nil); !errors.As(err, &hinted) {
			err = gateway.Hint(err, "photonlab demo -h")
		}
		complain(os.Stderr, err)
		return exitUsage
	}
	// The stage dies with the thread that starts it, so that thread must last.
	runtime.LockOSThread()
	ctx, end := untilSignal()
	sum, err := runDemo(ctx, opt, outlet{os.Stdout, end}, outlet{os.Stderr, end})
	if err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	if err := sum.write(os.Stdout, opt.json); err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	if !sum.OK {
		return exitUnexpected
	}
	for _, line := range opt.next(os.Args[0]) {
		fmt.Println(line)
	}
	return exitOK
}

// write prints the result for people or for programs.
func (s summary) write(w io.Writer, asJSON bool) error {
	if !asJSON {
		s.print(w)
		return nil
	}
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// runDemo sets the lab up, runs it until its end or that of ctx, and takes it
// down. An error means that the lab could not be set up.
func runDemo(ctx context.Context, opt options, stdout, stderr io.Writer) (summary, error) {
	if err := site.CheckTools(); err != nil {
		return summary{}, err
	}
	gate, err := opt.findGate()
	if err != nil {
		return summary{}, err
	}
	if err := sweep(os.TempDir()); err != nil {
		complain(stderr, err)
	}
	f, err := openFolder(os.TempDir(), opt.keep)
	if err != nil {
		return summary{}, err
	}
	defer func() {
		if err := f.close(); err != nil {
			complain(stderr, err)
		}
	}()
	d := newDemo(opt, f.path, gate, stdout, stderr)
	d.lock = f.lock
	b, err := openBroker(opt.mqtt, !opt.chosen, f.file("broker.sock"))
	if err != nil {
		return summary{}, err
	}
	defer b.close()
	if err := b.alerts(d.heard); err != nil {
		return summary{}, fmt.Errorf("subscribe to alerts: %w", err)
	}
	if err := d.start(gate); err != nil {
		return summary{}, err
	}
	defer d.stage.stop()
	d.screen.open(d.head(b, os.Args[0])...)
	if err := d.await(ctx); err != nil {
		return summary{}, err
	}
	d.watch(ctx)
	d.finish()
	d.screen.close()
	return summarize(d.out, opt), nil
}

// newDemo is a demo before its start.
func newDemo(opt options, dir, gate string, stdout, stderr io.Writer) *demo {
	d := &demo{
		opt: opt, dir: dir,
		asker: asker{gate: gate, socket: controlSocket(dir)},
		// More than a gateway of three devices has alerts in a second.
		alerts: make(chan published, 256),
		screen: newScreen(stdout),
		out:    outcome{alerts: make(map[string]alert), dead: make(map[string]bool)},
	}
	if opt.json || opt.serial != "" {
		// Stdout is for something else; what happens goes beside it, line by line.
		d.screen = newScreen(stderr)
		d.screen.live = false
	}
	if opt.serial != "" {
		d.serial = &tail{path: filepath.Join(dir, opt.serial+".log"), out: stdout}
	}
	return d
}

// head is what stands above everything; program is what a person called us by.
func (d *demo) head(b *broker, program string) []string {
	head := []string{"photonlab: porch and gate are whitelisted, the stranger is not"}
	if d.opt.length > 0 {
		head = append(head, fmt.Sprintf("ends:        after %s, or with Ctrl-C", d.opt.length))
	} else {
		head = append(head, "ends:        with Ctrl-C")
	}
	head = append(head, d.opt.next(program)...)
	head = append(head,
		"subscribe:   "+b.subscribe(),
		"serial logs: "+filepath.Join(d.dir, "{porch,gate,stranger}.log"),
	)
	switch {
	case d.opt.early():
		head = append(head, fmt.Sprintf("fault:       %s, from the start", d.opt.fault))
	case d.opt.fault != site.NoFault:
		head = append(head, fmt.Sprintf("fault:       %s, at %s", d.opt.fault, d.opt.at))
	}
	return head
}

// heard takes an alert from the broker; it never blocks.
func (d *demo) heard(key string, document []byte) {
	select {
	case d.alerts <- published{key, document}:
	default:
	}
}

// start starts the stage.
func (d *demo) start(gate string) error {
	config, err := writeSettings(d.dir)
	if err != nil {
		return err
	}
	p := plan{Dir: d.dir, Gateway: gate, Config: config, Control: controlSocket(d.dir), Broker: filepath.Join(d.dir, "broker.sock")}
	if d.opt.early() {
		p.Fault = d.opt.fault
		d.out.faultAt = time.Now()
	}
	d.stage, err = startStage(p, d.lock)
	return err
}

// errStage: the stage ended without a word.
var errStage = errors.New("the inside of the lab ended without a word")

// await waits until everything has power.
func (d *demo) await(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("set up the lab: %w", context.Cause(ctx))
		case r, more := <-d.stage.reports:
			switch {
			case !more:
				return fmt.Errorf("set up the lab: %w", errStage)
			case r.Is == isFailed:
				return fmt.Errorf("set up the lab: %w", r.err())
			case r.Is == isReady:
				d.screen.clear()
				d.screen.tell(time.Now(), "everything has power")
				d.screen.draw("")
				return nil
			}
		}
	}
}

// err is a failure that the stage reported.
func (r report) err() error {
	err := errors.New(r.Error)
	if r.Hint != "" {
		return gateway.Hint(err, r.Hint)
	}
	return err
}
