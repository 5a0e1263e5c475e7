package relay

import (
	"time"

	"photongate/gateway"
)

const (
	// samePause is how often one device's announcement of the same id is told.
	// It announces itself once after each handshake (photon.md 4.2), and ten
	// seconds are what it takes to find a session dead before the next.
	samePause = 10 * time.Second
	// changePause is how often one device's change of id is told. A clone shows
	// in the first one.
	changePause = time.Minute
	// toldLimit bounds how many devices are remembered: more than one radio
	// carries. Of others no announcement is told meanwhile.
	toldLimit = 1024
)

// told is what was last told of one device.
type told struct {
	id gateway.DeviceID
	// at is when, and changed when it was last told with another id than before.
	at, changed time.Time
}

// announcements decide which announcements are told: a device may send any
// number, with any id.
type announcements map[gateway.MAC]told

// allow tells whether the announcement of id by m at now is told, and remembers
// it if so.
func (a announcements) allow(m gateway.MAC, id gateway.DeviceID, now time.Time) bool {
	old, known := a[m]
	next := told{id: id, at: now, changed: old.changed}
	switch {
	case !known:
		if len(a) >= toldLimit {
			a.forget(now)
		}
		if len(a) >= toldLimit {
			return false
		}
	case id != old.id:
		if now.Sub(old.changed) < changePause {
			return false
		}
		next.changed = now
	case now.Sub(old.at) < samePause:
		return false
	}
	a[m] = next
	return true
}

// forget drops the devices that nothing was told of for long enough.
func (a announcements) forget(now time.Time) {
	for m, old := range a {
		if now.Sub(old.at) >= changePause {
			delete(a, m)
		}
	}
}
