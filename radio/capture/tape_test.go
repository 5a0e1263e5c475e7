//go:build !nowatch

package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

// The cast of all captures.
var (
	photon  = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}
	router  = gateway.MAC{0x02, 0, 0, 0, 0, 1}
	photonA = "192.168.77.20:20001"
	cloudA  = "54.175.227.173:5683"
	dnsA    = "192.168.77.1:53"
	t0      = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
)

// tape is a capture in the making.
type tape struct {
	t       testing.TB
	now     time.Time
	frames  []record
	ipid    uint16
	upTTL   uint8
	downTTL uint8
}

// newTape begins at t0.
func newTape(t testing.TB) *tape {
	return &tape{t: t, now: t0, ipid: 1, upTTL: 255, downTTL: 48}
}

// wait lets time pass.
func (p *tape) wait(d time.Duration) *tape { p.now = p.now.Add(d); return p }

// put adds a frame.
func (p *tape) put(ls ...gopacket.SerializableLayer) *tape {
	p.t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		p.t.Fatal(err)
	}
	return p.raw(bytes.Clone(buf.Bytes()))
}

// raw adds a frame of bytes.
func (p *tape) raw(b []byte) *tape {
	p.frames = append(p.frames, record{at: p.now, link: LinkEthernet, data: b, wire: len(b)})
	return p
}

// hw is a MAC as the layers want it.
func hw(m gateway.MAC) net.HardwareAddr { return bytes.Clone(m[:]) }

// ip is the header between two addresses, and the Ethernet one around it.
func (p *tape) ip(from, to string, proto layers.IPProtocol) (*layers.Ethernet, *layers.IPv4) {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	e := &layers.Ethernet{SrcMAC: hw(router), DstMAC: hw(photon), EthernetType: layers.EthernetTypeIPv4}
	ttl := p.downTTL
	if a.Addr() == netip.MustParseAddrPort(photonA).Addr() {
		e.SrcMAC, e.DstMAC, ttl = e.DstMAC, e.SrcMAC, p.upTTL
	}
	p.ipid++
	return e, &layers.IPv4{Version: 4, IHL: 5, TTL: ttl, Id: p.ipid, Protocol: proto, SrcIP: a.Addr().AsSlice(), DstIP: b.Addr().AsSlice()}
}

// udp adds a datagram.
func (p *tape) udp(from, to string, body []byte) *tape {
	e, ip := p.ip(from, to, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(netip.MustParseAddrPort(from).Port()), DstPort: layers.UDPPort(netip.MustParseAddrPort(to).Port())}
	u.SetNetworkLayerForChecksum(ip)
	return p.put(e, ip, u, gopacket.Payload(body))
}

// conn is a TCP connection on a tape.
type conn struct {
	*tape
	dev, peer      string
	devSeq, netSeq uint32
}

// conn prepares a connection of the device.
func (p *tape) conn(dev, peer string) *conn {
	return &conn{tape: p, dev: dev, peer: peer, devSeq: 1000, netSeq: 900000}
}

// tcp adds a segment; flags are letters of S, A, F and R.
func (c *conn) tcp(up bool, flags string, seq uint32, n int) *conn {
	from, to, ack := c.dev, c.peer, c.netSeq
	if !up {
		from, to, ack = c.peer, c.dev, c.devSeq
	}
	e, ip := c.ip(from, to, layers.IPProtocolTCP)
	t := &layers.TCP{
		SrcPort: layers.TCPPort(netip.MustParseAddrPort(from).Port()), DstPort: layers.TCPPort(netip.MustParseAddrPort(to).Port()),
		Seq: seq, Window: 4096,
		SYN: strings.Contains(flags, "S"), ACK: strings.Contains(flags, "A"), FIN: strings.Contains(flags, "F"), RST: strings.Contains(flags, "R"),
	}
	if t.ACK {
		t.Ack = ack
	}
	t.SetNetworkLayerForChecksum(ip)
	c.put(e, ip, t, gopacket.Payload(recordOf(n)))
	return c
}

// recordOf is n bytes that begin as a record of them does; of other lengths
// they are plain.
func recordOf(n int) []byte {
	b := bytes.Repeat([]byte{0xa5}, n)
	if n >= 18 && (n-2)%16 == 0 {
		binary.BigEndian.PutUint16(b, uint16(n-2))
	}
	return b
}

// open connects, with a round trip of 20 ms.
func (c *conn) open() *conn {
	c.tcp(true, "S", c.devSeq, 0).wait(20 * time.Millisecond)
	c.devSeq++
	c.tcp(false, "SA", c.netSeq, 0).wait(time.Millisecond)
	c.netSeq++
	c.tcp(true, "A", c.devSeq, 0)
	return c
}

// send carries n bytes up and is acknowledged; down likewise.
func (c *conn) send(n int) *conn {
	c.wait(30 * time.Millisecond)
	c.tcp(true, "A", c.devSeq, n)
	c.devSeq += uint32(n)
	c.wait(20 * time.Millisecond)
	return c.tcp(false, "A", c.netSeq, 0)
}

// get carries n bytes down and is acknowledged.
func (c *conn) get(n int) *conn {
	c.wait(30 * time.Millisecond)
	c.tcp(false, "A", c.netSeq, n)
	c.netSeq += uint32(n)
	c.wait(time.Millisecond)
	return c.tcp(true, "A", c.devSeq, 0)
}

// shake does the whole handshake, and one record each way behind it.
func (c *conn) shake() *conn { return c.get(40).send(256).get(384).send(18).get(18).send(50).get(18) }

// dhcp adds a message of or for the device.
func (p *tape) dhcp(xid uint32, kind layers.DHCPMsgType, ip string, more ...layers.DHCPOption) *tape {
	m := &layers.DHCPv4{
		Operation: layers.DHCPOpRequest, HardwareType: layers.LinkTypeEthernet, HardwareLen: 6, Xid: xid, ClientHWAddr: hw(photon),
		Options: append(layers.DHCPOptions{layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{byte(kind)})}, more...),
	}
	e := &layers.Ethernet{SrcMAC: hw(photon), DstMAC: net.HardwareAddr{255, 255, 255, 255, 255, 255}, EthernetType: layers.EthernetTypeIPv4}
	h := &layers.IPv4{Version: 4, IHL: 5, TTL: 255, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4zero, DstIP: net.IPv4bcast}
	u := &layers.UDP{SrcPort: 68, DstPort: 67}
	if kind == layers.DHCPMsgTypeOffer || kind == layers.DHCPMsgTypeAck || kind == layers.DHCPMsgTypeNak {
		m.Operation = layers.DHCPOpReply
		m.YourClientIP = net.ParseIP(ip)
		m.Options = append(m.Options, layers.NewDHCPOption(layers.DHCPOptServerID, []byte{192, 168, 77, 1}), layers.NewDHCPOption(layers.DHCPOptSubnetMask, []byte{255, 255, 255, 0}))
		e.SrcMAC, h.TTL, h.SrcIP = hw(router), 64, net.IP{192, 168, 77, 1}
		u.SrcPort, u.DstPort = 67, 68
	}
	m.Options = append(m.Options, layers.NewDHCPOption(layers.DHCPOptEnd, nil))
	u.SetNetworkLayerForChecksum(h)
	return p.put(e, h, u, m)
}

// lease does a whole DHCP exchange.
func (p *tape) lease() *tape {
	params := layers.NewDHCPOption(layers.DHCPOptParamsRequest, []byte{1, 3, 6})
	name := layers.NewDHCPOption(layers.DHCPOptHostname, []byte("3a0027000447333136323739"))
	p.dhcp(7, layers.DHCPMsgTypeDiscover, "", params, name).wait(10*time.Millisecond).dhcp(7, layers.DHCPMsgTypeOffer, "192.168.77.20")
	return p.wait(10*time.Millisecond).dhcp(7, layers.DHCPMsgTypeRequest, "", params, name).wait(10*time.Millisecond).dhcp(7, layers.DHCPMsgTypeAck, "192.168.77.20").wait(10 * time.Millisecond)
}

// arp adds a request of the device.
func (p *tape) arp(from, to string) *tape {
	a, b := netip.MustParseAddr(from), netip.MustParseAddr(to)
	return p.put(
		&layers.Ethernet{SrcMAC: hw(photon), DstMAC: net.HardwareAddr{255, 255, 255, 255, 255, 255}, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
			SourceHwAddress: hw(photon), SourceProtAddress: a.AsSlice(), DstHwAddress: make([]byte, 6), DstProtAddress: b.AsSlice(),
		})
}

// ask adds a DNS query for the cloud's name.
func (p *tape) ask() *tape {
	return p.udp(photonA, dnsA, p.message(&layers.DNS{ID: 9, RD: true}))
}

// reply adds its answer.
func (p *tape) reply(code layers.DNSResponseCode, ips ...string) *tape {
	m := &layers.DNS{ID: 9, QR: true, ResponseCode: code}
	for _, ip := range ips {
		m.Answers = append(m.Answers, layers.DNSResourceRecord{Name: []byte("device.spark.io"), Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: 30, IP: net.ParseIP(ip)})
	}
	was := p.downTTL
	p.downTTL = 64
	defer func() { p.downTTL = was }()
	return p.udp(dnsA, photonA, p.message(m))
}

// message is a DNS message with the question for the cloud's name.
func (p *tape) message(m *layers.DNS) []byte {
	m.Questions = []layers.DNSQuestion{{Name: []byte("device.spark.io"), Type: layers.DNSTypeA, Class: layers.DNSClassIN}}
	buf := gopacket.NewSerializeBuffer()
	if err := m.SerializeTo(buf, gopacket.SerializeOptions{FixLengths: true}); err != nil {
		p.t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

// unreachable adds an ICMP message of a router about the device's SYN.
func (p *tape) unreachable(code uint8) *tape {
	about := p.frames[len(p.frames)-1].data[14:42]
	e, h := p.ip("10.1.2.3:0", photonA, layers.IPProtocolICMPv4)
	h.TTL = 63
	return p.put(e, h, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, code)}, gopacket.Payload(bytes.Clone(about)))
}

// pcap is the tape as a file.
func (p *tape) pcap(o binary.ByteOrder, magic uint32, link LinkType) []byte {
	b := make([]byte, 24)
	o.PutUint32(b, magic)
	o.PutUint16(b[4:], 2)
	o.PutUint16(b[6:], 4)
	o.PutUint32(b[16:], 65535)
	o.PutUint32(b[20:], uint32(link))
	for _, f := range p.frames {
		frac := f.at.Nanosecond()
		if magic == magicMicro {
			frac /= 1000
		}
		h := make([]byte, 16)
		o.PutUint32(h, uint32(f.at.Unix()))
		o.PutUint32(h[4:], uint32(frac))
		o.PutUint32(h[8:], uint32(len(f.data)))
		o.PutUint32(h[12:], uint32(f.wire))
		b = append(append(b, h...), f.data...)
	}
	return b
}

// eventLine is an event as a line of a golden file.
func eventLine(e gateway.Event) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%8.3f %s %s", e.Time.Sub(t0).Seconds(), e.MAC, e.Kind)
	add := func(name string, v any, zero bool) {
		if !zero {
			fmt.Fprintf(&w, " %s=%v", name, v)
		}
	}
	add("session", e.Session, e.Session == 0)
	add("phase", e.Phase, e.Phase == 0)
	add("peer", e.Peer, !e.Peer.IsValid())
	add("addr", e.Addr, !e.Addr.IsValid())
	add("id", e.ID, e.ID.IsZero())
	add("name", e.Name, e.Name == "")
	add("outcome", e.Outcome, e.Outcome == "")
	add("rtt", e.RTT, e.RTT == 0)
	add("code", e.Code, e.Code == 0)
	add("count", e.Count, e.Count == 0)
	add("ok", e.OK, !e.OK)
	add("text", fmt.Sprintf("%q", e.Text), e.Text == "")
	if r := e.Record; r != nil {
		fmt.Fprintf(&w, " by=%s how=%s up=%d down=%d lived=%s retransmits=%d unacked=%d detail=%q",
			r.ClosedBy, r.How, r.Up, r.Down, r.Ended.Sub(r.Started), r.Retransmits, r.Unacked, r.Detail)
	}
	return w.String()
}

// payloadOf is bytes as a layer.
func payloadOf(b []byte) gopacket.SerializableLayer { return gopacket.Payload(b) }

// portal is a segment in which a web server answers, 60 bytes long.
func (c *conn) portal() []gopacket.SerializableLayer {
	e, h := c.ip(c.peer, c.dev, layers.IPProtocolTCP)
	t := &layers.TCP{SrcPort: cloudPort, DstPort: layers.TCPPort(netip.MustParseAddrPort(c.dev).Port()), Seq: c.netSeq, ACK: true, Ack: c.devSeq, Window: 4096}
	t.SetNetworkLayerForChecksum(h)
	return []gopacket.SerializableLayer{e, h, t, payloadOf(append([]byte("HTTP/1.1 302 Found\r\n"), bytes.Repeat([]byte{' '}, 40)...))}
}

// newReader reads bytes.
func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }
