package relay

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/bridge/spark"
	"photongate/gateway"
)

// half is one of a session's two sockets.
type half struct {
	fd int
	// pending is what the socket would not take yet; nil nearly always.
	pending []byte
	watch   uint32
	// eof: its peer has sent its FIN. fin: we owe it or sent it ours.
	eof, fin bool
}

// session is one device's connection and its way to the cloud.
type session struct {
	r       *Relay
	id      uint64
	mac     gateway.MAC
	dev, up half
	tr      spark.Tracker
	// blind: the bytes are not Spark and PassAll is set, so nobody looks.
	blind   bool
	stalled bool
	// mute: the cloud's silence was reported.
	mute bool
	// first is 1 + the side that closed first, 0 while none has; closed is when.
	first  spark.Side
	closed time.Duration
	ended  bool
	phase  gateway.Phase
	// held is the part of the device's key block that came so far.
	held []byte
	// cancel stops the opening of the way; nil once it ended.
	cancel        func()
	device, cloud netip.AddrPort
	started       time.Time
	rtt           time.Duration
	upBytes       uint64
	downBytes     uint64
	lastUp        time.Duration
	lastDown      time.Duration
	reached       [gateway.Phases]time.Duration
}

// start begins a session and has its way to the cloud opened.
func (r *Relay) start(fd int, peer netip.AddrPort, mac gateway.MAC) {
	r.lastID++
	s := &session{
		r: r, id: r.lastID, mac: mac, device: peer, started: time.Now(),
		dev: half{fd: fd}, up: half{fd: -1},
	}
	// Only its death matters until the way is open: the device waits for the cloud.
	if err := r.cfg.Loop.Add(fd, 0, s); err != nil {
		r.refuse(fd, peer, mac, Failed, err)
		return
	}
	r.sessions[s.id] = s
	if !mac.IsZero() {
		r.byMAC[mac] = s
	}
	s.emit(gateway.Event{Kind: gateway.Connecting, Peer: peer})
	cancel := r.cfg.Open(s.opened)
	if s.up.fd < 0 && !s.ended {
		s.cancel = cancel
	}
}

// emit sends an event about the session.
func (s *session) emit(ev gateway.Event) {
	ev.Time, ev.Witness, ev.MAC, ev.Session = time.Now(), gateway.WitnessRelay, s.mac, s.id
	s.r.cfg.Emit(ev)
}

// opened is called when the way to the cloud is open, or cannot be opened.
func (s *session) opened(u Upstream) {
	s.cancel = nil
	if u.Outcome != gateway.Accepted {
		s.emit(gateway.Event{Kind: gateway.ConnectFailed, Peer: u.Peer, Outcome: u.Outcome, RTT: time.Since(s.started), Text: errText(u.Err)})
		s.cloud = u.Peer
		s.end(gateway.ByGateway, gateway.EndNoPath, errText(u.Err))
		return
	}
	s.tr = spark.New()
	s.up.fd, s.cloud, s.rtt = u.FD, u.Peer, u.RTT
	s.up.watch, s.dev.watch = loop.In, loop.In
	s.r.cfg.Loop.Rewatch(u.FD, loop.In, s)
	s.r.cfg.Loop.Modify(s.dev.fd, loop.In)
	s.emit(gateway.Event{Kind: gateway.Connected, Peer: u.Peer, RTT: u.RTT})
	s.advance(gateway.PhaseSilent)
}

// errText is an error's text, or nothing.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// advance notes that a phase was reached.
func (s *session) advance(p gateway.Phase) {
	s.phase = p
	s.reached[p] = time.Since(s.started)
	s.emit(gateway.Event{Kind: gateway.Phased, Phase: p, Peer: s.cloud})
}

// Wake moves bytes.
func (s *session) Wake(fd int, events uint32) {
	src, dst, side := &s.dev, &s.up, spark.Device
	if fd == s.up.fd {
		src, dst, side = &s.up, &s.dev, spark.Cloud
	}
	if events&loop.Out != 0 && !s.flush(src, dst) {
		return
	}
	switch {
	case events&loop.In != 0 && src.watch&loop.In != 0:
		s.pump(src, dst, side)
	case events&loop.Gone != 0:
		s.gone(src, dst, side)
	}
}

// gone handles a socket that failed while it was not read from.
func (s *session) gone(src, dst *half, side spark.Side) {
	code, _ := unix.GetsockoptInt(src.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case code != 0:
		s.fail(side, unix.Errno(code))
	case src.eof && dst.eof && len(dst.pending) == 0:
		s.finish()
	case s.up.fd < 0:
		s.fail(side, unix.ECONNRESET)
	}
}

// finish ends a session that both sides have closed.
func (s *session) finish() { s.end("", "", "") }

// record is the session as it stands.
func (s *session) record() gateway.SessionRecord {
	return gateway.SessionRecord{
		ID: s.id, MAC: s.mac, Device: s.device, Cloud: s.cloud, Started: s.started,
		Phase: s.phase, Reached: s.reached, PathRTT: s.rtt,
		Up: s.upBytes, Down: s.downBytes, LastUp: s.lastUp, LastDown: s.lastDown,
	}
}
