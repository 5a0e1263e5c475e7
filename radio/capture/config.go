package capture

import (
	"log/slog"
	"net/netip"

	"photongate/gateway"
)

// Settings are what a Decoder needs.
type Settings struct {
	// Names are the cloud's names; empty means device.spark.io and
	// device.tcp.particle.io (photon.md 5.1).
	Names []string
	// Segment is the network in which devices belong. The zero prefix means:
	// learn it from DHCP.
	Segment netip.Prefix
	// Only says which MACs events may be about; nil means all. Events
	// without a MAC pass. A MAC that it names is a device's, whatever the TTL
	// of its packets.
	Only func(gateway.MAC) bool
	// Emit takes the events, in the order of the frames.
	Emit gateway.Sink
}

// Config is what a Ring needs.
type Config struct {
	// Interface is the name of the segment's interface, with Ethernet framing.
	Interface string
	// Listed says whose packets are kept and told of; nil means everybody's
	// but the interface's own.
	Listed func(gateway.MAC) bool
	// Bytes is how much is kept of one device, from 1 KiB to 16 MiB; 0 means 64 KiB.
	Bytes int
	// Snap is how much of a packet is kept, from 64 to 1514 bytes; 0 means 128.
	// DHCP and DNS, which identify devices and faults, are kept whole.
	Snap int
	// Names and Segment are those of Settings.
	Names   []string
	Segment netip.Prefix
	// Emit takes the events of the devices, and PartOK and PartFailed.
	Emit gateway.Sink
	Log  *slog.Logger
}
