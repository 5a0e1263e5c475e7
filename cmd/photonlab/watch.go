package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// watch shows and collects what happens until the end.
func (d *demo) watch(ctx context.Context) {
	end, fault := d.clocks()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-fault:
			d.strike()
		case a := <-d.alerts:
			d.note(a)
		case r, more := <-d.stage.reports:
			if !more {
				d.out.cut = true
				d.trouble(errStage.Error())
				return
			}
			if d.hear(r); d.out.cut {
				return
			}
		case <-tick.C:
			d.look(ctx)
		}
	}
}

// clocks are when the demo ends and when the fault strikes; nil channels
// where they never do.
func (d *demo) clocks() (end, fault <-chan time.Time) {
	if d.opt.length > 0 {
		end = time.After(d.opt.length)
	}
	if d.opt.fault != site.NoFault && !d.opt.early() {
		fault = time.After(d.opt.at)
	}
	return end, fault
}

// strike makes the fault happen. A fault that spares standing connections
// would not show, so the Photons' power is cycled with it.
func (d *demo) strike() {
	d.stage.order(order{Do: doFault, Fault: d.opt.fault})
	if d.opt.fault.NewOnly() {
		d.stage.order(order{Do: doCycle})
	}
}

// hear takes a report of the stage.
func (d *demo) hear(r report) {
	now := time.Now()
	switch r.Is {
	case isFault:
		d.out.faultAt = now
		d.screen.tell(now, "fault: %s", d.opt.fault)
	case isCycled:
		clear(d.out.dead)
		d.screen.tell(now, "the lab took the Photons' power and gave it back, so that they connect anew")
	case isLeases:
		d.out.leases = r.Leases
	case isEnded:
		d.out.dead[r.Name] = true
		// Without the gateway or the stage there is nothing more to see.
		d.out.cut = d.out.cut || r.Name == gateName
		d.trouble(r.Error)
	case isFailed:
		d.out.cut = true
		d.trouble(r.Error)
	}
}

// trouble keeps what the lab noticed and should not have, as one line.
func (d *demo) trouble(text string) {
	text = oneLine(text)
	d.out.troubles = append(d.out.troubles, text)
	d.screen.tell(time.Now(), "%s", text)
}

// note takes an alert from the broker.
func (d *demo) note(p published) {
	a := d.out.alerts[p.key]
	if len(p.document) == 0 {
		// Cleared: what was known of it stays, as resolved.
		a.Key, a.State = p.key, string(gateway.AlertResolved)
	} else if err := json.Unmarshal(p.document, &a); err != nil {
		d.trouble(fmt.Sprintf("read alert %s: %v", p.key, err))
		return
	}
	if old, known := d.out.alerts[p.key]; !known || old.State != a.State {
		d.screen.tell(time.Now(), "alert %s %s: %s", a.State, a.Key, a.Summary)
	}
	d.out.alerts[p.key] = a
}

// look asks the gateway how it is, and shows it. The same complaint is shown once.
func (d *demo) look(ctx context.Context) {
	if d.serial != nil {
		d.serial.follow()
	}
	st, err := d.asker.read(ctx)
	if err != nil {
		if text := oneLine(err.Error()); ctx.Err() == nil && text != d.mute {
			d.mute = text
			d.screen.tell(time.Now(), "%s", text)
		}
		return
	}
	d.out.status, d.mute = st, ""
	d.screen.compare(time.Now(), st)
	if text, err := d.asker.text(ctx); err == nil {
		d.screen.draw(text)
	}
}

// finishWait bounds the last questions to a stage that may be gone.
const finishWait = 5 * time.Second

// finish collects the last state while everything still runs. A gateway that
// says nothing now is trouble: what it said before may be long past.
func (d *demo) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), finishWait)
	defer cancel()
	if !d.out.cut {
		if d.look(ctx); d.mute != "" {
			d.out.cut = true
			d.out.troubles = append(d.out.troubles, d.mute)
		}
	} else if d.serial != nil {
		d.serial.follow()
	}
	d.stage.order(order{Do: doLeases})
	for d.out.leases == nil {
		select {
		case r, more := <-d.stage.reports:
			if !more {
				return
			}
			d.hear(r)
		case <-ctx.Done():
			d.trouble("the inside of the lab did not say which Photon has an address")
			return
		}
	}
	for {
		select {
		case a := <-d.alerts:
			d.note(a)
		default:
			return
		}
	}
}

// tail prints what is added to a file.
type tail struct {
	// path is the file, out where it goes.
	path string
	out  io.Writer
	// done is how far it was printed.
	done int64
}

// follow prints what is new; a file that is not there yet has nothing.
func (t *tail) follow() {
	f, err := os.Open(t.path)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.Seek(t.done, io.SeekStart); err != nil {
		return
	}
	n, _ := io.Copy(t.out, f)
	t.done += n
}
