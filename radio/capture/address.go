//go:build !nowatch

package capture

import (
	"fmt"
	"net/netip"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
)

// address reads an ARP packet (RFC 826). A host that uses an address of its
// own, not DHCP's, is told of: on a Photon it survives a reset of the
// credentials (users.md A2).
func (d *Decoder) address(f frame) gateway.MAC {
	if err := d.arpOnly.DecodeLayers(f.body, &d.decoded); err != nil || len(d.arp.SourceHwAddress) != 6 || len(d.arp.SourceProtAddress) != 4 {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	m := gateway.MAC(d.arp.SourceHwAddress)
	ip := netip.AddrFrom4([4]byte(d.arp.SourceProtAddress))
	if m.IsGroup() || m.IsZero() || !f.src.IsZero() && f.src != m {
		d.stats.Malformed++
		return gateway.MAC{}
	}
	h := d.host(m)
	if ip.IsUnspecified() {
		// It only asks whether the address is free (RFC 5227).
		return m
	}
	h.addr = ip
	if !h.dhcp && !h.server && !h.told {
		d.judgeAddress(h, ip, string(d.arp.DstProtAddress) == string(d.arp.SourceProtAddress))
	}
	if d.arp.Operation == layers.ARPReply && f.dst != (gateway.MAC{}) && h.server {
		return f.dst
	}
	return m
}

// judgeAddress decides whether an address without DHCP is worth telling: it is
// where it does not belong to the segment, and where a Photon announced it; a
// lease from before the capture explains all others.
func (d *Decoder) judgeAddress(h *host, ip netip.Addr, announced bool) {
	switch {
	case ip.IsLinkLocalUnicast():
		d.tellStatic(h, ip)
	case d.segment.IsValid() && !d.segment.Contains(ip):
		d.tellStatic(h, ip)
	case announced && h.photon:
		d.tellStatic(h, ip)
	case announced:
		h.announced = ip
	}
}

// tellStatic tells of an address that is not DHCP's, once.
func (d *Decoder) tellStatic(h *host, ip netip.Addr) {
	if h.told {
		return
	}
	h.told = true
	text := fmt.Sprintf("uses the static address %s without asking DHCP", ip)
	switch {
	case ip.IsLinkLocalUnicast():
		text = fmt.Sprintf("gave itself the link-local address %s", ip)
	case d.segment.IsValid() && !d.segment.Contains(ip):
		text += fmt.Sprintf("; it is not of the segment %s", d.segment)
	}
	d.tell(h, gateway.Event{Kind: gateway.LeaseFailed, Addr: ip, Text: text})
}
