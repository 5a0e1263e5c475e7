package diagnose

import "strings"

// The generations of firmware that a log's wording tells apart (photon.md 6.2).
const (
	FirmwareUnknown = "unknown"
	Firmware04      = "0.4-0.5"
	Firmware06      = "0.6.x"
	Firmware07      = "0.7.0"
	Firmware08      = "0.8-1.0"
	Firmware11      = "1.1-1.5"
	FirmwareLate    = "1.1-2.3"
	Firmware2       = "2.x"
)

// tell is a set of things that only some generations write.
type tell uint16

// The telltales, each with the versions of photon.md 6.2.
const (
	// tellDebug: the line format of 0.4 and 0.5.
	tellDebug tell = 1 << iota
	// tellSpark: a category of the protocol class that ends with 0.7.0.
	tellSpark
	// tellLight: a category of the protocol class that begins with 0.8.0.
	tellLight
	// tellFirst: wording that is the same from 0.6.0 to 1.0.1.
	tellFirst
	// tellWatchdog5: DHCP fail with ARM_WLAN_WD 5, 0.6.x only.
	tellWatchdog5
	// tellArm: the start of a join, which 0.7.0 and later follow with tellJoin.
	tellArm
	// tellJoin: join lines that begin with 0.7.0.
	tellJoin
	// tellSecond: wording that begins with 1.1.1.
	tellSecond
	// tellOldTest: wording and codes that end with 1.5.2.
	tellOldTest
	// tellTwo: wording that begins with 2.0.0.
	tellTwo
	// tellNegative: a handshake's system error code, from 2.0.0 on.
	tellNegative
)

// has tells whether any of x is in the set.
func (t tell) has(x tell) bool { return t&x != 0 }

// firmware is the generation that fits, the newest one where a log holds two.
func (t tell) firmware() string {
	switch {
	case t.has(tellTwo), t.has(tellNegative) && t.has(tellLight):
		return Firmware2
	case t.has(tellSecond) && t.has(tellOldTest):
		return Firmware11
	case t.has(tellSecond):
		// A log without a failure holds nothing that tells them apart.
		return FirmwareLate
	case t.has(tellLight):
		return Firmware08
	case t.has(tellJoin) && (t.has(tellSpark) || !t.has(tellFirst)):
		return Firmware07
	case t.has(tellJoin):
		// Old wording with join lines: 0.7.0 to 1.0.1, and nothing to decide.
		return FirmwareUnknown
	case t.has(tellSpark | tellWatchdog5), t.has(tellArm) && t.has(tellFirst):
		return Firmware06
	case t.has(tellDebug):
		return Firmware04
	}
	return FirmwareUnknown
}

// tellCode reads the telltale of the code with which the system ends a
// handshake: its own errors from 2.0.0 on, the protocol's before, the Wi-Fi
// stack's up to 0.7.0 (photon.md 5.4).
func tellCode(code int) tell {
	switch {
	case code <= -100:
		return tellNegative
	case code > 0:
		return tellOldTest
	}
	return 0
}

// tells reads the telltales of a record's form.
func (r *record) tells() tell {
	switch {
	case r.old:
		return tellDebug
	case strings.HasPrefix(r.category, "comm.sparkprotocol"):
		return tellSpark
	case strings.HasPrefix(r.category, "comm.lightssl"), strings.HasPrefix(r.category, "comm.protocol"):
		return tellLight
	}
	return 0
}
