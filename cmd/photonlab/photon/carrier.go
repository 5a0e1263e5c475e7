package photon

import (
	"encoding/binary"
	"syscall"
)

// iflaCarrier is the attribute that holds the carrier itself (linux/if_link.h,
// since Linux 3.7). The flag IFF_RUNNING follows it up to a second late.
const iflaCarrier = 33

// carrier tells whether the link of an interface stands.
func carrier(name string) bool {
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return false
	}
	messages, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return false
	}
	for _, m := range messages {
		if linkName, up := parseLink(m); linkName == name {
			return up
		}
	}
	return false
}

// parseLink returns the name and the carrier of the link that m describes. An
// interface that is switched off has no carrier to speak of.
func parseLink(m syscall.NetlinkMessage) (name string, up bool) {
	if m.Header.Type != syscall.RTM_NEWLINK || len(m.Data) < syscall.SizeofIfInfomsg {
		return "", false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return "", false
	}
	on := binary.NativeEndian.Uint32(m.Data[8:])&syscall.IFF_UP != 0
	for _, a := range attrs {
		switch {
		case a.Attr.Type == syscall.IFLA_IFNAME && len(a.Value) > 0:
			name = string(a.Value[:len(a.Value)-1])
		case a.Attr.Type == iflaCarrier && len(a.Value) > 0:
			up = on && a.Value[0] == 1
		}
	}
	return name, up
}
