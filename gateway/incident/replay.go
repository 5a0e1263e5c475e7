package incident

import (
	"strings"
	"time"

	"photongate/gateway"
	"photongate/gateway/diagnose"
)

// beat is how often the daemon lets time pass (gateway/daemon).
const beat = time.Second

// Replay folds a bundle's events as the daemon folded them, and judges at the
// time at which the bundle was made. The results are the verdict on the way
// out and every device: what the bundle's own verdicts say, unless the rules
// changed since.
func Replay(b Bundle) (path gateway.Verdict, devices []gateway.DeviceStatus) {
	l := diagnose.New()
	var last time.Time
	for _, ev := range b.Events {
		// Between two events nothing changes but the time, so that one tick
		// stands for all of the daemon's.
		if ev.Time.Sub(last) >= beat {
			l.Tick(ev.Time)
			last = ev.Time
		}
		l.Apply(ev)
	}
	devices = l.Devices(inventory(b.Devices), b.Made)
	path = l.Path(b.Made)
	for _, d := range b.Devices {
		// The daemon calls devices by their names.
		path.Summary = strings.ReplaceAll(path.Summary, d.MAC.String(), d.Label())
	}
	return path, devices
}

// inventory is the whitelist, without entries that cannot stand in one.
func inventory(devices []gateway.Device) gateway.Inventory {
	inv, err := gateway.NewInventory(devices)
	if err == nil {
		return inv
	}
	for _, d := range devices {
		if next, err := inv.With(d); err == nil {
			inv = next
		}
	}
	return inv
}
