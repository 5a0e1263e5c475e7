package dhcp

import (
	"strconv"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"photongate/gateway"
)

// fingerprintCodes bounds how many requested options a fingerprint lists;
// known clients ask for fewer than 30.
const fingerprintCodes = 64

// fingerprintClass bounds the vendor class in a fingerprint, in bytes; known
// ones, as in "udhcp 1.30.1", are shorter than 40.
const fingerprintClass = 64

// fingerprint is what tells one kind of client from another: the option codes
// that it asks for, in its order, then its vendor class, as in
// "1,3,6,15 udhcp 1.30.1". A device whose fingerprint changes may be a clone
// (users.md G).
func fingerprint(req *dhcpv4.DHCPv4) string {
	var w strings.Builder
	codes := req.Options.Get(dhcpv4.OptionParameterRequestList)
	for i, c := range codes[:min(len(codes), fingerprintCodes)] {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(strconv.Itoa(int(c)))
	}
	class := req.Options.Get(dhcpv4.OptionClassIdentifier)
	if len(class) > 0 && w.Len() > 0 {
		w.WriteByte(' ')
	}
	for _, c := range class[:min(len(class), fingerprintClass)] {
		// It ends in terminals and topics, so only what prints passes.
		if c < ' ' || c > '~' {
			c = '?'
		}
		w.WriteByte(c)
	}
	return w.String()
}

// identity is the device id in the host name option: a Photon from firmware
// 0.7 on sends it there (photon.md 8.3). It is zero for any other name.
func identity(req *dhcpv4.DHCPv4) gateway.DeviceID {
	id, err := gateway.ParseDeviceID(req.HostName())
	if err != nil {
		return gateway.DeviceID{}
	}
	return id
}
