//go:build !nowatch

package capture

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

const (
	// askTries and askLimit are how often and how long a Photon asks: three
	// times, 5 s each (photon.md 5.1).
	askTries = 3
	askLimit = 15 * time.Second
	// sinkholeText is about the answer of a DNS filter.
	sinkholeText = "sinkhole: the name was answered with %s, where no cloud is"
)

// askKey tells questions apart.
type askKey struct {
	client netip.Addr
	name   string
}

// ask is a question for the cloud's name without an answer yet.
type ask struct {
	key    askKey
	mac    gateway.MAC
	server netip.Addr
	first  time.Time
	tries  int
	// order is the order of the questions.
	order uint64
}

// question reads a DNS query.
func (d *Decoder) question(f frame, src, dst netip.Addr, b []byte) gateway.MAC {
	name, ok := d.askedName(b)
	m := d.sender(f)
	if !ok || d.dns.QR {
		return gateway.MAC{}
	}
	if m != (gateway.MAC{}) {
		d.host(m).addr = src
	}
	if !slices.Contains(d.names, name) {
		d.stats.Other++
		return m
	}
	d.recognise(m)
	k := askKey{client: src, name: name}
	a := d.asks[k]
	if a == nil {
		if len(d.asks) >= asksLimit {
			d.dropAsk()
		}
		d.opened++
		a = &ask{key: k, mac: m, server: dst, first: d.clock, order: d.opened}
		d.asks[k] = a
	}
	a.tries++
	return m
}

// askedName decodes a DNS message and returns the name of its one question.
func (d *Decoder) askedName(b []byte) (string, bool) {
	if err := d.dnsOnly.DecodeLayers(b, &d.decoded); err != nil || len(d.dns.Questions) != 1 {
		d.stats.Malformed++
		return "", false
	}
	q := d.dns.Questions[0]
	if q.Type != layers.DNSTypeA {
		return "", false
	}
	return strings.ToLower(string(bytes.TrimSuffix(q.Name, []byte{'.'}))), true
}

// answer reads a DNS response.
func (d *Decoder) answer(f frame, src, dst netip.Addr, b []byte) gateway.MAC {
	name, ok := d.askedName(b)
	if !ok || !d.dns.QR {
		return gateway.MAC{}
	}
	if h := d.hosts[f.src]; h != nil && fresh(d.ip4.TTL) {
		h.server = true
	}
	a := d.asks[askKey{client: dst, name: name}]
	if a == nil {
		return gateway.MAC{}
	}
	if d.dns.TC {
		return a.mac // asked again over TCP, or never
	}
	delete(d.asks, a.key)
	e := gateway.Event{Kind: gateway.ResolveFailed, MAC: a.mac, Name: name, RTT: d.clock.Sub(a.first)}
	switch addr := d.firstAddress(); {
	case d.dns.ResponseCode != layers.DNSResponseCodeNoErr:
		e.Text = fmt.Sprintf("%s answered %s", src, rcodeWord(d.dns.ResponseCode))
	case !addr.IsValid():
		e.Text = fmt.Sprintf("%s answered without an address", src)
	case sinkhole(addr) && addr != src:
		e.Addr, e.Text = addr, fmt.Sprintf(sinkholeText, addr)
	default:
		e.Kind, e.Addr = gateway.Resolved, addr
	}
	if a.mac.IsZero() && !e.Addr.IsValid() {
		e.Addr = dst
	}
	d.send(d.clock, e)
	return a.mac
}

// firstAddress is the answer's first address, which a Photon uses.
func (d *Decoder) firstAddress() netip.Addr {
	for _, r := range d.dns.Answers {
		if ip := r.IP.To4(); r.Type == layers.DNSTypeA && ip != nil {
			return netip.AddrFrom4([4]byte(ip))
		}
	}
	return netip.Addr{}
}

// sinkhole tells whether an address cannot be the cloud's. A name server that
// answers with its own address is a gateway like ours, and no sinkhole.
func sinkhole(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast()
}

// rcodeWord is the name of a response code, as dig(1) prints it.
func rcodeWord(c layers.DNSResponseCode) string {
	switch c {
	case layers.DNSResponseCodeFormErr:
		return "FORMERR"
	case layers.DNSResponseCodeServFail:
		return "SERVFAIL"
	case layers.DNSResponseCodeNXDomain:
		return "NXDOMAIN"
	case layers.DNSResponseCodeNotImp:
		return "NOTIMP"
	case layers.DNSResponseCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("code %d", c)
}

// expireAsk tells of a question that nobody answered.
func (d *Decoder) expireAsk(a *ask) {
	if d.clock.Sub(a.first) < askLimit {
		return
	}
	delete(d.asks, a.key)
	if a.tries < askTries {
		// The capture may have missed the rest, or the device the Wi-Fi.
		return
	}
	d.send(a.first.Add(askLimit), gateway.Event{
		Kind: gateway.ResolveFailed, MAC: a.mac, Name: a.key.name, RTT: askLimit,
		Text: fmt.Sprintf("%s gave no answer to %d questions in 15 s", a.server, a.tries),
	})
}

// dropAsk forgets the oldest question.
func (d *Decoder) dropAsk() {
	var oldest *ask
	for _, a := range d.asks {
		if oldest == nil || a.first.Before(oldest.first) {
			oldest = a
		}
	}
	delete(d.asks, oldest.key)
}
