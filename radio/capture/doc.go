// Package capture is the packet witness. It reads what crossed the segment,
// from an interface or from a file, and says it as gateway.Event: association,
// DHCP, ARP, DNS, TCP and the phases of the Spark handshake by byte counts.
//
//	file  --ReadFile-->  Decoder  --Event-->
//	wire  ----Ring---->  Decoder  --Event-->
//	                \-->  per-device ring of packets  --Dump-->  pcapng
//
// It decrypts nothing: the cloud protocol's payload is counted, and of it only
// record lengths are read (photon.md 4.1).
//
// # Where to capture
//
// On the device's side of the access point, or in the air with radiotap: there
// a frame's MAC is the device's. Where a router stands between (the packets'
// TTL tells, and raw IP has no MAC at all) events have no MAC, and carry the
// device's address in Addr where the kind has no other use for it. Behind a NAT
// or a relay all devices are one.
//
// # Without it
//
// The build tag nowatch leaves decoding out of the binary: the same names are
// there, and all that can fail returns ErrAbsent.
package capture

import "errors"

// ErrAbsent says that the binary was built with the tag nowatch.
var ErrAbsent = errors.New("this build has no packet witness")
