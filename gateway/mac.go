package gateway

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MAC is an IEEE 802 hardware address of six bytes. It is comparable, so it
// serves as a map key; the zero MAC means "not known".
type MAC [6]byte

// errMAC says what a hardware address looks like; parsers wrap it.
var errMAC = errors.New("not a hardware address: want six pairs of hex digits, as in 6c:0b:84:59:72:95")

// ParseMAC reads six pairs of hex digits, separated by colons or hyphens or
// not at all, in either case.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	t := s
	switch {
	case len(s) == 17 && strings.Count(s, ":") == 5:
		t = strings.ReplaceAll(s, ":", "")
	case len(s) == 17 && strings.Count(s, "-") == 5:
		t = strings.ReplaceAll(s, "-", "")
	}
	if len(t) != 12 {
		return MAC{}, fmt.Errorf("%q is %w", s, errMAC)
	}
	if len(s) == 17 {
		for i := 2; i < 17; i += 3 {
			if s[i] != ':' && s[i] != '-' {
				return MAC{}, fmt.Errorf("%q is %w", s, errMAC)
			}
		}
	}
	if _, err := hex.Decode(m[:], []byte(t)); err != nil {
		return MAC{}, fmt.Errorf("%q is %w", s, errMAC)
	}
	return m, nil
}

// String is the address in the form every tool prints: 6c:0b:84:59:72:95.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// Compact is the address without separators, as in an MQTT topic.
func (m MAC) Compact() string { return hex.EncodeToString(m[:]) }

// IsZero tells whether the address is not known.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsGroup tells whether this is a multicast or broadcast address, which no
// device has as its own (IEEE 802-2014 8.2.2, the I/G bit).
func (m MAC) IsGroup() bool { return m[0]&1 == 1 }

// MarshalText writes the address as String does, and the zero MAC as nothing.
func (m MAC) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what ParseMAC reads; nothing is the zero MAC.
func (m *MAC) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = MAC{}
		return nil
	}
	v, err := ParseMAC(string(b))
	if err == nil {
		*m = v
	}
	return err
}
