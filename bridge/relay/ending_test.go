package relay

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// end is one way in which a session ends.
type end struct {
	name string
	// limits shortens what the ending needs, before the relay runs.
	limits func(*limits)
	// open replaces the way to the cloud; then there is no cloud below.
	open func(s *site) func(done func(Upstream)) func()
	// act brings it about.
	act func(s *site, dev, cloud *net.TCPConn)
	// want of the record, and how the sides see it: eof, reset, or "" for the
	// side that did it itself.
	by         gateway.Closer
	how        gateway.Ending
	phase      gateway.Phase
	detail     string
	dev, cloud string
}

// short is a limit that a test waits for.
const short = 60 * time.Millisecond

// nowhere is an address in an error; nobody dials it.
var nowhere = netip.MustParseAddrPort("192.0.2.1:5683")

// noWay opens nothing.
func noWay(s *site) func(func(Upstream)) func() {
	return func(done func(Upstream)) func() {
		s.asked <- done
		return func() { s.t.Error("the opening was cancelled") }
	}
}

// giveUp answers noWay.
func giveUp(s *site, _, _ *net.TCPConn) {
	done := <-s.asked
	s.loop.Post(func() {
		done(Upstream{FD: -1, Peer: nowhere, Outcome: gateway.TimedOut, Err: errors.New("no answer from 192.0.2.1:5683")})
	})
}

// ends are all the ways.
var ends = []end{
	{name: "device closes first", act: func(s *site, dev, cloud *net.TCPConn) {
		dev.CloseWrite()
		ending(cloud)
		cloud.Close()
	}, by: gateway.ByDevice, how: gateway.EndFIN, phase: gateway.PhaseSilent, dev: "eof"},
	{name: "cloud closes first", act: func(s *site, dev, cloud *net.TCPConn) {
		cloud.CloseWrite()
		ending(dev)
		dev.Close()
	}, by: gateway.ByCloud, how: gateway.EndFIN, phase: gateway.PhaseSilent, cloud: "eof"},
	{name: "device resets", act: func(s *site, dev, cloud *net.TCPConn) {
		s.cross(cloud, dev, random(40))
		abort(dev)
	}, by: gateway.ByDevice, how: gateway.EndRST, phase: gateway.PhaseNonce, detail: "device side: connection reset by peer", cloud: "reset"},
	{name: "cloud resets", act: func(s *site, dev, cloud *net.TCPConn) {
		abort(cloud)
	}, by: gateway.ByCloud, how: gateway.EndRST, phase: gateway.PhaseSilent, detail: "cloud side: connection reset by peer", dev: "reset"},
	{name: "device closes, cloud resets", act: func(s *site, dev, cloud *net.TCPConn) {
		dev.CloseWrite()
		ending(cloud)
		abort(cloud)
	}, by: gateway.ByCloud, how: gateway.EndRST, phase: gateway.PhaseSilent, detail: "cloud side: connection reset by peer", dev: "reset"},
	{name: "cloud closes, device resets", act: func(s *site, dev, cloud *net.TCPConn) {
		cloud.CloseWrite()
		ending(dev)
		abort(dev)
	}, by: gateway.ByDevice, how: gateway.EndRST, phase: gateway.PhaseSilent, detail: "device side: connection reset by peer", cloud: "reset"},
	{name: "device is not spark", act: func(s *site, dev, cloud *net.TCPConn) {
		send(s.t, dev, []byte("GET / HTTP/1.1\r\n\r\n"))
	}, by: gateway.ByDevice, how: gateway.EndNotSpark, phase: gateway.PhaseSilent, detail: "not spark: the device spoke before the cloud's nonce", dev: "reset", cloud: "reset"},
	{name: "cloud is not spark", act: func(s *site, dev, cloud *net.TCPConn) {
		send(s.t, cloud, []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
	}, by: gateway.ByCloud, how: gateway.EndNotSpark, phase: gateway.PhaseNonce, detail: "not spark: the cloud is an HTTP server or captive portal", dev: "reset", cloud: "reset"},
	{name: "cloud is not spark and says little", act: func(s *site, dev, cloud *net.TCPConn) {
		send(s.t, cloud, []byte("SSH-2.0-x\r\n"))
		cloud.CloseWrite()
		ending(dev)
		dev.Close()
	}, by: gateway.ByCloud, how: gateway.EndFIN, phase: gateway.PhaseSilent, detail: "what answered is an SSH server", cloud: "eof"},
	{name: "record of a tunnel", act: func(s *site, dev, cloud *net.TCPConn) {
		s.cross(cloud, dev, random(40))
		s.cross(dev, cloud, random(256))
		s.cross(cloud, dev, random(384))
		send(s.t, dev, []byte{0, 17})
	}, by: gateway.ByDevice, how: gateway.EndNotSpark, phase: gateway.PhaseCloudKey, detail: "not spark: the device sent a record of 17 bytes, which is not a multiple of 16 up to 1024", dev: "reset", cloud: "reset"},
	{name: "new session", act: func(s *site, dev, cloud *net.TCPConn) {
		s.device(1)
		s.accept()
	}, by: gateway.ByGateway, how: gateway.EndReplaced, phase: gateway.PhaseSilent, detail: "the device opened a new session", dev: "eof", cloud: "eof"},
	{name: "looked up again", act: func(s *site, dev, cloud *net.TCPConn) {
		s.relay.Restarted(mac(1), time.Now()) // too soon: the look-up was for this session
		s.relay.Restarted(mac(1), time.Now().Add(time.Minute))
	}, by: gateway.ByDevice, how: gateway.EndReplaced, phase: gateway.PhaseSilent, detail: "the device looks the cloud up again", dev: "eof", cloud: "eof"},
	{name: "no way", open: noWay, act: giveUp,
		by: gateway.ByGateway, how: gateway.EndNoPath, phase: gateway.PhaseDialing, detail: "no answer from 192.0.2.1:5683", dev: "reset"},
	{name: "taken off the list", act: func(s *site, dev, cloud *net.TCPConn) { s.relay.Kick(mac(1)) },
		by: gateway.ByGateway, how: gateway.EndRemoved, phase: gateway.PhaseSilent, detail: "the device was taken off the whitelist", dev: "reset", cloud: "reset"},
	{name: "shutdown", act: func(s *site, dev, cloud *net.TCPConn) { s.stop() },
		by: gateway.ByGateway, how: gateway.EndShutdown, phase: gateway.PhaseSilent, detail: "the gateway stops", dev: "eof", cloud: "eof"},
	{name: "phase too long", limits: func(l *limits) { l.phase = short }, act: func(s *site, dev, cloud *net.TCPConn) {
		s.cross(cloud, dev, random(40))
		send(s.t, dev, random(100)) // held back, and not enough
	}, by: gateway.ByGateway, how: gateway.EndDeadline, phase: gateway.PhaseNonce, detail: "the handshake stayed in phase nonce for 60ms", dev: "reset", cloud: "reset"},
	{name: "idle", limits: func(l *limits) { l.idle = short }, act: func(*site, *net.TCPConn, *net.TCPConn) {},
		by: gateway.ByGateway, how: gateway.EndIdle, phase: gateway.PhaseSilent, detail: "nothing crossed for 60ms", dev: "eof", cloud: "eof"},
	{name: "half closed too long", limits: func(l *limits) { l.half = short }, act: func(s *site, dev, cloud *net.TCPConn) { dev.CloseWrite() },
		by: gateway.ByGateway, how: gateway.EndIdle, phase: gateway.PhaseSilent, detail: "one side closed, and nothing crossed for 60ms", dev: "eof", cloud: "eof"},
}

func TestEndings(t *testing.T) {
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, func(r *Relay) {
				if tt.limits != nil {
					tt.limits(&r.limits)
				}
			})
			tt.run(t, s)
		})
	}
}

// run makes a session end in this way and compares everything about it.
func (tt *end) run(t *testing.T, s *site) {
	var dev, cloud *net.TCPConn
	if tt.open != nil {
		s.setOpen(tt.open(s))
		dev = s.device(1)
	} else {
		dev, cloud = s.pair(1)
	}
	tt.act(s, dev, cloud)
	rec := s.closed(1)
	if rec.ClosedBy != tt.by || rec.How != tt.how || rec.Phase != tt.phase || rec.Detail != tt.detail {
		t.Errorf("got %s %s in %s %q, want %s %s in %s %q", rec.ClosedBy, rec.How, rec.Phase, rec.Detail, tt.by, tt.how, tt.phase, tt.detail)
	}
	if rec.Ended.Before(rec.Started) || rec.MAC != mac(1) || rec.Device != dev.LocalAddr().(*net.TCPAddr).AddrPort() {
		t.Errorf("the record is not of this session: %+v", rec)
	}
	if got := tt.dev; got != "" {
		if got = ending(dev); got != tt.dev {
			t.Errorf("the device saw %s, want %s", got, tt.dev)
		}
	}
	if got := tt.cloud; got != "" {
		if got = ending(cloud); got != tt.cloud {
			t.Errorf("the cloud saw %s, want %s", got, tt.cloud)
		}
	}
}

// Two hundred sessions that end in every way leave no descriptor and no entry.
func TestNothingIsLeft(t *testing.T) {
	newSite(t, nil).stop() // Go's poller opens its own for good
	before := descriptors(t)
	s := newSite(t, nil)
	direct := s.open
	for i := range 200 {
		tt := &ends[i%len(ends)]
		if tt.limits != nil || tt.how == gateway.EndShutdown {
			tt = &ends[2]
		}
		if s.setOpen(direct); tt.open != nil {
			s.setOpen(tt.open(s))
		}
		s.events.Reset()
		dev := s.device(1)
		var cloud *net.TCPConn
		if tt.open == nil {
			cloud = s.accept()
		}
		tt.act(s, dev, cloud)
		s.closed(1)
		s.relay.Kick(mac(1)) // the one that replaced it
		s.on(func() {})
		s.hangUp()
	}
	s.on(func() {
		if len(s.relay.sessions) != 0 || len(s.relay.byMAC) != 0 {
			t.Errorf("%d sessions and %d devices are left", len(s.relay.sessions), len(s.relay.byMAC))
		}
	})
	s.stop()
	gatewaytest.Eventually(t, wait, "all descriptors are closed", func() bool { return descriptors(t) <= before })
}

// The device hangs up while the way is being opened: the opening is cancelled.
func TestDeviceLeavesWhileOpening(t *testing.T) {
	cancelled := make(chan struct{})
	s := newSite(t, nil)
	s.setOpen(func(func(Upstream)) func() { return func() { close(cancelled) } })
	abort(s.device(1))
	gatewaytest.Closed(t, wait, "the opening is cancelled", cancelled)
	if rec := s.closed(1); rec.ClosedBy != gateway.ByDevice || rec.How != gateway.EndRST || rec.Phase != gateway.PhaseDialing {
		t.Errorf("got %s %s in %s, want device rst in dialing", rec.ClosedBy, rec.How, rec.Phase)
	}
}

// The device has closed its side before the way is open: the cloud is told.
func TestDeviceClosesWhileOpening(t *testing.T) {
	s := newSite(t, nil)
	asked := make(chan func(Upstream), 1)
	s.setOpen(func(done func(Upstream)) func() {
		asked <- done
		return func() { t.Error("cancelled after done") }
	})
	dev := s.device(1)
	dev.CloseWrite()
	done := <-asked
	s.loop.Post(func() { done(s.upTo(s.cloudAddr())) })
	cloud := s.accept()
	if got := ending(cloud); got != "eof" {
		t.Errorf("the cloud saw %s, want eof", got)
	}
	s.cross(cloud, dev, random(40))
	cloud.Close()
	if rec := s.closed(1); rec.ClosedBy != gateway.ByDevice || rec.How != gateway.EndFIN || rec.Down != 40 {
		t.Errorf("got %s %s after %d bytes, want device fin after 40", rec.ClosedBy, rec.How, rec.Down)
	}
}

func TestMuteIsReportedOnce(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.limits.mute = short })
	dev, cloud := s.pair(1)
	ev := s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.ConnectFailed })
	if want := s.cloudAddr().String() + " accepted and then said nothing for 60ms"; ev.Outcome != gateway.Mute || ev.Text != want || ev.Peer != s.cloudAddr() || ev.RTT < short {
		t.Errorf("got %+v, want a mute %q", ev, want)
	}
	s.cross(cloud, dev, random(40)) // late, but it goes on
	dev.Close()
	cloud.Close()
	s.closed(1)
	mutes := 0
	for _, ev := range s.events.All() {
		if ev.Outcome == gateway.Mute {
			mutes++
		}
	}
	if mutes != 1 {
		t.Errorf("reported %d times, want 1", mutes)
	}
}

// Only sessions whose bytes are stuck end with their address.
func TestEndVia(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.limits.stall = short })
	s.talking(2)
	dev, cloud := s.talking(1)
	cloud.SetReadBuffer(1)
	var sent counter
	go func() {
		for {
			n, err := dev.Write(record(1024))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	ev := s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.SessionStalled })
	if ev.MAC != mac(1) || ev.Peer != s.cloudAddr() || ev.Count == 0 {
		t.Errorf("got %+v, want a stall of device 1 with a count", ev)
	}
	s.relay.EndVia(nowhere)
	s.relay.EndVia(s.cloudAddr())
	rec := s.closed(1)
	if want := "bytes stayed unacknowledged and the address no longer answers"; rec.ClosedBy != gateway.ByNetwork || rec.How != gateway.EndTimeout || rec.Detail != want || rec.Unacked == 0 {
		t.Errorf("got %s %s %q with %d bytes unacknowledged, want network timeout %q with some", rec.ClosedBy, rec.How, rec.Detail, rec.Unacked, want)
	}
	recs := s.relay.Sessions(t.Context())
	if len(recs) != 1 || recs[0].MAC != mac(2) || recs[0].Phase != gateway.PhaseEstablished {
		t.Errorf("open are %+v, want that of device 2", recs)
	}
}
