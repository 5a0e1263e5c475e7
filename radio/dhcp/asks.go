package dhcp

import (
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"photongate/gateway"
	"photongate/radio/internal/limit"
)

const (
	// xidPause is how long a transaction id stays one question; clients of the
	// segment repeat theirs for 15 s (photon.md 8.3).
	xidPause = time.Minute
	// askPause is how often questions of one device are told. A client waits
	// four seconds before it repeats itself (RFC 2131 4.1), and a device two
	// before it joins anew (photon.md 5.3, ARM_WLAN_WD 4): nothing real is lost.
	askPause = 2 * time.Second
	// changePause is how often one device's question may be told at once
	// because it looks like another client's: a clone shows in the first one,
	// and six a minute are what an invented name in every packet costs.
	changePause = 10 * time.Second
	// asksLimit bounds how many devices are remembered, for each purpose;
	// forgetting them costs a doubled event.
	asksLimit = 1024
)

// face is what a question shows of who asks.
type face struct {
	id          gateway.DeviceID
	fingerprint string
}

// ask is what was last told of one device: a question, and what became of it.
type ask struct {
	xid  dhcpv4.TransactionID
	at   time.Time
	face face
	// outcomes are the kinds of events told since.
	outcomes []gateway.Kind
}

// asks decide what of the listed devices' questions is told. A device is not
// trusted to be one: it may repeat itself, with a new transaction id or name
// in every packet.
type asks struct {
	last map[gateway.MAC]ask
	// steady bounds the questions of a device, changed those that a new face
	// lets through between.
	steady, changed *limit.Limiter[gateway.MAC]
	// leased and failed bound the outcomes that no new question preceded.
	leased, failed *limit.Limiter[gateway.MAC]
}

// newAsks remembers nobody.
func newAsks() *asks {
	return &asks{
		last:    make(map[gateway.MAC]ask),
		steady:  limit.New[gateway.MAC](askPause, asksLimit),
		changed: limit.New[gateway.MAC](changePause, asksLimit),
		leased:  limit.New[gateway.MAC](askPause, asksLimit),
		failed:  limit.New[gateway.MAC](xidPause, asksLimit),
	}
}

// question tells whether a question of m is told, and remembers it if so.
func (a *asks) question(m gateway.MAC, xid dhcpv4.TransactionID, f face, now time.Time) bool {
	old, known := a.last[m]
	if known && old.xid == xid && now.Sub(old.at) < xidPause {
		return false
	}
	steady := a.steady.Allow(m, now)
	if !steady && (!known || old.face == f || !a.changed.Allow(m, now)) {
		return false
	}
	if !known && len(a.last) >= asksLimit {
		clear(a.last)
	}
	a.last[m] = ask{xid: xid, at: now, face: f}
	return true
}

// outcome tells whether an event of kind k, Leased or LeaseFailed, about m is
// told. The first after a question that was told always is, lest the device
// seem to wait.
func (a *asks) outcome(m gateway.MAC, k gateway.Kind, now time.Time) bool {
	pause := a.leased
	if k == gateway.LeaseFailed {
		pause = a.failed
	}
	allowed := pause.Allow(m, now)
	q, known := a.last[m]
	if known && !slices.Contains(q.outcomes, k) {
		q.outcomes = append(q.outcomes, k)
		a.last[m] = q
		return true
	}
	return allowed
}
