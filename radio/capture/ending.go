//go:build !nowatch

package capture

import (
	"fmt"
	"strings"
	"time"

	"photongate/gateway"
)

const (
	// hopSlack is by how many hops the packets of one sender may differ, when
	// routes change; an injector stands elsewhere.
	hopSlack = 2
	// pingWait and pingSilence tell a ping without an answer from a close at
	// will: a device pings after 15 s of silence and gives up 10 s later
	// (photon.md 4.1), less a second for rounding.
	pingWait    = 9 * time.Second
	pingSilence = 24 * time.Second
)

// closeFlow tells at the time at that a session ended, which for an orderly
// close was when it began, and keeps the entry for late packets.
func (d *Decoder) closeFlow(f *flow, by gateway.Closer, how gateway.Ending, at time.Time, details ...string) {
	if f.state != flowOpen {
		return
	}
	f.state = flowOver
	if f.test {
		return
	}
	ended := at
	if !f.closing.IsZero() {
		ended = f.closing
	}
	if by == gateway.ByDevice && f.pingLost(ended) {
		d.say(f, at, gateway.Event{Kind: gateway.PingLost, Text: fmt.Sprintf("no data of the cloud for %s", ended.Sub(f.down.lastAt).Round(100*time.Millisecond))})
	}
	if s := f.shape(); s != "" {
		how, details = gateway.EndNotSpark, append(details, s)
	}
	if f.complaint != "" {
		details = append(details, f.complaint)
	}
	if n := f.up.unacked(); n > 0 {
		details = append(details, counted(n, "byte")+" of the device stayed unacknowledged")
	}
	r := f.record(by, how, ended)
	r.Detail = strings.Join(details, "; ")
	d.say(f, at, gateway.Event{Kind: gateway.SessionClosed, Phase: f.phase, Record: &r})
}

// record is the account of a session that ended at the given time.
func (f *flow) record(by gateway.Closer, how gateway.Ending, at time.Time) gateway.SessionRecord {
	r := gateway.SessionRecord{
		ID: f.id, MAC: f.mac, Device: f.key.dev, Cloud: f.key.peer, Started: f.began, Ended: at,
		Phase: f.phase, Reached: f.reached, PathRTT: f.rtt, Up: f.up.bytes, Down: f.down.bytes,
		ClosedBy: by, How: how, Retransmits: f.up.retransmits, Unacked: uint32(f.up.unacked()),
	}
	if !f.up.lastAt.IsZero() {
		r.LastUp = max(f.up.lastAt.Sub(f.began), 0)
	}
	if !f.down.lastAt.IsZero() {
		r.LastDown = max(f.down.lastAt.Sub(f.began), 0)
	}
	return r
}

// pingLost tells whether a device that closes does so for want of an answer to
// its ping.
func (f *flow) pingLost(at time.Time) bool {
	return f.phase >= gateway.PhaseEstablished && f.up.lastLen == pingLen && !f.down.lastAt.IsZero() &&
		f.up.lastAt.After(f.down.lastAt) && at.Sub(f.up.lastAt) >= pingWait && at.Sub(f.down.lastAt) >= pingSilence
}

// shape says how the bytes are not the cloud protocol's, empty where they are.
func (f *flow) shape() string {
	if who := impostor(f.down.opening); who != "" && f.phase <= gateway.PhaseNonce {
		return "what answered is " + who
	}
	switch {
	case f.phase == gateway.PhaseSilent && f.up.bytes > 0 && f.down.bytes == 0:
		return "the device spoke before the cloud"
	case f.down.shape != "":
		return "the cloud sent " + f.down.shape
	case f.up.shape != "":
		return "the device sent " + f.up.shape
	}
	return ""
}

// reset reads a RST. One whose TTL is not its sender's was injected on the way.
func (d *Decoder) reset(f *flow, up bool, ttl uint8) {
	s, by, whose := &f.down, gateway.ByCloud, "the cloud's"
	if up {
		s, by, whose = &f.up, gateway.ByDevice, "the device's"
	}
	switch {
	case f.state == flowAsked && up:
		// It gave up, and will tell so itself by how long it waited.
		if d.clock.Sub(f.began) >= connectLimit-tick {
			d.connectFails(f, d.clock, gateway.TimedOut, counted(uint64(f.syns), "SYN")+" unanswered")
		}
		f.state = flowOver
	case f.state == flowAsked:
		d.connectFails(f, d.clock, gateway.Refused, fmt.Sprintf("answered by a reset with TTL %d", ttl))
		f.state = flowOver
	case f.state == flowJoined:
		f.state = flowOver
	case f.closer != "":
		// The reset only speeds up a close that had begun.
		d.closeFlow(f, f.closer, gateway.EndFIN, d.clock)
	case s.ttl != 0 && apart(ttl, s.ttl) > hopSlack:
		d.closeFlow(f, gateway.ByNetwork, gateway.EndRST, d.clock,
			fmt.Sprintf("reset injected: its TTL is %d, %s packets have %d", ttl, whose, s.ttl))
	default:
		d.closeFlow(f, by, gateway.EndRST, d.clock)
	}
}

// apart is how far two TTLs differ.
func apart(a, b uint8) int {
	if a < b {
		a, b = b, a
	}
	return int(a - b)
}

// fin reads a FIN: the first one is who ended the session, the second ends it.
func (d *Decoder) fin(f *flow, up bool) {
	if up {
		f.finUp = true
	} else {
		f.finDown = true
	}
	if f.closer == "" {
		f.closer, f.closing = gateway.ByCloud, d.clock
		if up {
			f.closer = gateway.ByDevice
		}
	}
	if f.finUp && f.finDown {
		d.closeFlow(f, f.closer, gateway.EndFIN, d.clock)
	}
}

// replaced ends the other connections of a device that opens a new one.
func (d *Decoder) replaced(next *flow) {
	for _, f := range d.ordered() {
		if f == next || f.test || f.state != flowOpen || f.key.dev.Addr() != next.key.dev.Addr() || f.mac != next.mac {
			continue
		}
		switch {
		case f.closer != "":
			d.closeFlow(f, f.closer, gateway.EndFIN, d.clock)
		case f.up.unacked() > 0 && f.up.stuck > 0:
			d.closeFlow(f, gateway.ByNetwork, gateway.EndTimeout, d.clock, "the device opened a new connection")
		default:
			d.closeFlow(f, gateway.ByDevice, gateway.EndReplaced, d.clock, "the device opened a new connection")
		}
	}
}
