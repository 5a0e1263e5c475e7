package gateway

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// DeviceID is a Particle device's 12-byte identity, printed as 24 lower-case
// hex digits. It is the USB serial string and the DHCP host name of a Photon,
// and part of its handshake and presence datagram. The zero id means "not known".
type DeviceID [12]byte

// errDeviceID says what a device id looks like; parsers wrap it.
var errDeviceID = errors.New("not a device id: want 24 hex digits, as in 3a0027000447333136323739")

// ParseDeviceID reads 24 hex digits in either case.
func ParseDeviceID(s string) (DeviceID, error) {
	var id DeviceID
	if len(s) != 24 {
		return DeviceID{}, fmt.Errorf("%q is %w", s, errDeviceID)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return DeviceID{}, fmt.Errorf("%q is %w", s, errDeviceID)
	}
	return id, nil
}

// String is the id as 24 lower-case hex digits.
func (id DeviceID) String() string { return hex.EncodeToString(id[:]) }

// IsZero tells whether the id is not known.
func (id DeviceID) IsZero() bool { return id == DeviceID{} }

// MarshalText writes the id as String does, and the zero id as nothing.
func (id DeviceID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what ParseDeviceID reads; nothing is the zero id.
func (id *DeviceID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = DeviceID{}
		return nil
	}
	v, err := ParseDeviceID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// Device is one entry of the whitelist. Its key is the MAC; the id may be
// learned later, and the name is for people.
type Device struct {
	Name string   `json:"name,omitempty"`
	MAC  MAC      `json:"mac"`
	ID   DeviceID `json:"id,omitzero"`
	// Pinned marks a device that the configuration file names; it can be
	// removed only there.
	Pinned bool `json:"pinned,omitempty"`
}

// Label is the shortest thing a person knows the device by: name, else id, else MAC.
func (d Device) Label() string {
	switch {
	case d.Name != "":
		return d.Name
	case !d.ID.IsZero():
		return d.ID.String()
	}
	return d.MAC.String()
}

// Is tells whether a person means this device by a name, an id or a MAC.
func (d Device) Is(s string) bool {
	if m, err := ParseMAC(s); err == nil && m == d.MAC {
		return true
	}
	if id, err := ParseDeviceID(s); err == nil && id == d.ID && !id.IsZero() {
		return true
	}
	return s != "" && d.Name == s
}

// Topic is the device's segment in an MQTT topic: its id when known, else its
// MAC without colons (users.md E2).
func (d Device) Topic() string {
	if !d.ID.IsZero() {
		return d.ID.String()
	}
	return d.MAC.Compact()
}
