package diagnose

import (
	"fmt"
	"time"

	"photongate/gateway"
)

// beat is how often time alone may change the picture, as in the daemon.
const beat = time.Second

// Recorded judges a recording of events: a journal, or what a packet capture
// was read into. It folds them as the daemon does, and takes the last event's
// time for the present.
type Recorded struct {
	ladder *Ladder
	// devices are those that a recording shows to be listed or to behave so.
	devices map[gateway.MAC]gateway.Device
	ticked  time.Time
	last    time.Time
	events  int
}

// NewRecorded starts a recording.
func NewRecorded() *Recorded {
	return &Recorded{ladder: New(), devices: map[gateway.MAC]gateway.Device{}}
}

// Apply folds one event.
func (r *Recorded) Apply(ev gateway.Event) {
	r.events++
	if ev.Time.After(r.last) {
		r.last = ev.Time
	}
	if ev.Time.Sub(r.ticked) >= beat {
		r.ladder.Tick(ev.Time)
		r.ticked = ev.Time
	}
	r.ladder.Apply(ev)
	r.meet(ev)
}

// meet notes the device of an event. A stranger is none.
func (r *Recorded) meet(ev gateway.Event) {
	if ev.MAC.IsZero() || ev.Kind == gateway.Stranger || len(r.devices) >= maxRecorded {
		return
	}
	d := r.devices[ev.MAC]
	d.MAC = ev.MAC
	if !ev.ID.IsZero() {
		d.ID = ev.ID
	}
	if ev.Kind == gateway.WhitelistChanged && ev.Name != "" {
		d.Name = ev.Name
	}
	r.devices[ev.MAC] = d
}

// maxRecorded bounds the devices of a recording: a hostile one names many.
const maxRecorded = 1024

// Verdict judges one device, named by name, id or MAC; with no name, the one
// that is worst off. It fails when the recording knows no such device.
func (r *Recorded) Verdict(name string) (gateway.Verdict, error) {
	var list []gateway.Device
	for _, d := range r.devices {
		list = append(list, d)
	}
	inv, err := gateway.NewInventory(list)
	if err != nil {
		return gateway.Verdict{}, fmt.Errorf("judge the recording: %w", err)
	}
	devices := r.ladder.Devices(inv, r.last)
	if name != "" {
		return named(devices, name)
	}
	path := r.ladder.Path(r.last)
	return worst(devices, path), nil
}

// named is the verdict on one device.
func named(devices []gateway.DeviceStatus, name string) (gateway.Verdict, error) {
	for _, d := range devices {
		if d.Is(name) {
			return d.Verdict, nil
		}
	}
	return gateway.Verdict{}, fmt.Errorf("the recording knows no device %s", name)
}

// worst is the verdict on the device that is worst off: a fault before none,
// and the surer one first. Where no device tells, the way out does.
func worst(devices []gateway.DeviceStatus, path gateway.Verdict) gateway.Verdict {
	var out gateway.Verdict
	for _, d := range devices {
		if d.Listed && determined(d.Verdict) && (out.Outcome == "" || weight(d.Verdict) > weight(out)) {
			out = d.Verdict
		}
	}
	if determined(path) && !path.Healthy() && (out.Outcome == "" || out.Healthy()) {
		out = path
	}
	switch {
	case out.Outcome != "":
		return out
	case len(devices) > 0:
		return devices[0].Verdict
	}
	return complete(view{Story: NewStory()}, gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Code: gateway.CodeUndetermined, Confidence: gateway.Low,
		Summary: "The recording shows no device on its way to the cloud.", Next: "Record while a device tries to connect.",
	})
}
