package gateway

import (
	"net/netip"
	"time"
)

// Witness is who saw a fact. Facts of several witnesses about one device are
// merged into one story; what they contradict each other in lowers confidence.
type Witness string

// The witnesses.
const (
	// WitnessSerial is the device's own log.
	WitnessSerial Witness = "serial"
	// WitnessAir is what the segment saw: radio, DHCP, DNS, firewall.
	WitnessAir Witness = "air"
	// WitnessRelay is what the relay saw of a session.
	WitnessRelay Witness = "relay"
	// WitnessEgress is what the way out saw, sessions and probes alike.
	WitnessEgress Witness = "egress"
	// WitnessCapture is a packet capture of the segment, live or from a file.
	WitnessCapture Witness = "capture"
	// WitnessSelf is the gateway about its own parts.
	WitnessSelf Witness = "self"
)

// Kind names what happened. Kinds are stable: recorded journals use them.
type Kind string

// The kinds. Behind each: the fields of Event that it fills beside Time, Witness and MAC.
const (
	// Joining: the device tries to associate.
	Joining Kind = "joining"
	// Associated: it joined the access point.
	Associated Kind = "associated"
	// AssocFailed: it could not (Code: the firmware's join result).
	AssocFailed Kind = "assoc-failed"
	// LinkLost: it was associated and is no longer.
	LinkLost Kind = "link-lost"
	// LeaseAsked: it sent a DHCP request (Text: the client's fingerprint; ID when its host name is one).
	LeaseAsked Kind = "lease-asked"
	// Leased: it holds an address (Addr).
	Leased Kind = "leased"
	// LeaseFailed: it should have an address and has none (Text: why).
	LeaseFailed Kind = "lease-failed"
	// Resolved: it learned an address of the cloud (Name, Addr).
	Resolved Kind = "resolved"
	// ResolveFailed: it asked for the cloud's name and got none (Name).
	ResolveFailed Kind = "resolve-failed"
	// DNSRefused: it asked for another name than the cloud's (Name).
	DNSRefused Kind = "dns-refused"
	// Stranger: a MAC that is not listed asked for service (Text: which).
	Stranger Kind = "stranger"
	// Dropped: the firewall dropped packets since the last such event (Count; Text: the reason).
	Dropped Kind = "dropped"

	// Connecting: the device starts to reach the cloud.
	Connecting Kind = "connecting"
	// Connected: a connection to Peer stands (RTT: how long it took).
	Connected Kind = "connected"
	// ConnectFailed: it does not (Peer, Outcome, RTT; Code for a serial witness).
	ConnectFailed Kind = "connect-failed"
	// Phased: a session reached a phase (Session, Phase, Peer).
	Phased Kind = "phase"
	// HandshakeFailed: the device gave up in the handshake (Phase, Code).
	HandshakeFailed Kind = "handshake-failed"
	// Handshaken: the device says that its handshake completed.
	Handshaken Kind = "handshaken"
	// CloudUp: the device says that it is connected to the cloud.
	CloudUp Kind = "cloud-up"
	// Heard: a message of the cloud reached the device (Text: which).
	Heard Kind = "heard"
	// PingLost: the device's ping was not acknowledged in 10 s (photon.md 4.1).
	PingLost Kind = "ping-lost"
	// SessionLost: the device lost its session (Code).
	SessionLost Kind = "session-lost"
	// SessionClosed: a session ended (Record).
	SessionClosed Kind = "session-closed"
	// SessionStalled: bytes towards the cloud stay unacknowledged (Session, Peer, Count: bytes).
	SessionStalled Kind = "session-stalled"
	// SessionRefused: the relay did not take a connection (Name: the reason in one word; Text: why; Peer: who tried; Count).
	SessionRefused Kind = "session-refused"
	// InternetTest: the device's own test after a failed connect (OK).
	InternetTest Kind = "internet-test"
	// WLANReset: the device restarts its Wi-Fi (Text: why).
	WLANReset Kind = "wlan-reset"
	// Presence: the device announced its id after a handshake (ID).
	Presence Kind = "presence"
	// IdentityChanged: a device told another id than the known one (ID; Text: the known one).
	IdentityChanged Kind = "identity-changed"
	// DeviceLog: a line of a device's log that is none of the above (Text).
	DeviceLog Kind = "device-log"

	// EgressBook: the cloud's addresses as now known (Book).
	EgressBook Kind = "egress-book"
	// EgressProbe: one attempt to reach an address of the cloud (Peer, Outcome, RTT).
	EgressProbe Kind = "egress-probe"
	// EgressUp: the way out works.
	EgressUp Kind = "egress-up"
	// EgressDown: it does not (Text: why).
	EgressDown Kind = "egress-down"
	// ResolverFailed: the cloud's name could not be resolved upstream (Name, Text).
	ResolverFailed Kind = "resolver-failed"
	// ResolverOK: it could (Name).
	ResolverOK Kind = "resolver-ok"

	// PartOK: a part of the gateway works (Part).
	PartOK Kind = "part-ok"
	// PartFailed: it does not (Part, Text, Hint).
	PartFailed Kind = "part-failed"
	// WhitelistChanged: a device was added or removed (MAC, Text: added or removed).
	WhitelistChanged Kind = "whitelist-changed"
)

// Outcome is how an attempt to reach an address ended (DESIGN 4.4).
type Outcome string

// The outcomes.
const (
	// Spoke: accepted, and the cloud's 40 bytes came.
	Spoke Outcome = "spoke"
	// Accepted: the connection stands; no bytes were waited for.
	Accepted Outcome = "accepted"
	// Mute: accepted, and then nothing.
	Mute Outcome = "mute"
	// Refused: answered by a reset.
	Refused Outcome = "refused"
	// TimedOut: nothing answered; a silent drop.
	TimedOut Outcome = "timeout"
	// Unreachable: a router answered that it cannot be reached (Text: which one, where known).
	Unreachable Outcome = "unreachable"
	// NotApproved: not tried, because it is not approved.
	NotApproved Outcome = "not-approved"
	// NoAddress: not tried, because no address is known.
	NoAddress Outcome = "no-address"
	// Broken: failed in another way (Text).
	Broken Outcome = "broken"
)

// Event is one fact from radio or bridge: the only thing that travels upward.
// It is immutable once sent, and small enough to be recorded as a JSON line.
type Event struct {
	Time    time.Time      `json:"t"`
	Witness Witness        `json:"by"`
	Kind    Kind           `json:"kind"`
	MAC     MAC            `json:"mac,omitzero"`
	ID      DeviceID       `json:"id,omitzero"`
	Addr    netip.Addr     `json:"addr,omitzero"`
	Peer    netip.AddrPort `json:"peer,omitzero"`
	Name    string         `json:"name,omitempty"`
	Session uint64         `json:"session,omitempty"`
	Phase   Phase          `json:"phase,omitempty"`
	Outcome Outcome        `json:"outcome,omitempty"`
	RTT     time.Duration  `json:"rtt_ns,omitempty"`
	Code    int            `json:"code,omitempty"`
	Count   uint64         `json:"count,omitempty"`
	OK      bool           `json:"ok,omitempty"`
	Part    Part           `json:"part,omitempty"`
	Text    string         `json:"text,omitempty"`
	Hint    string         `json:"hint,omitempty"`
	// Line is the position in a pasted log, from 1; 0 for a live event.
	Line   int            `json:"line,omitempty"`
	Record *SessionRecord `json:"record,omitempty"`
	Book   []Address      `json:"book,omitempty"`
}

// Sink takes an event. It never blocks: a full journal drops and counts.
type Sink func(Event)
