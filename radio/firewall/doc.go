// Package firewall keeps the segment closed: one nftables table of ours, loaded
// atomically by `nft -f -`, watched, and removed.
//
// The policy, in the order in which a packet from the segment meets it:
//
//   - TCP 5683, TCP and UDP 53 and, where served, UDP 123 to any address are
//     turned to the gateway, because old firmware dials a fixed address
//     (photon.md 5.1) and tests the internet at 8.8.8.8:53 (photon.md 5.2).
//   - IPv6 is dropped: nothing is served or relayed over it.
//   - DHCP is open to listed devices, and to strangers at a small rate, so
//     that the DHCP server can tell of them. It answers nobody unlisted.
//   - Everything else needs a listed MAC together with the address leased to it.
//   - Of that, only the relay, DNS, NTP, echo, IGMP and the presence datagram
//     to 224.0.1.187:5683 (photon.md 4.2) pass, and only to the gateway.
//   - No device opens connections to the relay, asks for addresses or announces
//     itself faster than a Photon does: what is more is dropped.
//
// Nothing is forwarded from or to the segment, and the gateway opens no
// connection to a device. Packets of other interfaces are not looked at: other
// tables rule there. A drop is final whatever other tables say, while an accept
// is only ours (platform.md 2.2), so a system firewall must let the same
// services in.
//
// The decision is made at the prerouting hook, behind the address translation,
// and not at the input hook: the kernel's routing would discard packets for
// other networks between the two, uncounted.
package firewall
