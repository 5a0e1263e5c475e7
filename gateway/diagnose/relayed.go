package diagnose

import (
	"net/netip"
	"strings"

	"photongate/gateway"
)

// outside tells the witnesses that see the device's own connections, and not
// those that a gateway makes for it.
func outside(w gateway.Witness) bool {
	return w == gateway.WitnessSerial || w == gateway.WitnessCapture
}

// relayed tells whether a device's peer is a gateway that stands for the
// cloud: the cloud has public addresses, and a private one (RFC 1918 3) is its
// site's. A device that is set to an address has no gateway's answer to follow.
func (s *Story) relayed(peer netip.AddrPort, w gateway.Witness) bool {
	if !outside(w) || !peer.Addr().Unmap().IsPrivate() {
		return false
	}
	_, err := netip.ParseAddr(s.cloud)
	return err != nil
}

// tried tells whether an event is the device's own experience with an address
// of the cloud; the egress reports those that it tries itself.
func (s *Story) tried(peer netip.AddrPort, e gateway.Event) bool {
	return outside(e.Witness) && !s.relayed(peer, e.Witness)
}

// byCloud tells whether a reset came from the cloud itself, as a capture sees:
// it tells an injected one by the hops that it took.
func (l loss) byCloud() bool {
	return l.event.Witness == gateway.WitnessCapture && l.record != nil && !injected(l.record)
}

// injected tells whether a capture saw that a reset was not its sender's.
func injected(r *gateway.SessionRecord) bool { return strings.Contains(r.Detail, "reset injected") }
