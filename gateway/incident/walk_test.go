package incident

import (
	"math/rand/v2"
	"testing"
	"time"

	"photongate/gateway"
)

// stroll is a random life of two devices, made of what devices, cloud and
// firewall do.
func stroll(r *rand.Rand, steps int) func(*trace) {
	return func(x *trace) {
		open := map[gateway.MAC]gateway.SessionRecord{}
		for range steps {
			m := []gateway.MAC{porch, gate}[r.IntN(2)]
			p := cloudA
			if r.IntN(3) == 0 {
				p = cloudB
			}
			x.step(r, m, open, func() {
				switch r.IntN(4) {
				case 0:
					x.fail(m, p, []gateway.Outcome{gateway.TimedOut, gateway.Refused, gateway.Unreachable}[r.IntN(3)])
					delete(open, m)
				default:
					to := gateway.Phase(1 + r.IntN(int(gateway.PhaseTalking)))
					x.dial(m, p, to)
					open[m] = gateway.SessionRecord{ID: x.id, Phase: to}
				}
			})
		}
	}
}

// step does one thing at random.
func (x *trace) step(r *rand.Rand, m gateway.MAC, open map[gateway.MAC]gateway.SessionRecord, dial func()) {
	last := open[m]
	id := last.ID
	switch n := r.IntN(16); {
	case n < 4:
		dial()
	case n < 6 && id != 0:
		delete(open, m)
		x.closed(m, id, gateway.SessionRecord{Phase: last.Phase,
			ClosedBy: []gateway.Closer{gateway.ByCloud, gateway.ByDevice, gateway.ByNetwork}[r.IntN(3)],
			How:      []gateway.Ending{gateway.EndFIN, gateway.EndRST, gateway.EndTimeout}[r.IntN(3)]})
	case n < 7 && id != 0:
		x.do(gateway.Event{Kind: gateway.SessionStalled, Witness: gateway.WitnessRelay, MAC: m, Session: id, Peer: cloudA, Count: 18, RTT: 4 * time.Second})
	case n < 9:
		x.air(m)
	case n < 10:
		x.do(asks(m))
	case n < 11:
		x.do(gateway.Event{Kind: gateway.DNSRefused, Witness: gateway.WitnessAir, MAC: m, Name: "x.example"})
	case n < 12:
		x.probe(cloudA, []gateway.Outcome{gateway.Spoke, gateway.TimedOut}[r.IntN(2)])
	case n < 13:
		x.egress([]gateway.Kind{gateway.EgressUp, gateway.EgressDown}[r.IntN(2)])
	case n < 14:
		x.wait(time.Duration(r.IntN(600)) * time.Second)
	default:
		x.wait(time.Duration(r.IntN(20)) * time.Second)
	}
}

// TestStrolls: whatever happens, what is kept comes to what a ladder that saw
// everything comes to, as long as the ring holds what every device needs.
func TestStrolls(t *testing.T) {
	for _, tt := range []struct {
		max, noise int
		loud       bool
	}{{192, 1, false}, {1024, 3, true}} {
		for _, steps := range []int{10, 40, 400} {
			for seed := range uint64(15) {
				r := rand.New(rand.NewPCG(seed, uint64(steps)))
				b, saw := record(t, fault{walk: stroll(r, steps)}, seed, tt.max, tt.noise, tt.loud)
				path, devices := Replay(b)
				if got := findingOf(devices); got != saw || path.Code != b.Path.Code {
					t.Errorf("ring of %d, %d steps, seed %d: got  %+v, path %s\nwant %+v, path %s", tt.max, steps, seed, got, path.Code, saw, b.Path.Code)
				}
			}
		}
	}
}
