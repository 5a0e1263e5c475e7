package daemon

import (
	"context"
	"slices"
	"time"

	"photongate/gateway"
)

// learnLimit bounds the write of a learned id.
const learnLimit = 5 * time.Second

// react is what a fact of one part makes another do. It is called for every
// event, on the journal's goroutine; nothing in it blocks.
func (d *Daemon) react(ev gateway.Event) {
	switch ev.Kind {
	case gateway.Phased:
		if ev.Witness == gateway.WitnessRelay && ev.Phase == gateway.PhaseNonce {
			d.egress.Note(ev.Peer, gateway.Spoke)
		}
	case gateway.ConnectFailed:
		if ev.Witness == gateway.WitnessRelay && ev.Outcome == gateway.Mute {
			d.egress.Note(ev.Peer, gateway.Mute)
			d.egress.Suspect(ev.Peer, d.relay.EndVia)
		}
	case gateway.SessionStalled:
		d.egress.Suspect(ev.Peer, d.relay.EndVia)
	case gateway.SessionClosed:
		if r := ev.Record; r != nil && r.ClosedBy == gateway.ByNetwork {
			d.egress.Suspect(r.Cloud, d.relay.EndVia)
		}
	case gateway.Resolved:
		if ev.Witness == gateway.WitnessAir && slices.Contains(d.cloudNames(), ev.Name) {
			d.relay.Restarted(ev.MAC, ev.Time)
		}
	case gateway.EgressDown:
		d.log.Warn("the way out is down; devices are refused until it is back", "reason", ev.Text)
		d.relay.SetOpen(false)
	case gateway.EgressUp:
		d.log.Info("the way out is up")
		d.relay.SetOpen(true)
	case gateway.Presence, gateway.LeaseAsked:
		d.learn(ev.MAC, ev.ID)
	}
}

// learn keeps an id that a device told. It happens once in a device's life, so
// the write does not hurt the journal's pace; it runs aside all the same.
func (d *Daemon) learn(m gateway.MAC, id gateway.DeviceID) {
	dev, ok := d.devices.inventory().ByMAC(m)
	switch {
	case !ok || id.IsZero() || dev.ID == id:
		return
	case !dev.ID.IsZero():
		// Whoever tells is not believed, and not given a line for every lie.
		if d.doubted[m] != id {
			d.doubted[m] = id
			d.emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessAir, Kind: gateway.IdentityChanged, MAC: m, ID: id, Text: dev.ID.String()})
		}
		return
	case !d.learning.CompareAndSwap(false, true):
		return // one write at a time; the device will tell again
	}
	d.journal.aside.Go(func() {
		defer d.learning.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), learnLimit)
		defer cancel()
		if err := d.devices.learn(ctx, m, id); err != nil {
			d.emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed, Part: gateway.PartStorage, Text: err.Error()})
		}
	})
}
