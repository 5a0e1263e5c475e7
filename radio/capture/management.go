//go:build !nowatch

package capture

import (
	"encoding/binary"
	"fmt"

	"photongate/gateway"
)

// The subtypes of management frames (IEEE 802.11-2020 table 9-1).
const (
	subAssocRequest    = 0
	subAssocResponse   = 1
	subReassocRequest  = 2
	subReassocResponse = 3
	subDisassociation  = 10
	subAuthentication  = 11
	subDeauthenticate  = 12
)

// notAuthenticated is the firmware's join result for an access point that
// refuses (photon.md 5.4).
const notAuthenticated = 1006

// management reads a frame that manages an association.
func (d *Decoder) management(f frame) gateway.MAC {
	b, body := f.body, f.body[headerLen:]
	sub := b[0] >> 4
	// The address of the access point tells the directions apart.
	ap := gateway.MAC(b[16:22])
	station := f.src
	if f.src == ap {
		station = f.dst
	}
	if station.IsGroup() || !d.firstCopy(station, b) {
		return gateway.MAC{}
	}
	switch sub {
	case subAssocRequest, subReassocRequest:
		skip := 4
		if sub == subReassocRequest {
			skip = 10
		}
		d.tell(d.host(station), gateway.Event{Kind: gateway.Joining, Name: ssid(body, skip)})
	case subAssocResponse, subReassocResponse:
		d.answered(station, body, 2, "association")
	case subAuthentication:
		if f.src == ap {
			d.answered(station, body, 4, "authentication")
		}
	case subDisassociation, subDeauthenticate:
		d.parted(station, f.src == ap, sub, f)
	default:
		d.stats.Other++
		return gateway.MAC{}
	}
	return station
}

// firstCopy tells whether a frame is not a repetition of the station's last,
// and remembers it.
func (d *Decoder) firstCopy(station gateway.MAC, b []byte) bool {
	switch b[0] >> 4 {
	case subAssocRequest, subAssocResponse, subReassocRequest, subReassocResponse, subDisassociation, subAuthentication, subDeauthenticate:
	default:
		return true
	}
	h := d.host(station)
	n := uint32(binary.LittleEndian.Uint16(b[22:]))<<8 | uint32(b[0])
	copied := b[1]&retried != 0 && h.lastManagement == n
	h.lastManagement = n
	return !copied
}

// answered reads an access point's answer, whose status stands at the offset at.
func (d *Decoder) answered(station gateway.MAC, body []byte, at int, what string) {
	if len(body) < at+2 {
		d.stats.Malformed++
		return
	}
	status := binary.LittleEndian.Uint16(body[at:])
	switch {
	case status != 0:
		d.tell(d.host(station), gateway.Event{
			Kind: gateway.AssocFailed, Code: notAuthenticated,
			Text: fmt.Sprintf("the access point refuses the %s with status %d%s", what, status, statusWords(status)),
		})
	case what == "association":
		d.tell(d.host(station), gateway.Event{Kind: gateway.Associated})
	}
}

// parted reads the end of an association.
func (d *Decoder) parted(station gateway.MAC, byAP bool, sub byte, f frame) {
	who, how := "the device", "disassociates"
	if byAP {
		who = "the access point"
	}
	if sub == subDeauthenticate {
		how = "deauthenticates"
	}
	text := who + " " + how
	if body := f.body[headerLen:]; len(body) >= 2 && !f.encrypted {
		text += fmt.Sprintf(" with reason %d", binary.LittleEndian.Uint16(body))
	}
	d.tell(d.host(station), gateway.Event{Kind: gateway.LinkLost, Text: text})
}

// ssid is the network's name in the elements of a request, skip bytes in.
// Only what prints passes, for it ends in terminals and topics.
func ssid(body []byte, skip int) string {
	if len(body) < skip+2 || body[skip] != 0 {
		return ""
	}
	n := int(body[skip+1])
	// An SSID has at most 32 bytes (IEEE 802.11-2020 9.4.2.2).
	if n > 32 || len(body) < skip+2+n {
		return ""
	}
	return printable(body[skip+2:skip+2+n], 32)
}

// statusWords explains the statuses that a Photon meets (IEEE 802.11-2020
// table 9-50).
func statusWords(status uint16) string {
	switch status {
	case 1:
		return " (refused without a reason, as a MAC filter does)"
	case 17:
		return " (too many stations)"
	case 18:
		return " (the rates do not fit)"
	case 30:
		return " (try again later)"
	}
	return ""
}
