package config

import (
	"errors"
	"fmt"

	"photongate/gateway"
)

// owners knows at which line a name, MAC or id stands.
type owners map[string]int

// claim takes a value for the device at the setting's line, or refuses it
// where another device has it.
func (o owners) claim(s setting, value string) {
	if line, dup := o[value]; dup {
		s.refuse(fmt.Errorf("%s stands already at line %d", value, line))
		return
	}
	o[value] = s.line
}

// devices makes the whitelist's pinned entries.
func (b *builder) devices(secs []*section) {
	names, macs, ids := owners{}, owners{}, owners{}
	for i, sec := range secs {
		d := gateway.Device{Pinned: true}
		d.Name = b.deviceName(sec, names)
		d.MAC = b.deviceMAC(sec, macs)
		d.ID = b.deviceID(sec, ids)
		b.c.Devices = append(b.c.Devices, d)
		if p := b.c.Segment.Address; p.IsValid() && i == room(p) {
			b.notes.add(note{
				line: sec.line, sec: sec,
				text: fmt.Sprintf("a segment of /%d has addresses for %d devices, and this is one more", p.Bits(), i),
				hint: "shorten the prefix of segment.address",
			})
		}
	}
}

// deviceName finds the name, which people know the device by.
func (b *builder) deviceName(sec *section, taken owners) string {
	s := b.text(sec, "name", "")
	if !s.set {
		s.required(`as in name = "porch"`)
		return ""
	}
	if err := CheckName(s.text); err != nil {
		s.refuse(err)
		return ""
	}
	taken.claim(s, s.text)
	return s.text
}

// deviceMAC finds the MAC, which the device is admitted by.
func (b *builder) deviceMAC(sec *section, taken owners) gateway.MAC {
	s := b.text(sec, "mac", "")
	if !s.set {
		s.required(`as in mac = "6c:0b:84:59:72:95", as printed on the module`)
		return gateway.MAC{}
	}
	m, err := gateway.ParseMAC(clip(s.text))
	switch {
	case err != nil:
		s.refuse(err)
	case m.IsZero() || m.IsGroup():
		s.refuse(fmt.Errorf("%s is not the address of one device", m))
	default:
		taken.claim(s, m.String())
	}
	return m
}

// deviceID finds the id; a device without one tells it later.
func (b *builder) deviceID(sec *section, taken owners) gateway.DeviceID {
	s := b.text(sec, "id", "")
	if !s.set {
		return gateway.DeviceID{}
	}
	id, err := gateway.ParseDeviceID(clip(s.text))
	switch {
	case err != nil:
		s.refuse(err)
	case id.IsZero():
		s.refuse(gateway.Hint(errors.New("an id of zeros is no device's"), "leave it out: it is learned"))
	default:
		taken.claim(s, id.String())
	}
	return id
}
