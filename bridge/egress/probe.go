package egress

import (
	"net/netip"
	"time"

	"photongate/gateway"
)

// suspectPause is how often one address may be probed on suspicion. Ten
// sessions that stall together are one reason, not ten.
const suspectPause = 5 * time.Second

// sweep probes the candidates, the most promising first, until one speaks.
// One sweep at a time is enough for all who want one.
func (e *Egress) sweep() {
	if e.sweeping || e.stopped {
		return
	}
	e.sweeping = true
	e.race(e.book.candidates(), true, func(w Way) {
		e.sweeping = false
		switch {
		case w.Outcome == gateway.Spoke:
			e.goUp()
		case !local(w.Err) || e.state == down:
			e.goDown(w.Outcome, w.Err.Error())
		}
	})
}

// Suspect probes an address at once, because a session through it has stalled
// or died. If it does not speak, dead is called and the others are tried; if
// none of them does, the way out is down. It may be called from anywhere.
func (e *Egress) Suspect(peer netip.AddrPort, dead func(netip.AddrPort)) {
	e.cfg.Loop.Post(func() {
		now := time.Now()
		if e.stopped || now.Sub(e.suspects[peer]) < e.limits.suspect {
			return
		}
		if len(e.suspects) > maxBook {
			clear(e.suspects)
		}
		e.suspects[peer] = now
		e.race([]netip.AddrPort{peer}, true, func(w Way) {
			if w.Outcome == gateway.Spoke {
				e.goUp()
				return
			}
			dead(peer)
			e.sweep()
		})
	})
}

// Note enters what a session learned about an address: that it spoke, or that
// it accepted and stayed mute. It may be called from anywhere.
func (e *Egress) Note(peer netip.AddrPort, how gateway.Outcome) {
	e.cfg.Loop.Post(func() {
		if e.book.note(peer, how, 0, time.Now()) {
			e.showBook()
		}
	})
}
