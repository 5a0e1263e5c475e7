package diagnose

import (
	"strings"

	"photongate/gateway"
)

// pattern is one entry of the catalogue of messages.
type pattern struct {
	// prefix is how the message begins, byte exact.
	prefix string
	// kind is what it means.
	kind gateway.Kind
	// phase is for the messages of the handshake.
	phase gateway.Phase
	// fill reads the rest of the message; nil where nothing is to be read. It
	// tells whether the rest is complete.
	fill func(e *gateway.Event, rest string) bool
	// tells is what the wording says of the firmware.
	tells tell
	// category, where set, must begin the record's category.
	category string
	// common: other programs write such words too, so that they count only
	// behind a stamp or a category of the system's.
	common bool
}

// catalogue lists the messages of photon.md 6.2 and 5.3. The first entry that
// fits decides, so that a longer prefix stands before a shorter one.
var catalogue = []pattern{
	// Wi-Fi and addresses.
	{prefix: "ARM_WLAN_WD 1", kind: gateway.Joining, tells: tellArm},
	{prefix: "ARM_WLAN_WD 2", kind: gateway.Associated},
	{prefix: "ARM_WLAN_WD 3", kind: gateway.LinkLost},
	{prefix: "ARM_WLAN_WD 4", kind: gateway.AssocFailed},
	{prefix: "Joining ", kind: gateway.Joining, fill: fillName, tells: tellJoin, common: true},
	{prefix: "Network Connect: ", kind: gateway.Joining},
	{prefix: "wiced_join_ap_specific(), result: ", kind: gateway.AssocFailed, fill: fillCode, tells: tellJoin},
	{prefix: "Bringing WiFi interface up with ", kind: gateway.Associated},
	{prefix: "DHCP fail, ARM_WLAN_WD 5", kind: gateway.LeaseFailed, fill: fillWatchdog5, tells: tellWatchdog5},
	{prefix: "DHCP fail, ARM_WLAN_WD 4", kind: gateway.LeaseFailed, fill: fillWatchdog4, tells: tellJoin},
	{prefix: "CLR_WLAN_WD 1, DHCP success", kind: gateway.Leased},
	{prefix: "Resetting WLAN due to ", kind: gateway.WLANReset},
	{prefix: "!! Resetting WLAN due to ", kind: gateway.WLANReset},
	{prefix: "Resetting network interfaces due to ", kind: gateway.WLANReset, tells: tellTwo},
	{prefix: "Resetting CC3000 due to ", kind: gateway.WLANReset},
	{prefix: "Received a command to reset the network", kind: gateway.WLANReset, tells: tellSecond},
	{prefix: "Clearing WLAN WD in disconnect()", kind: gateway.DeviceLog},
	{prefix: "Using internal antenna", kind: gateway.DeviceLog},
	{prefix: "Using external antenna", kind: gateway.DeviceLog},
	{prefix: "Using auto antenna", kind: gateway.DeviceLog},
	{prefix: "Saving credentials", kind: gateway.DeviceLog, tells: tellJoin},
	{prefix: cleared, kind: gateway.DeviceLog},
	{prefix: listenEnter, kind: gateway.DeviceLog},
	{prefix: listenExit, kind: gateway.DeviceLog},
	{prefix: listenTimer, kind: gateway.DeviceLog},
	{prefix: listenOver, kind: gateway.DeviceLog},

	// Name and connection.
	{prefix: "Cloud: connecting", kind: gateway.Connecting},
	{prefix: "Read Server Address = ", kind: gateway.DeviceLog, fill: fillServer},
	{prefix: "Public Server ", kind: gateway.DeviceLog, tells: tellJoin},
	{prefix: "Resolved host ", kind: gateway.Resolved, fill: fillResolved, tells: tellFirst},
	{prefix: "Resolved ", kind: gateway.Resolved, fill: fillResolved, tells: tellSecond, common: true},
	{prefix: "Resolving ", kind: gateway.DeviceLog, tells: tellSecond, common: true},
	{prefix: "Cloud: unable to resolve IP for ", kind: gateway.ResolveFailed, fill: fillName, tells: tellFirst},
	{prefix: "Unable to resolve IP for ", kind: gateway.ResolveFailed, fill: fillNameCode, tells: tellSecond, common: true},
	{prefix: "Failed to determine server address", kind: gateway.DeviceLog, tells: tellSecond},
	{prefix: "connected to cloud ", kind: gateway.Connected, fill: fillPeer, tells: tellFirst},
	{prefix: "Connected to ", kind: gateway.Connected, fill: fillPeer, tells: tellSecond, common: true},
	{prefix: "connection failed to ", kind: gateway.ConnectFailed, fill: fillPeerCode, tells: tellFirst},
	{prefix: "Failed to connect to ", kind: gateway.ConnectFailed, fill: fillPeerCode, tells: tellSecond, common: true},
	{prefix: "Cloud socket connected", kind: gateway.Connected},
	{prefix: "Cloud socket connection failed: ", kind: gateway.ConnectFailed, fill: fillOutcome},
	{prefix: "Internet Test Failed!", kind: gateway.InternetTest, tells: tellOldTest},
	{prefix: "Internet available, Cloud not reachable!", kind: gateway.InternetTest, fill: fillOK, tells: tellOldTest},
	{prefix: "Internet test failed: ", kind: gateway.InternetTest, tells: tellTwo},
	{prefix: "Internet available, cloud not reachable", kind: gateway.InternetTest, fill: fillOK, tells: tellTwo},
	{prefix: "Handling cloud error: ", kind: gateway.DeviceLog},

	// Gen 3 and later, whose other lines are the Photon's.
	{prefix: "State changed: ", kind: gateway.Leased, fill: fillStateLeased, category: "system.nm"},
	{prefix: "State changed: ", kind: gateway.Associated, fill: fillStateUp, category: "system.nm"},
	{prefix: "State changed: ", kind: gateway.LinkLost, fill: fillStateDown, category: "system.nm"},
	{prefix: "Cloud socket=", kind: gateway.Connected, fill: fillSocket},

	// Handshake.
	{prefix: "Starting handshake: ", kind: gateway.Phased, phase: gateway.PhaseSilent},
	{prefix: "Establish secure connection", kind: gateway.Phased, phase: gateway.PhaseSilent},
	{prefix: "Started: Receive nonce", kind: gateway.Phased, phase: gateway.PhaseSilent},
	{prefix: "Started, receive nonce", kind: gateway.Phased, phase: gateway.PhaseSilent},
	{prefix: "Encrypting handshake nonce", kind: gateway.Phased, phase: gateway.PhaseNonce},
	{prefix: "Encrypting nonce", kind: gateway.Phased, phase: gateway.PhaseNonce},
	{prefix: "Sending encrypted nonce", kind: gateway.Phased, phase: gateway.PhaseDeviceKey},
	{prefix: "Receive key", kind: gateway.Phased, phase: gateway.PhaseDeviceKey},
	{prefix: "Setting key", kind: gateway.Phased, phase: gateway.PhaseCloudKey},
	{prefix: "Sending HELLO message", kind: gateway.Phased, phase: gateway.PhaseHello},
	{prefix: "Receiving HELLO response", kind: gateway.Phased, phase: gateway.PhaseHello},
	{prefix: "waiting ", kind: gateway.DeviceLog, category: "comm.", common: true},
	// From 0.8.0 on this closes the inner part, before the HELLO.
	{prefix: "Completed", kind: gateway.Phased, phase: gateway.PhaseCloudKey, category: "comm.lightssl", common: true},
	{prefix: "Completed", kind: gateway.Handshaken, category: "comm.", common: true},
	{prefix: "Handshake completed", kind: gateway.Handshaken, common: true},
	{prefix: "Hanshake: completed", kind: gateway.Handshaken},
	{prefix: "Could not receive nonce: ", kind: gateway.HandshakeFailed, phase: gateway.PhaseSilent, fill: fillCode},
	{prefix: "Handshake: could not receive nonce: ", kind: gateway.HandshakeFailed, phase: gateway.PhaseSilent, fill: fillCode},
	{prefix: "Unable to receive key ", kind: gateway.HandshakeFailed, phase: gateway.PhaseDeviceKey, fill: fillCode},
	{prefix: "Handshake: Unable to receive key ", kind: gateway.HandshakeFailed, phase: gateway.PhaseDeviceKey, fill: fillCode},
	{prefix: "Could not set key, ", kind: gateway.HandshakeFailed, phase: gateway.PhaseCloudKey, fill: fillKeyCode},
	{prefix: "decryption failed with code ", kind: gateway.HandshakeFailed, phase: gateway.PhaseCloudKey, fill: fillDecryption},
	{prefix: "signature validation failed with code ", kind: gateway.HandshakeFailed, phase: gateway.PhaseCloudKey, fill: fillSignature},
	{prefix: "Could not send HELLO message: ", kind: gateway.HandshakeFailed, phase: gateway.PhaseCloudKey, fill: fillCode},
	{prefix: "Could not receive HELLO response", kind: gateway.HandshakeFailed, phase: gateway.PhaseHello},
	{prefix: "Handshake: could not receive HELLO response", kind: gateway.HandshakeFailed, phase: gateway.PhaseHello, fill: fillAnyCode},
	{prefix: "Handshake: could not receive hello response", kind: gateway.HandshakeFailed, phase: gateway.PhaseHello},
	{prefix: "handshake failed with code ", kind: gateway.HandshakeFailed, fill: fillCode, tells: tellOldTest, common: true},
	{prefix: "Handshake failed: ", kind: gateway.HandshakeFailed, fill: fillCode, tells: tellTwo, common: true},
	{prefix: "Cloud handshake failed, code=", kind: gateway.HandshakeFailed, fill: fillCode},

	// The session.
	{prefix: "Cloud connected", kind: gateway.CloudUp},
	{prefix: "Received TIME response", kind: gateway.Heard},
	{prefix: "Sending TIME request", kind: gateway.DeviceLog},
	{prefix: "Sending A describe message", kind: gateway.Heard},
	{prefix: "Sending S describe message", kind: gateway.Heard},
	{prefix: "Sending '", kind: gateway.Heard, fill: fillDescribe},
	{prefix: "Posting '", kind: gateway.Heard, fill: fillDescribe},
	{prefix: "Send spark/", kind: gateway.DeviceLog},
	{prefix: "spark/hardware/ota_chunk_size event", kind: gateway.DeviceLog},
	{prefix: "Send subscriptions", kind: gateway.DeviceLog},
	{prefix: "ping ACK not received", kind: gateway.PingLost},
	{prefix: "Event loop error 1", kind: gateway.PingLost, fill: fillPing},
	{prefix: "Event loop error ", kind: gateway.SessionLost, fill: fillCode},
	{prefix: "bytes recieved error ", kind: gateway.SessionLost, fill: fillCode},
	{prefix: "receive error ", kind: gateway.SessionLost, fill: fillCode, common: true},
	{prefix: "blocking send error ", kind: gateway.SessionLost, fill: fillCode},
	{prefix: "blocking send timeout", kind: gateway.SessionLost, fill: fillSendTimeout},
	{prefix: "receive timeout", kind: gateway.DeviceLog, common: true},
	{prefix: "Communication loop error, closing cloud socket", kind: gateway.SessionLost},
	{prefix: starved, kind: gateway.SessionLost},
	{prefix: "Cloud: disconnected", kind: gateway.SessionLost},
	{prefix: "Cloud: disconnecting", kind: gateway.DeviceLog},
	{prefix: "received ERROR CoAPMessage", kind: gateway.DeviceLog},
	{prefix: "Failed to load session data from persistent storage", kind: gateway.DeviceLog},
}

// Messages that the story tells apart by their words.
const (
	listenEnter = "Entering listening mode"
	listenExit  = "Exiting listening mode"
	listenTimer = "Start Listening timer"
	listenOver  = "Start listening timer"
	cleared     = "Clearing WiFi credentials"
	starved     = "Disconnecting cloud due to inactivity!"
)

// index holds the catalogue's entries by the first byte of their prefix.
var index = indexed()

// indexed sorts the catalogue by first bytes, in its order.
func indexed() (t [256][]*pattern) {
	for i := range catalogue {
		p := &catalogue[i]
		t[p.prefix[0]] = append(t[p.prefix[0]], p)
	}
	return t
}

// lookup finds a record's message in the catalogue, or nil, and makes *e the
// event that it tells of.
func lookup(r *record, e *gateway.Event) *pattern {
	// An application may write whatever it likes, the system's words included.
	if r.message == "" || r.category != "" && !rooted(r.category) {
		return nil
	}
	for _, p := range index[r.message[0]] {
		rest, ok := strings.CutPrefix(r.message, p.prefix)
		if !ok || r.category != "" && !strings.HasPrefix(r.category, p.category) {
			continue
		}
		*e = gateway.Event{Kind: p.kind, Phase: p.phase}
		if p.fill == nil || p.fill(e, strings.TrimSpace(rest)) {
			return p
		}
	}
	return nil
}

// unfinished tells whether more of the same line could make a record one that
// the catalogue knows: a terminal, a mail or a torn copy ended it too early.
func unfinished(r *record) bool {
	if r.category != "" && !rooted(r.category) {
		return false
	}
	if r.level == "" || r.message == "" || r.old && !strings.Contains(r.text, "):") {
		return true
	}
	for _, p := range index[r.message[0]] {
		if strings.HasPrefix(p.prefix, r.message) || p.fill != nil && strings.HasPrefix(r.message, p.prefix) {
			return true
		}
	}
	return false
}

// roots are the first parts of the categories that the system itself uses on
// all its platforms; another one belongs to the application.
var roots = [...]string{"system", "comm", "hal", "net", "ncp", "wiring", "service", "mux", "gsm0710muxer", "lwip", "ot", "mesh"}

// rooted tells whether a category is the system's own.
func rooted(category string) bool {
	root, _, _ := strings.Cut(category, ".")
	for _, r := range roots {
		if root == r {
			return true
		}
	}
	return false
}
