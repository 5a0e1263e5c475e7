//go:build !nowatch

package capture

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

const (
	// fingerprintCodes and fingerprintClass bound a fingerprint: known clients
	// ask for fewer than 30 options and name themselves in fewer than 40 bytes.
	fingerprintCodes = 64
	fingerprintClass = 64
)

// lease reads a DHCP message (RFC 2131).
func (d *Decoder) lease(f frame, b []byte) gateway.MAC {
	if err := d.dhcp.DecodeLayers(b, &d.decoded); err != nil || len(d.dhcp4.ClientHWAddr) != 6 {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	m := gateway.MAC(d.dhcp4.ClientHWAddr)
	if m.IsZero() || m.IsGroup() {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	h := d.host(m)
	h.dhcp = true
	if d.dhcp4.Operation == layers.DHCPOpRequest {
		d.leaseAsked(h)
	} else {
		if !f.src.IsZero() {
			d.host(f.src).server = true
		}
		d.leaseAnswered(h)
	}
	return m
}

// leaseAsked tells of a request, once in a transaction.
func (d *Decoder) leaseAsked(h *host) {
	kind := layers.DHCPMsgType(first(d.option(layers.DHCPOptMessageType)))
	if kind != layers.DHCPMsgTypeDiscover && kind != layers.DHCPMsgTypeRequest {
		return
	}
	if h.asking.IsZero() && (h.granted != d.dhcp4.Xid || kind == layers.DHCPMsgTypeDiscover) {
		h.asking = d.clock
	}
	if h.xid == d.dhcp4.Xid {
		return
	}
	h.xid = d.dhcp4.Xid
	e := gateway.Event{Kind: gateway.LeaseAsked, Text: d.fingerprint()}
	if id, err := gateway.ParseDeviceID(string(d.option(layers.DHCPOptHostname))); err == nil {
		e.ID = id
		d.recognise(h.mac)
	}
	d.tell(h, e)
}

// leaseAnswered tells of a lease or of its refusal, once in a transaction.
func (d *Decoder) leaseAnswered(h *host) {
	kind := layers.DHCPMsgType(first(d.option(layers.DHCPOptMessageType)))
	ip, ok := netip.AddrFromSlice(d.dhcp4.YourClientIP.To4())
	xid := d.dhcp4.Xid
	switch {
	case kind == layers.DHCPMsgTypeAck && ok && !ip.IsUnspecified():
		h.asking, h.addr, h.told = time.Time{}, ip, false
		d.learnSegment(ip)
		if h.granted != xid {
			h.granted = xid
			d.tell(h, gateway.Event{Kind: gateway.Leased, Addr: ip})
		}
	case kind == layers.DHCPMsgTypeNak:
		h.asking = time.Time{}
		if h.denied != xid {
			h.denied = xid
			d.tell(h, gateway.Event{Kind: gateway.LeaseFailed, Text: d.refusal()})
		}
	}
}

// refusal says who refused an address, and why where the message says so.
func (d *Decoder) refusal() string {
	text := "the DHCP server refused the address (NAK)"
	if id := d.option(layers.DHCPOptServerID); len(id) == 4 {
		text = "the DHCP server " + netip.AddrFrom4([4]byte(id)).String() + " refused the address (NAK)"
	}
	if msg := d.option(layers.DHCPOptMessage); len(msg) > 0 {
		text += ": " + printable(msg, fingerprintClass)
	}
	return text
}

// learnSegment takes the network of a lease for the segment, where none is set.
func (d *Decoder) learnSegment(ip netip.Addr) {
	mask := d.option(layers.DHCPOptSubnetMask)
	if d.segment.IsValid() || len(mask) != 4 {
		return
	}
	ones := 0
	for ones < 32 && mask[ones/8]&(0x80>>(ones%8)) != 0 {
		ones++
	}
	if ones > 0 {
		d.segment = netip.PrefixFrom(ip, ones).Masked()
	}
}

// option is the value of a DHCP option, nil where it is not there.
func (d *Decoder) option(code layers.DHCPOpt) []byte {
	for _, o := range d.dhcp4.Options {
		if o.Type == code {
			return o.Data
		}
	}
	return nil
}

// first is the first byte, 0 where there is none.
func first(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// fingerprint is what tells one kind of client from another: the option codes
// that it asks for, in its order, then its vendor class (users.md G).
func (d *Decoder) fingerprint() string {
	var out []byte
	codes := d.option(layers.DHCPOptParamsRequest)
	for i, c := range codes[:min(len(codes), fingerprintCodes)] {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(c), 10)
	}
	class := d.option(layers.DHCPOptClassID)
	if len(class) > 0 && len(out) > 0 {
		out = append(out, ' ')
	}
	return string(out) + printable(class, fingerprintClass)
}
