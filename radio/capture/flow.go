//go:build !nowatch

package capture

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"photongate/gateway"
)

// flowState is where a connection stands.
type flowState uint8

// The states.
const (
	// flowAsked: a SYN was seen, and no answer.
	flowAsked flowState = iota
	// flowJoined: the capture began within the connection, and no data was seen.
	flowJoined
	// flowOpen: the connection stands.
	flowOpen
	// flowOver: it ended; its late packets mean nothing.
	flowOver
)

const (
	// connectLimit is how long a Photon waits for a connection, to the cloud
	// and in its test alike (photon.md 4.1, 5.2).
	connectLimit = 5 * time.Second
	// muteLimit is how long a cloud may say nothing before its address is
	// suspected; a real one opens within 200 ms (photon.md 4.1).
	muteLimit = 5 * time.Second
	// stallLimit is how long bytes may stay unacknowledged: by then the third
	// retransmission is unanswered (RFC 6298 2.4).
	stallLimit = 3 * time.Second
	// idleLimit is how long a living session may be silent: a device pings
	// after 15 s and gives up 10 s later (photon.md 4.1), and DESIGN 4.3
	// asks for 60 s or more.
	idleLimit = time.Minute
	// closeLimit is how long the second side may take to close after the
	// first: a device drains for up to 5 s (photon.md 4.1).
	closeLimit = 10 * time.Second
)

// flowKey tells connections apart.
type flowKey struct{ dev, peer netip.AddrPort }

// flow is one connection of a device.
type flow struct {
	key flowKey
	mac gateway.MAC
	// order is the order of creation; id is the session's number, 0 before it
	// has one. test marks the internet test.
	order, id uint64
	test      bool
	state     flowState
	// told: how the connect ended was told. mute: that the cloud says nothing was. stalled: a stall was.
	told, mute, stalled bool

	// began is when the first packet was seen, seen the last; dialled is the latest SYN.
	began, seen, dialled time.Time
	iss                  uint32
	syns                 int

	up, down  stream
	phase     gateway.Phase
	reached   [gateway.Phases]time.Duration
	rtt       time.Duration
	closer    gateway.Closer
	closing   time.Time
	finUp     bool
	finDown   bool
	complaint string
}

// newFlow enters a connection, whose device has the MAC m.
func (d *Decoder) newFlow(k flowKey, m gateway.MAC) *flow {
	if _, again := d.flows[k]; !again && len(d.flows) >= flowsLimit {
		d.dropFlow()
	}
	d.opened++
	f := &flow{
		key: k, mac: m, order: d.opened, began: d.clock, seen: d.clock,
		test: k.peer.Port() != cloudPort,
		up:   stream{fixed: deviceKeyLen}, down: stream{fixed: nonceLen + cloudKeyLen},
	}
	d.flows[k] = f
	if !f.test {
		d.stats.Sessions++
		f.id = d.stats.Sessions
		d.recognise(m)
	}
	return f
}

// dropFlow forgets the connection that was silent for longest.
func (d *Decoder) dropFlow() {
	var oldest *flow
	for _, f := range d.flows {
		if oldest == nil || f.seen.Before(oldest.seen) {
			oldest = f
		}
	}
	delete(d.flows, oldest.key)
}

// ordered are the connections, in the order in which they began.
func (d *Decoder) ordered() []*flow {
	return slices.SortedFunc(maps.Values(d.flows), func(a, b *flow) int { return cmp.Compare(a.order, b.order) })
}

// say emits an event about a connection.
func (d *Decoder) say(f *flow, at time.Time, e gateway.Event) {
	e.MAC, e.Session = f.mac, f.id
	if !f.test {
		e.Peer = f.key.peer
	}
	if f.mac.IsZero() {
		e.Addr = f.key.dev.Addr()
	}
	d.send(at, e)
}

// advance tells of the phases that the bytes seen so far have reached.
func (d *Decoder) advance(f *flow) {
	for f.phase < gateway.PhaseTalking && f.has(f.phase+1) {
		d.reach(f, f.phase+1)
	}
}

// reach sets and tells a phase.
func (d *Decoder) reach(f *flow, p gateway.Phase) {
	f.phase = p
	f.reached[p] = max(d.clock.Sub(f.began), 0)
	d.say(f, d.clock, gateway.Event{Kind: gateway.Phased, Phase: p})
}

// has tells whether the bytes of a phase are complete (photon.md 4.3).
func (f *flow) has(p gateway.Phase) bool {
	switch p {
	case gateway.PhaseNonce:
		return f.down.bytes >= nonceLen
	case gateway.PhaseDeviceKey:
		return f.up.bytes >= deviceKeyLen
	case gateway.PhaseCloudKey:
		return f.down.bytes >= nonceLen+cloudKeyLen
	case gateway.PhaseHello:
		return f.up.records >= 1
	case gateway.PhaseEstablished:
		return f.down.records >= 1
	case gateway.PhaseTalking:
		return f.down.records >= 2
	}
	return false
}

// expireFlow tells of what a connection waited for in vain.
func (d *Decoder) expireFlow(f *flow) {
	quiet := d.clock.Sub(f.seen)
	switch {
	case f.state == flowOver || f.state == flowJoined:
		if quiet >= idleLimit {
			delete(d.flows, f.key)
		}
	case f.state == flowAsked:
		if !f.told && d.clock.Sub(f.began) >= connectLimit {
			d.connectFails(f, f.began.Add(connectLimit), gateway.TimedOut, counted(uint64(f.syns), "SYN")+" unanswered")
		}
		if quiet >= idleLimit {
			delete(d.flows, f.key)
		}
	case f.closer != "" && d.clock.Sub(f.closing) >= closeLimit:
		d.closeFlow(f, f.closer, gateway.EndFIN, f.closing.Add(closeLimit))
	case quiet >= idleLimit:
		d.fadeOut(f)
	default:
		d.checkMute(f)
		d.checkStall(f)
	}
}

// fadeOut ends a connection of which nothing was seen any more.
func (d *Decoder) fadeOut(f *flow) {
	at := f.seen.Add(idleLimit)
	if f.up.unacked() > 0 {
		d.closeFlow(f, gateway.ByNetwork, gateway.EndTimeout, at)
		return
	}
	d.closeFlow(f, "", gateway.EndIdle, at)
}

// connectFails tells of a connection that did not come about.
func (d *Decoder) connectFails(f *flow, at time.Time, how gateway.Outcome, text string) {
	if f.told {
		return
	}
	f.told = true
	if f.test {
		d.say(f, at, gateway.Event{Kind: gateway.InternetTest, Text: fmt.Sprintf("%s: %s", f.key.peer, text)})
		return
	}
	d.say(f, at, gateway.Event{Kind: gateway.ConnectFailed, Outcome: how, RTT: max(at.Sub(f.began), 0), Text: text})
}

// checkMute notices that the cloud, which speaks first, does not.
func (d *Decoder) checkMute(f *flow) {
	if waited := d.clock.Sub(f.began) - f.reached[gateway.PhaseSilent]; f.phase == gateway.PhaseSilent && !f.mute && waited >= muteLimit {
		f.mute = true
		d.say(f, d.clock.Add(muteLimit-waited), gateway.Event{
			Kind: gateway.ConnectFailed, Outcome: gateway.Mute, RTT: muteLimit,
			Text: fmt.Sprintf("%s accepted and then said nothing for %s", f.key.peer, muteLimit),
		})
	}
}

// checkStall notices that what the device sends does not arrive.
func (d *Decoder) checkStall(f *flow) {
	waited := d.clock.Sub(f.up.waiting)
	if f.stalled || f.up.waiting.IsZero() || waited < stallLimit || f.up.stuck == 0 {
		return
	}
	f.stalled = true
	d.say(f, d.clock, gateway.Event{
		Kind: gateway.SessionStalled, Count: f.up.unacked(), RTT: waited,
		Text: counted(uint64(f.up.stuck), "retransmission") + " unanswered",
	})
}
