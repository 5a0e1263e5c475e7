//go:build !nowatch

package capture

import (
	"net/netip"
	"slices"
	"time"

	"photongate/gateway"
)

const (
	// dhcpLimit is how long a Photon asks for an address (photon.md 5.3).
	dhcpLimit = 15 * time.Second
	// ntpLimit is how long a Photon's test of the internet waits (photon.md 5.2).
	ntpLimit = 10 * time.Second
)

// host is what is known of one MAC.
type host struct {
	mac  gateway.MAC
	seen time.Time
	// addr is the address that the host uses.
	addr netip.Addr
	// server: the host answers DHCP or DNS, so it is no device.
	server bool
	// photon: the host behaved as a Photon does.
	photon bool
	// dhcp: the host took part in DHCP.
	dhcp bool
	// xid is the last DHCP transaction told of; asking is since when the host
	// waits for an address, zero where it does not.
	xid    uint32
	asking time.Time
	// granted and denied are the last transactions that were answered.
	granted, denied uint32
	// announced is the address that the host announced before any DHCP.
	announced netip.Addr
	// told: that its address is not DHCP's was told.
	told bool
	// testing is since when the host waits for the time, zero where it does not.
	testing time.Time
	// lastManagement tells copies of an 802.11 frame from new ones.
	lastManagement uint32
}

// forget ends all waiting.
func (h *host) forget() { h.asking, h.testing = time.Time{}, time.Time{} }

// host is the entry of a MAC, new where there is none.
func (d *Decoder) host(m gateway.MAC) *host {
	h := d.hosts[m]
	if h == nil {
		if len(d.hosts) >= hostsLimit {
			d.dropHost()
		}
		h = &host{mac: m}
		d.hosts[m] = h
		d.stats.Devices++
	}
	h.seen = d.clock
	return h
}

// dropHost forgets the host that was silent for longest, a Photon only where
// there is nobody else.
func (d *Decoder) dropHost() {
	var oldest *host
	for _, h := range d.hosts {
		if oldest == nil || oldest.photon && !h.photon || oldest.photon == h.photon && h.seen.Before(oldest.seen) {
			oldest = h
		}
	}
	delete(d.hosts, oldest.mac)
}

// recognise notes that a MAC behaves as a Photon does.
func (d *Decoder) recognise(m gateway.MAC) {
	if m.IsZero() || m.IsGroup() {
		return
	}
	h := d.host(m)
	if h.photon {
		return
	}
	h.photon = true
	if len(d.stats.Photons) < hostsLimit && !slices.Contains(d.stats.Photons, m) {
		d.stats.Photons = append(d.stats.Photons, m)
	}
	if h.announced.IsValid() && !h.dhcp {
		d.tellStatic(h, h.announced)
	}
}

// expireHost tells of what a host waited for in vain.
func (d *Decoder) expireHost(h *host) {
	if !h.asking.IsZero() && d.clock.Sub(h.asking) >= dhcpLimit {
		at := h.asking.Add(dhcpLimit)
		h.asking = time.Time{}
		d.send(at, gateway.Event{Kind: gateway.LeaseFailed, MAC: h.mac, Text: "no DHCP server answered in 15 s"})
	}
	if !h.testing.IsZero() && d.clock.Sub(h.testing) >= ntpLimit {
		at := h.testing.Add(ntpLimit)
		h.testing = time.Time{}
		d.send(at, gateway.Event{Kind: gateway.InternetTest, MAC: h.mac, Text: "no time server answered in 10 s"})
	}
}
