package diagnose

import "photongate/gateway"

// led is what the device's light shows (photon.md 7).
func led(v view) string {
	if v.noticed == 0 {
		return ""
	}
	if v.stage == gateway.StageOnline && v.session.open {
		return "breathing cyan"
	}
	if v.join.listening {
		return "blinking dark blue"
	}
	if v.pathDown() {
		return "blinking cyan, then " + blinks(v) + ", again and again"
	}
	switch v.level {
	case levelJoin:
		return "blinking green"
	case levelLease:
		return "blinking green, fast while it waits for an address"
	case levelName, levelConnect:
		return "blinking green, then cyan, then " + blinks(v) + ", again and again"
	case levelHandshake:
		return "blinking cyan fast, then " + flash(v.faults[levelHandshake].code)
	}
	switch v.stage {
	case gateway.StageAssociated:
		return "blinking green fast"
	case gateway.StageLeased, gateway.StageResolved:
		return "blinking cyan"
	case gateway.StageConnected, gateway.StageHandshaken:
		return "blinking cyan fast"
	}
	return "blinking green"
}

// blinks is the signal after a failed connect: the internet test decides.
func blinks(v view) string {
	switch {
	case v.marks.test.Kind == "" && !v.live:
		return "two or three orange blinks"
	case v.marks.test.OK || v.live:
		// The gateway answers the test itself on its segment (DESIGN 4.2).
		return "three orange blinks"
	}
	return "two orange blinks"
}

// flash is the signal after a failed handshake.
func flash(code int) string {
	switch code {
	case codeDecryption:
		return "one orange flash"
	case codeSignature:
		return "one magenta flash"
	}
	return "one red flash"
}
