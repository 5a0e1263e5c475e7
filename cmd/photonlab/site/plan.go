package site

import (
	"net/netip"
	"slices"

	"photongate/gateway"
)

// The site's fixed points.
const (
	// CloudName is where every Photon's cloud is (photon.md 5.1).
	CloudName = "device.spark.io"
	// CloudPort is its TCP port (photon.md 5.1).
	CloudPort = 5683
	// SegmentInterface is the gateway's interface on the air.
	SegmentInterface = "seg0"
	// SegmentAddress is the gateway's address on the air; photongate sets it.
	SegmentAddress = "192.168.77.1/24"
	// WANAddress is the gateway's address towards the firewall.
	WANAddress = "10.10.0.2/24"
	// PhotonInterface is the interface of a Photon in its namespace.
	PhotonInterface = "wlan0"

	// firewallInside and firewallOutside are the firewall's two addresses.
	firewallInside, firewallOutside = "10.10.0.1", "10.20.0.1"
	// resolverAddress is the enterprise's resolver, beyond the firewall.
	resolverAddress = "10.20.0.53"
)

// Photon is a virtual device of the site.
type Photon struct {
	gateway.Device
	// Listed: the gateway knows it; the one that is not is the stranger.
	Listed bool
}

// Photons lists the site's devices: two that are whitelisted and a stranger.
// The MACs are of Particle's own block (photon.md 1.1 ff.), the ids made up.
func Photons() []Photon {
	return []Photon{
		photon("porch", 0x95, true),
		photon("gate", 0x96, true),
		photon("stranger", 0x97, false),
	}
}

// photon makes one device; last is the last byte of its MAC and of its id.
func photon(name string, last byte, listed bool) Photon {
	d := gateway.Device{
		Name: name,
		MAC:  gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, last},
		ID:   gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, last},
	}
	return Photon{Device: d, Listed: listed}
}

// CloudAddrs lists the addresses at which the cloud answers: the four of the
// seed thread and two of public logs (photon.md 5.1).
func CloudAddrs() []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr("52.90.98.3"), netip.MustParseAddr("54.175.227.173"),
		netip.MustParseAddr("107.22.28.43"), netip.MustParseAddr("107.22.156.56"),
		netip.MustParseAddr("54.173.1.44"), netip.MustParseAddr("52.91.48.237"),
	}
}

// Approved is the one address that ApproveOne lets through: the numerically
// last, which a gateway that goes through them in order tries last.
func Approved() netip.Addr { return slices.MaxFunc(CloudAddrs(), netip.Addr.Compare) }

// ResolverAddr is where the enterprise's resolver answers.
func ResolverAddr() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(resolverAddress), 53)
}
