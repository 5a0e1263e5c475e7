package diagnose

import (
	"fmt"

	"photongate/gateway"
)

// Codes of photon.md 5.4 that rules look at. Negative ones below 100 are the
// Wi-Fi stack's with the sign turned, positive ones the protocol's, those from
// -100 down the system's of 2.x.
const (
	codeDNS        = -1
	codeTimeout    = -2
	codeHeap       = -8
	codeNotUp      = -9
	codeLinkGone   = -11
	codeNoRoute    = -14
	codeAborted    = -17
	codeReset      = -18
	codeClosed     = -19
	codePing       = 1
	codeNonce      = 25
	codeDecryption = 6
	codeSignature  = 8
	codeDenied     = -130
	codeSysTimeout = -160
	codeEnded      = -201
	codeSocket     = -25
	codeSockets    = -26
	codeNetwork    = -230
)

// codeWords says in words what a code of a connection or session means.
var codeWords = map[int]string{
	codeDNS:        "no attempt, or the device's own timeout",
	codeTimeout:    "no answer",
	-4:             "an error of the Wi-Fi stack",
	codeHeap:       "the device is out of memory",
	codeNotUp:      "its Wi-Fi interface is down",
	codeLinkGone:   "the Wi-Fi link is lost",
	codeNoRoute:    "no route",
	codeAborted:    "retransmissions without an answer",
	codeReset:      "reset by the other side",
	codeClosed:     "closed by the other side",
	-20:            "not connected",
	-22:            "an error of the network interface",
	codeSocket:     "too many sockets on the device",
	codeSockets:    "too many sockets on the device",
	codePing:       "a ping was not answered",
	2:              "an input or output error",
	codeDecryption: "decryption error",
	codeSignature:  "signature error",
	10:             "a message did not come in time",
	22:             "sending blocked",
	23:             "receiving blocked",
	24:             "receiving failed",
	codeNonce:      "the cloud's first message did not come",
	26:             "the cloud's key did not come",
	codeDenied:     "authentication error",
	codeSysTimeout: "timeout",
	codeEnded:      "closed by the other side",
	-220:           "an input or output error",
	codeNetwork:    "a network error",
	-240:           "a protocol error",
}

// joinWords says in words what a join result means (photon.md 5.4).
var joinWords = map[int]string{
	2:    "timeout",
	4:    "an error of the Wi-Fi stack",
	1003: "the signal is weak or the access point does not answer",
	1004: "the key is invalid",
	1006: "the access point refused it",
	1007: "the passphrase is wrong",
	1023: "a join is already under way",
	1024: "no access point with that name was heard",
	1025: "the access point did not confirm the join",
	1044: "the security type is unknown",
	1046: "the length of the key is wrong",
	1055: "the radio's firmware was reset",
}

// explain is "code -9: its Wi-Fi interface is down", or the number alone.
func explain(code int) string { return worded(codeWords, code) }

// explainJoin is explain for join results.
func explainJoin(code int) string { return worded(joinWords, code) }

// worded is a code with its words.
func worded(words map[int]string, code int) string {
	if w, ok := words[code]; ok {
		return fmt.Sprintf("code %d: %s", code, w)
	}
	return fmt.Sprintf("code %d", code)
}

// outcomeOf is what a device's code says of an attempt to connect.
func outcomeOf(code int) gateway.Outcome {
	switch code {
	case codeTimeout, codeAborted, codeSysTimeout:
		return gateway.TimedOut
	case codeReset:
		return gateway.Refused
	case codeNoRoute:
		return gateway.Unreachable
	}
	return gateway.Broken
}

// linkCode tells whether a code means that the Wi-Fi is gone.
func linkCode(code int) bool { return code == codeNotUp || code == codeLinkGone }

// deviceCode tells whether a code means that the device itself has run out of
// memory or sockets.
func deviceCode(code int) bool { return code == codeHeap || code == codeSocket || code == codeSockets }

// keyCode tells whether a code means that keys do not fit.
func keyCode(code int) bool {
	return code == codeDecryption || code == codeSignature || code == codeDenied
}

// closedCode tells whether a code means that the other side hung up.
func closedCode(code int) bool {
	return code == codeReset || code == codeClosed || code == codeEnded
}
