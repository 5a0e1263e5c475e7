package diagnose

import (
	"net/netip"
	"strconv"
	"strings"

	"photongate/gateway"
)

// maxName bounds a host name or SSID read from a log: a DNS name has at most
// 253 characters (RFC 1035 2.3.4).
const maxName = 253

// fillCode reads the number that follows.
func fillCode(e *gateway.Event, rest string) (ok bool) {
	e.Code, ok = number(rest)
	return ok
}

// fillAnyCode reads the number that follows, where one does.
func fillAnyCode(e *gateway.Event, rest string) bool {
	e.Code, _ = number(strings.TrimLeft(rest, ": "))
	return true
}

// fillKeyCode reads the code of a key that could not be set. The protocol class
// up to 0.7.0 prints garbage there (photon.md 6.2): only 6 and 8 mean anything.
func fillKeyCode(e *gateway.Event, rest string) bool {
	if n, _ := number(rest); n == codeDecryption || n == codeSignature {
		e.Code = n
	}
	return true
}

// fillDecryption sets the code of a decryption error; the number printed is the library's.
func fillDecryption(e *gateway.Event, _ string) bool {
	e.Code = codeDecryption
	return true
}

// fillSignature sets the code of a signature error; the number printed is the library's.
func fillSignature(e *gateway.Event, _ string) bool {
	e.Code = codeSignature
	return true
}

// fillSendTimeout sets the code that means that a peer took no bytes.
func fillSendTimeout(e *gateway.Event, _ string) bool {
	e.Code = codeAborted
	return true
}

// fillPing accepts an event loop error that is exactly 1, the ping's.
func fillPing(e *gateway.Event, rest string) bool {
	e.Code = codePing
	return rest == "" || !isDigit(rest[0])
}

// fillOK marks a test that went well.
func fillOK(e *gateway.Event, _ string) bool {
	e.OK = true
	return true
}

// fillWatchdog4 keeps which watchdog a failed DHCP armed.
func fillWatchdog4(e *gateway.Event, _ string) bool {
	e.Code = 4
	return true
}

// fillWatchdog5 keeps which watchdog a failed DHCP armed.
func fillWatchdog5(e *gateway.Event, _ string) bool {
	e.Code = 5
	return true
}

// fillDescribe accepts the describe messages of 0.8.0 and later.
func fillDescribe(_ *gateway.Event, rest string) bool {
	return strings.Contains(rest, "describe") || strings.HasSuffix(rest, "'")
}

// fillName reads the rest as a name.
func fillName(e *gateway.Event, rest string) bool {
	e.Name = shorten(rest, maxName)
	return rest != ""
}

// fillNameCode reads "name (code)".
func fillNameCode(e *gateway.Event, rest string) bool {
	name, tail, ok := strings.Cut(rest, " (")
	e.Code, _ = number(tail)
	return fillName(e, name) && ok
}

// fillServer reads the name of the configured server.
func fillServer(e *gateway.Event, rest string) bool {
	if _, name, ok := strings.Cut(rest, "domain:"); ok {
		e.Name = shorten(name, maxName)
	} else if _, name, ok := strings.Cut(rest, "defaulting to "); ok {
		e.Name = shorten(name, maxName)
	} else if _, addr, ok := strings.Cut(rest, "ip: "); ok {
		addr, _, _ = strings.Cut(addr, ",")
		if a, err := netip.ParseAddr(strings.TrimSpace(addr)); err == nil {
			e.Name = a.String()
		}
	}
	return true
}

// fillResolved reads "name to address".
func fillResolved(e *gateway.Event, rest string) bool {
	name, addr, ok := strings.Cut(rest, " to ")
	if !ok {
		return false
	}
	e.Name = shorten(name, maxName)
	e.Addr, _, ok = address(strings.TrimSpace(addr))
	return ok
}

// fillPeer reads "address:port". A name instead of an address is kept as one.
func fillPeer(e *gateway.Event, rest string) bool {
	_, ok := cutPeer(e, rest)
	return ok
}

// cutPeer reads "address:port" or "name:port" at the start of s, and returns
// what follows.
func cutPeer(e *gateway.Event, s string) (string, bool) {
	host, tail, ok := strings.Cut(s, ":")
	if !ok || host == "" || strings.Contains(host, " ") {
		return s, false
	}
	port, ok := number(tail)
	if !ok || port < 0 || port > 65535 {
		return s, false
	}
	if a, rest, ok := address(host); ok && rest == "" {
		e.Peer = netip.AddrPortFrom(a, uint16(port))
	} else {
		e.Name = shorten(host, maxName)
	}
	return strings.TrimLeft(tail, "0123456789"), true
}

// fillPeerCode reads "address:port, code=N" and "address:port (N)".
func fillPeerCode(e *gateway.Event, rest string) bool {
	tail, ok := cutPeer(e, rest)
	if !ok {
		return false
	}
	code, ok := strings.CutPrefix(tail, ", code=")
	if !ok {
		code, ok = strings.CutPrefix(tail, " (")
	}
	return ok && fillOutcome(e, code)
}

// fillOutcome reads the code of a failed connect and what it says of the way.
func fillOutcome(e *gateway.Event, rest string) bool {
	if !fillCode(e, rest) {
		return false
	}
	e.Outcome = outcomeOf(e.Code)
	return true
}

// number reads the decimal number at the start of s. What an application
// printed behind it without a line end is passed over.
func number(s string) (int, bool) {
	i := 0
	if strings.HasPrefix(s, "-") {
		i = 1
	}
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	n, err := strconv.Atoi(s[:i])
	return n, err == nil
}

// address reads the IPv4 address at the start of s, and returns what follows.
func address(s string) (netip.Addr, string, bool) {
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	a, err := netip.ParseAddr(strings.TrimRight(s[:i], "."))
	return a, s[i:], err == nil
}

// States of the network manager of Gen 3, as its lines name them.
const (
	stateUp     = "IFACE_UP"
	stateLinkUp = "IFACE_LINK_UP"
	stateLeased = "IP_CONFIGURED"
)

// fillStateLeased accepts a change to the state with an address.
func fillStateLeased(_ *gateway.Event, rest string) bool {
	return strings.HasSuffix(rest, "-> "+stateLeased)
}

// fillStateUp accepts a change from a state without a link to the one with it.
func fillStateUp(_ *gateway.Event, rest string) bool {
	return strings.HasSuffix(rest, "-> "+stateLinkUp) && !strings.HasPrefix(rest, stateLeased)
}

// fillStateDown accepts a change from a state with a link to one without.
func fillStateDown(_ *gateway.Event, rest string) bool {
	if !strings.HasPrefix(rest, stateLinkUp) && !strings.HasPrefix(rest, stateLeased) {
		return false
	}
	return strings.Contains(rest, "-> IFACE_") && !strings.HasSuffix(rest, "-> "+stateLinkUp)
}

// fillSocket reads "N, connected to address#port".
func fillSocket(e *gateway.Event, rest string) bool {
	_, peer, ok := strings.Cut(rest, ", connected to ")
	return ok && fillPeer(e, strings.Replace(peer, "#", ":", 1))
}
