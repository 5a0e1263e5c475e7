//go:build !nowatch

package capture

import (
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

const (
	// cloudPort is where a Photon's cloud listens (photon.md 5.1).
	cloudPort = 5683
	// hostsLimit, flowsLimit and asksLimit bound what is remembered; beyond,
	// the oldest is forgotten. A segment has at most 253 devices of one
	// connection and one question each.
	hostsLimit = 256
	flowsLimit = 1024
	asksLimit  = 512
	// tick is how often deadlines are looked at, in the time of the frames.
	tick = time.Second
	// backStep is how far frames may be out of order; captures of several
	// interfaces are merged within less. Beyond, somebody set the clock.
	backStep = time.Second
)

// defaultNames are the cloud's names (photon.md 5.1).
func defaultNames() []string { return []string{"device.spark.io", "device.tcp.particle.io"} }

// Decoder turns frames into events. Its memory is bounded. It is for one
// goroutine; make it with NewDecoder.
type Decoder struct {
	emit gateway.Sink
	// only says whom events may be about; nil: all.
	only  func(gateway.MAC) bool
	names []string
	// segment is where devices belong, as set or as DHCP told; zero: not known.
	segment netip.Prefix
	stats   Stats
	// clock is the time of the latest frame, due when deadlines are looked at next.
	clock, due time.Time

	hosts map[gateway.MAC]*host
	flows map[flowKey]*flow
	asks  map[askKey]*ask
	// opened counts connections and questions, to keep them in order.
	opened uint64

	layerSet
}

// layerSet is gopacket's parsers, with the values that they fill.
type layerSet struct {
	inner   *gopacket.DecodingLayerParser
	arpOnly *gopacket.DecodingLayerParser
	dnsOnly *gopacket.DecodingLayerParser
	dhcp    *gopacket.DecodingLayerParser
	decoded []gopacket.LayerType

	ip4   layers.IPv4
	tcp   layers.TCP
	udp   layers.UDP
	icmp  layers.ICMPv4
	arp   layers.ARP
	dns   layers.DNS
	dhcp4 layers.DHCPv4
}

// NewDecoder checks s and allocates.
func NewDecoder(s Settings) (*Decoder, error) {
	if s.Emit == nil {
		return nil, errors.New("decode packets: nobody takes the events")
	}
	names := s.Names
	if len(names) == 0 {
		names = defaultNames()
	}
	d := &Decoder{
		emit: s.Emit, only: s.Only, segment: s.Segment,
		hosts: make(map[gateway.MAC]*host), flows: make(map[flowKey]*flow), asks: make(map[askKey]*ask),
	}
	for _, n := range names {
		d.names = append(d.names, strings.ToLower(strings.TrimSuffix(n, ".")))
	}
	d.prepare()
	return d, nil
}

// prepare makes the parsers.
func (d *Decoder) prepare() {
	d.inner = gopacket.NewDecodingLayerParser(layers.LayerTypeIPv4, &d.ip4, &d.tcp, &d.udp, &d.icmp)
	d.arpOnly = gopacket.NewDecodingLayerParser(layers.LayerTypeARP, &d.arp)
	d.dnsOnly = gopacket.NewDecodingLayerParser(layers.LayerTypeDNS, &d.dns)
	d.dhcp = gopacket.NewDecodingLayerParser(layers.LayerTypeDHCPv4, &d.dhcp4)
	for _, p := range []*gopacket.DecodingLayerParser{d.inner, d.arpOnly, d.dnsOnly, d.dhcp} {
		// What is deeper is ours to choose by port.
		p.IgnoreUnsupported = true
	}
}

// Frame takes one frame: when it was captured, how it begins, its bytes as far
// as captured, and its length on the wire in bytes. It returns the MAC of the
// device that the frame is of or for, zero where it led to none.
func (d *Decoder) Frame(t time.Time, link LinkType, b []byte, wire int) gateway.MAC {
	d.count(t, b)
	d.Advance(t)
	if !link.known() {
		d.stats.Unsupported++
		if name := link.String(); !slices.Contains(d.stats.Links, name) && len(d.stats.Links) < 16 {
			d.stats.Links = append(d.stats.Links, name)
		}
		return gateway.MAC{}
	}
	f, ok := unwrap(link, b, wire)
	switch {
	case !ok:
		d.stats.Malformed++
	case f.management:
		return d.management(f)
	case f.encrypted:
		d.stats.Encrypted++
	case f.proto == protoARP:
		return d.address(f)
	case f.proto == protoIPv4:
		return d.packet(f)
	default:
		d.stats.Other++
	}
	return gateway.MAC{}
}

// count counts a frame.
func (d *Decoder) count(t time.Time, b []byte) {
	if d.stats.Frames == 0 {
		d.stats.First = t
	}
	d.stats.Frames++
	d.stats.Bytes += uint64(len(b))
	d.stats.Last = t
}

// Advance moves the time on without a frame, so that what stays unanswered is
// noticed. A clock that was set back by more than a second leaves no deadline
// that means anything: what was waited for is forgotten.
func (d *Decoder) Advance(now time.Time) {
	switch {
	case d.clock.IsZero(), now.Before(d.clock.Add(-backStep)):
		clear(d.flows)
		clear(d.asks)
		for _, h := range d.hosts {
			h.forget()
		}
		d.clock, d.due = now, now.Add(tick)
		return
	case now.Before(d.clock):
		return
	}
	d.clock = now
	if now.Before(d.due) {
		return
	}
	d.due = now.Add(tick)
	d.expire()
}

// expire tells of everything whose time is over, in a stable order.
func (d *Decoder) expire() {
	for _, m := range slices.SortedFunc(maps.Keys(d.hosts), func(a, b gateway.MAC) int { return slices.Compare(a[:], b[:]) }) {
		d.expireHost(d.hosts[m])
	}
	for _, a := range slices.SortedFunc(maps.Values(d.asks), func(a, b *ask) int { return cmp.Compare(a.order, b.order) }) {
		d.expireAsk(a)
	}
	for _, f := range d.ordered() {
		d.expireFlow(f)
	}
}

// Finish says that no frame follows: connections of which one side has closed
// are over.
func (d *Decoder) Finish() {
	d.expire()
	for _, f := range d.ordered() {
		if f.state == flowOpen && f.closer != "" {
			d.closeFlow(f, f.closer, gateway.EndFIN, d.clock)
		}
	}
}

// Stats is what was seen so far.
func (d *Decoder) Stats() Stats {
	s := d.stats
	s.Links, s.Photons = slices.Clone(s.Links), slices.Clone(s.Photons)
	return s
}

// tell emits an event about a host that has a MAC.
func (d *Decoder) tell(h *host, e gateway.Event) {
	e.MAC = h.mac
	d.send(d.clock, e)
}

// send emits an event that happened at t, where it is about somebody of interest.
func (d *Decoder) send(t time.Time, e gateway.Event) {
	if !e.MAC.IsZero() && d.only != nil && !d.only(e.MAC) {
		return
	}
	e.Time, e.Witness = t, gateway.WitnessCapture
	d.emit(e)
}
