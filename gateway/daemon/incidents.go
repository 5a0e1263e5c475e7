package daemon

import (
	"errors"
	"path/filepath"
	"time"

	"photongate/gateway"
	"photongate/gateway/incident"
)

const (
	// recorded is how many events are remembered for an incident: enough for
	// fifty devices (incident.NewRecorder), in a megabyte.
	recorded = 2048
	// keptIncidents and keptBytes bound the bundles on flash.
	keptIncidents = 20
	keptBytes     = 4 << 20
	// incidentsApart is how soon after one incident another is frozen: the first
	// of a series tells the story, and a shelf would refuse the others.
	incidentsApart = time.Minute
)

// OpenIncidents opens the bundles of a state directory. No gateway need run.
func OpenIncidents(stateDir string) (*incident.Shelf, error) {
	return incident.OpenShelf(filepath.Join(stateDir, "incidents"), keptIncidents, keptBytes)
}

// freeze makes a bundle of an alert that fires, so that its story can be read
// and judged again when the gateway has long moved on.
func (j *journal) freeze(s gateway.Snapshot, a gateway.Alert, path gateway.Verdict) {
	if j.shelf == nil || a.State != gateway.AlertFiring || s.Time.Sub(j.frozen) < incidentsApart {
		return
	}
	j.frozen = s.Time
	b := incident.Bundle{
		Made: s.Time, Gateway: s.Gateway, Version: s.Version, Alert: a, Device: a.Device, Path: path, Verdict: path,
		Devices: j.d.devices.inventory().All(), Events: j.recorder.Events(),
	}
	for _, d := range s.Devices {
		if d.MAC == a.Device {
			b.Verdict = d.Verdict
		}
	}
	// Flash is slow, and the journal must not wait for it.
	j.aside.Go(func() {
		b.Captures = j.d.dumps(a.Device)
		id, err := j.shelf.Put(b)
		switch {
		case err == nil:
			j.d.log.Info("incident kept", "id", id, "key", a.Key)
		case errors.Is(err, incident.ErrTooSoon): // just before a restart of ours
		default:
			j.emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed, Part: gateway.PartStorage, Text: err.Error()})
		}
	})
}
