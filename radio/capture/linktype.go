package capture

import "fmt"

// LinkType says how a frame begins, in the numbers of the pcap format (IETF
// draft-ietf-opsawg-pcaplinktype).
type LinkType uint16

// The link types that are read.
const (
	// LinkEthernet is IEEE 802.3, with or without 802.1Q tags.
	LinkEthernet LinkType = 1
	// LinkRawBSD and LinkRaw are IP without a link header.
	LinkRawBSD LinkType = 12
	LinkRaw    LinkType = 101
	// LinkDot11 is IEEE 802.11 without a header of the radio.
	LinkDot11 LinkType = 105
	// LinkSLL is Linux's "any" device, version 1.
	LinkSLL LinkType = 113
	// LinkRadiotap is IEEE 802.11 behind a radiotap header.
	LinkRadiotap LinkType = 127
	// LinkIPv4 is IPv4 without a link header.
	LinkIPv4 LinkType = 228
	// LinkSLL2 is Linux's "any" device, version 2.
	LinkSLL2 LinkType = 276
)

// String names the type, and its number.
func (l LinkType) String() string {
	if n := l.name(); n != "" {
		return fmt.Sprintf("%d (%s)", uint16(l), n)
	}
	return fmt.Sprint(uint16(l))
}

// name is the type's name where people may have met it.
func (l LinkType) name() string {
	switch l {
	case LinkEthernet:
		return "Ethernet"
	case LinkRawBSD, LinkRaw:
		return "raw IP"
	case LinkDot11:
		return "802.11"
	case LinkSLL:
		return "Linux cooked"
	case LinkRadiotap:
		return "802.11 with radiotap"
	case LinkIPv4:
		return "IPv4"
	case LinkSLL2:
		return "Linux cooked 2"
	}
	return l.foreign()
}

// foreign names types that are met, and not read.
func (l LinkType) foreign() string {
	switch l {
	case 0:
		return "BSD loopback"
	case 9, 50, 51:
		return "PPP"
	case 108:
		return "OpenBSD loopback"
	case 119:
		return "802.11 with Prism header"
	case 163:
		return "802.11 with AVS header"
	case 187, 201:
		return "Bluetooth"
	case 189, 220, 249:
		return "USB"
	case 192:
		return "PPI"
	case 195, 215, 230:
		return "802.15.4"
	case 227:
		return "CAN"
	case 229:
		return "IPv6"
	case 239:
		return "netfilter log"
	}
	return ""
}

// known tells whether frames of the type are read.
func (l LinkType) known() bool {
	switch l {
	case LinkEthernet, LinkRawBSD, LinkRaw, LinkDot11, LinkSLL, LinkRadiotap, LinkIPv4, LinkSLL2:
		return true
	}
	return false
}
