//go:build !nowatch

package capture

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

// ports of the services that a Photon uses.
const (
	portDHCPServer = 67
	portDHCPClient = 68
	portDNS        = 53
	portNTP        = 123
)

// testAddr is where firmware up to 1.5 tests the internet (photon.md 5.2).
func testAddr() netip.Addr { return netip.AddrFrom4([4]byte{8, 8, 8, 8}) }

// packet reads an IPv4 packet.
func (d *Decoder) packet(f frame) gateway.MAC {
	if len(f.body) >= 20 && binary.BigEndian.Uint16(f.body[6:])&0x1fff != 0 {
		// A later fragment has no ports. None of the protocols needs one.
		d.stats.Other++
		return gateway.MAC{}
	}
	if err := d.inner.DecodeLayers(f.body, &d.decoded); err != nil || len(d.decoded) == 0 {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	switch d.decoded[len(d.decoded)-1] {
	case layers.LayerTypeTCP:
		return d.segmentOf(f)
	case layers.LayerTypeUDP:
		return d.datagram(f)
	case layers.LayerTypeICMPv4:
		return d.complaint()
	}
	d.stats.Other++
	return gateway.MAC{}
}

// ends are the addresses of the packet.
func (d *Decoder) ends() (src, dst netip.Addr) {
	return netip.AddrFrom4([4]byte(d.ip4.SrcIP.To4())), netip.AddrFrom4([4]byte(d.ip4.DstIP.To4()))
}

// sender is the MAC of the device that sent the packet, zero where a router
// stands between: then the MAC is the router's, unless it is known better.
func (d *Decoder) sender(f frame) gateway.MAC {
	listed := d.only != nil && d.only(f.src)
	if f.src.IsGroup() || !listed && !fresh(d.ip4.TTL) {
		return gateway.MAC{}
	}
	return f.src
}

// fresh tells whether a TTL is one that systems start with (lwIP 255, Windows
// 128, Linux 64): no router has counted it down.
func fresh(ttl uint8) bool { return ttl == 255 || ttl == 128 || ttl == 64 || ttl == 32 }

// datagram reads a UDP packet.
func (d *Decoder) datagram(f frame) gateway.MAC {
	src, dst := d.ends()
	from, to := uint16(d.udp.SrcPort), uint16(d.udp.DstPort)
	b := d.udp.Payload
	switch {
	case to == portDHCPServer || to == portDHCPClient:
		return d.lease(f, b)
	case to == portDNS:
		return d.question(f, src, dst, b)
	case from == portDNS:
		return d.answer(f, src, dst, b)
	case to == portNTP || from == portNTP:
		return d.clockTest(f, b)
	case to == cloudPort:
		return d.presence(f, src, dst, b)
	}
	d.stats.Other++
	return gateway.MAC{}
}

// NTP's modes (RFC 5905 7.3).
const (
	ntpClient = 3
	ntpServer = 4
)

// clockTest reads an NTP packet: firmware from 2.0 on tests the internet so
// (photon.md 5.2). Others than Photons ask for the time at will.
func (d *Decoder) clockTest(f frame, b []byte) gateway.MAC {
	switch first(b) & 7 {
	case ntpClient:
		if h := d.hosts[d.sender(f)]; h != nil && h.photon {
			if h.testing.IsZero() {
				h.testing = d.clock
			}
			return h.mac
		}
	case ntpServer:
		if h := d.hosts[f.dst]; h != nil && !h.testing.IsZero() {
			took := d.clock.Sub(h.testing)
			h.testing = time.Time{}
			d.tell(h, gateway.Event{Kind: gateway.InternetTest, OK: true, RTT: took})
			return h.mac
		}
	}
	return gateway.MAC{}
}

// announcement is how a presence datagram begins; the device's id follows
// (photon.md 4.2).
const announcement = "\x50\x02\x00\x00\xb1\x68\xff"

// presenceGroup is where devices announce themselves (photon.md 4.2).
func presenceGroup() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 1, 187}) }

// presence reads a datagram in which a device tells its id.
func (d *Decoder) presence(f frame, src, dst netip.Addr, b []byte) gateway.MAC {
	if dst != presenceGroup() || len(b) != len(announcement)+12 || string(b[:len(announcement)]) != announcement {
		d.stats.Other++
		return gateway.MAC{}
	}
	m := d.sender(f)
	d.recognise(m)
	d.send(d.clock, gateway.Event{Kind: gateway.Presence, MAC: m, Addr: src, ID: gateway.DeviceID(b[len(announcement):])})
	return m
}
