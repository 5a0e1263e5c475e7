//go:build !nowatch

package capture

import (
	"encoding/binary"
	"net/netip"

	"photongate/gateway"
)

// segmentOf reads a TCP segment of a connection to the cloud or of the
// internet test.
func (d *Decoder) segmentOf(fr frame) gateway.MAC {
	src, dst := d.ends()
	from := netip.AddrPortFrom(src, uint16(d.tcp.SrcPort))
	to := netip.AddrPortFrom(dst, uint16(d.tcp.DstPort))
	switch {
	case watched(to):
		return d.upward(fr, flowKey{dev: from, peer: to})
	case watched(from):
		return d.downward(fr, flowKey{dev: to, peer: from})
	}
	d.stats.Other++
	return gateway.MAC{}
}

// watched tells whether an address is the cloud's, at whatever host, or the
// internet test's.
func watched(p netip.AddrPort) bool {
	return p.Port() == cloudPort || p.Port() == portDNS && p.Addr() == testAddr()
}

// upward reads a segment of a device.
func (d *Decoder) upward(fr frame, k flowKey) gateway.MAC {
	f := d.flows[k]
	if d.tcp.SYN && !d.tcp.ACK {
		return d.dial(f, k, d.sender(fr))
	}
	if f == nil {
		if d.tcp.RST || d.tcp.FIN || k.peer.Port() != cloudPort {
			return d.sender(fr)
		}
		f = d.newFlow(k, d.sender(fr))
		f.state = flowJoined
		f.up.start(d.tcp.Seq)
		f.down.start(d.tcp.Ack)
	}
	f.seen = d.clock
	if f.state == flowOver || f.up.isCopy(d.mark(fr)) {
		return f.mac
	}
	if d.tcp.RST {
		d.reset(f, true, d.ip4.TTL)
		return f.mac
	}
	f.up.ttl = d.ip4.TTL
	d.cross(f, &f.up, &f.down, fr)
	if d.tcp.FIN && f.state == flowOpen {
		d.fin(f, true)
	}
	return f.mac
}

// dial reads a SYN: a new connection, or one more try.
func (d *Decoder) dial(f *flow, k flowKey, m gateway.MAC) gateway.MAC {
	if f != nil && f.syns > 0 && f.iss == d.tcp.Seq {
		if f.state == flowAsked && !f.up.isCopy(packetMark{seq: d.tcp.Seq, id: d.ip4.Id, at: d.clock}) {
			f.syns++
			f.dialled = d.clock
		}
		f.seen = d.clock
		return f.mac
	}
	f = d.newFlow(k, m)
	f.iss, f.syns, f.dialled = d.tcp.Seq, 1, d.clock
	f.up.start(d.tcp.Seq + 1)
	f.up.ttl = d.ip4.TTL
	f.up.isCopy(packetMark{seq: d.tcp.Seq, id: d.ip4.Id, at: d.clock})
	if !f.test {
		d.replaced(f)
		d.say(f, d.clock, gateway.Event{Kind: gateway.Connecting})
	}
	return f.mac
}

// downward reads a segment of the cloud.
func (d *Decoder) downward(fr frame, k flowKey) gateway.MAC {
	f := d.flows[k]
	if f == nil {
		// Who the device is shows with its own next packet.
		return gateway.MAC{}
	}
	f.seen = d.clock
	if f.state == flowOver || f.down.isCopy(d.mark(fr)) {
		return f.mac
	}
	if d.tcp.RST {
		d.reset(f, false, d.ip4.TTL)
		return f.mac
	}
	f.down.ttl = d.ip4.TTL
	if d.tcp.SYN {
		d.accepted(f)
		return f.mac
	}
	d.cross(f, &f.down, &f.up, fr)
	if d.tcp.FIN && f.state == flowOpen {
		d.fin(f, false)
	}
	return f.mac
}

// accepted reads a SYN with ACK.
func (d *Decoder) accepted(f *flow) {
	if f.state != flowAsked {
		return
	}
	f.state = flowOpen
	f.down.start(d.tcp.Seq + 1)
	f.up.confirmed(d.tcp.Ack, d.clock)
	f.rtt = max(d.clock.Sub(f.dialled), 0)
	if f.test {
		if !f.told {
			f.told = true
			d.say(f, d.clock, gateway.Event{Kind: gateway.InternetTest, OK: true, RTT: f.rtt})
		}
		return
	}
	d.say(f, d.clock, gateway.Event{Kind: gateway.Connected, RTT: f.rtt})
	d.reach(f, gateway.PhaseSilent)
}

// cross reads what a segment carries from one side to the other.
func (d *Decoder) cross(f *flow, s, back *stream, fr frame) {
	if f.test || f.state == flowAsked {
		return
	}
	n := d.carried(fr)
	if f.state == flowJoined && n > 0 {
		d.join(f, s == &f.up, n)
	}
	if d.tcp.ACK {
		back.confirmed(d.tcp.Ack, d.clock)
	}
	if n > 0 {
		s.sent(d.tcp.Seq, d.tcp.Payload, n, d.clock)
	}
	if f.up.unacked() == 0 {
		f.stalled = false
	}
	if f.state == flowOpen {
		d.advance(f)
	}
}

// join begins a session in whose middle the capture began, by its first data:
// the lengths of the handshake are no lengths of records (photon.md 4.1).
func (d *Decoder) join(f *flow, up bool, n int) {
	f.state = flowOpen
	phase := gateway.PhaseSilent
	switch {
	case !up && n == nonceLen:
	case up && n == deviceKeyLen:
		phase = gateway.PhaseNonce
		f.down.fixed, f.down.bytes = cloudKeyLen, nonceLen
	case !up && n == cloudKeyLen:
		phase = gateway.PhaseDeviceKey
		f.down.fixed, f.down.bytes = cloudKeyLen, nonceLen
		f.up.fixed, f.up.bytes = 0, deviceKeyLen
	default:
		phase = gateway.PhaseEstablished
		f.up.fixed, f.up.bytes, f.up.lost, f.up.records = 0, deviceKeyLen, true, 1
		f.down.fixed, f.down.bytes, f.down.lost, f.down.records = 0, nonceLen+cloudKeyLen, true, 1
	}
	d.say(f, d.clock, gateway.Event{Kind: gateway.Connected, Text: "the capture begins within this session"})
	d.reach(f, phase)
}

// carried is how many bytes of data the segment carried on the wire, which may
// be more than were captured.
func (d *Decoder) carried(fr frame) int {
	total := int(binary.BigEndian.Uint16(fr.body[2:]))
	if total == 0 {
		// The interface was to cut the packet into segments: see its frame.
		total = fr.wire
	}
	return max(total-int(d.ip4.IHL)*4-int(d.tcp.DataOffset)*4, 0)
}

// mark is what tells this segment from the next.
func (d *Decoder) mark(fr frame) packetMark {
	m := packetMark{seq: d.tcp.Seq, ack: d.tcp.Ack, id: d.ip4.Id, n: d.carried(fr), at: d.clock}
	for i, set := range []bool{d.tcp.SYN, d.tcp.FIN, d.tcp.RST, d.tcp.PSH} {
		if set {
			m.flags |= 1 << i
		}
	}
	return m
}
