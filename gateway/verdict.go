package gateway

import "time"

// Hop is the part of the way at which a device fails (DESIGN 2).
type Hop string

// The hops, from the device outward.
const (
	HopNone        Hop = ""
	HopUSB         Hop = "usb"
	HopCredentials Hop = "credentials"
	HopRadio       Hop = "radio"
	HopAdmission   Hop = "admission"
	HopLink        Hop = "link"
	HopAddress     Hop = "address"
	HopDNS         Hop = "dns"
	HopRelay       Hop = "relay"
	HopEgress      Hop = "egress"
	HopMiddlebox   Hop = "middlebox"
	HopHandshake   Hop = "handshake"
	HopSession     Hop = "session"
	HopCloud       Hop = "cloud"
)

// Code names a fault; codes are stable and stand in MQTT alerts (users.md I).
type Code string

// The codes in use.
const (
	CodeOK                  Code = "OK"
	CodeUndetermined        Code = "UNDETERMINED"
	CodeUnrecognised        Code = "UNRECOGNISED"
	CodeNeverSeen           Code = "NEVER_SEEN"
	CodeMACDenied           Code = "MAC_DENIED"
	CodeAssocFailed         Code = "ASSOC_FAILED"
	CodeLinkLost            Code = "LINK_LOST"
	CodeDHCPNone            Code = "DHCP_NONE"
	CodeDNSBlocked          Code = "DNS_BLOCKED"
	CodeDNSNone             Code = "DNS_NONE"
	CodeRelayRefused        Code = "RELAY_REFUSED_EGRESS_DOWN"
	CodeNotSpark            Code = "NOT_SPARK"
	CodeEgressDropAll       Code = "EGRESS_DROP_ALL"
	CodeEgressDropSome      Code = "EGRESS_DROP_SOME"
	CodeEgressReject        Code = "EGRESS_REJECT"
	CodeEgressUnreachable   Code = "EGRESS_UNREACHABLE"
	CodeNotApproved         Code = "NOT_APPROVED"
	CodeNonceMissing        Code = "NONCE_MISSING"
	CodeFlowKilled          Code = "FLOW_KILLED_AFTER_ALLOW"
	CodeRSTInjected         Code = "RST_INJECTED"
	CodeKeyRejected         Code = "KEY_REJECTED"
	CodeServerKeyWrong      Code = "SERVER_KEY_WRONG"
	CodeHandshakeSlow       Code = "HANDSHAKE_SLOW"
	CodeHandshakeIncomplete Code = "HANDSHAKE_INCOMPLETE"
	CodePingLost            Code = "PING_LOST"
	CodeCloudClosed         Code = "CLOUD_CLOSED"
	// CodeSessionLost: a complete session ended, and neither a ping nor the cloud tells why.
	CodeSessionLost Code = "SESSION_LOST"
	// CodeNoRoute: the device itself has no router to send to (photon.md 5.4, -14).
	CodeNoRoute Code = "NO_ROUTE"
	// CodeNotProvisioned: the device has no credentials, or waits for them.
	CodeNotProvisioned Code = "NOT_PROVISIONED"
	// CodeAppStarved: the device's program kept it from the network.
	CodeAppStarved Code = "APP_STARVED"
	// CodeDeviceExhausted: the device has no memory or sockets left (photon.md 5.4, -8, -25, -26).
	CodeDeviceExhausted Code = "DEVICE_EXHAUSTED"
	// CodeLogMixed: a log holds the lines of several devices.
	CodeLogMixed Code = "LOG_MIXED"
	// CodeNotPhoton: a log is another kind of device's.
	CodeNotPhoton Code = "NOT_PHOTON"
	// CodeCloneSuspected: two devices share a MAC, or one lies about its id.
	CodeCloneSuspected Code = "CLONE_SUSPECTED"
	// CodePartFailed and CodePartSilent are about the gateway's own parts.
	CodePartFailed Code = "PART_FAILED"
	CodePartSilent Code = "PART_SILENT"
)

// Result is the outcome of a whole story in one word, as programs read it
// (`doctor --json`, member outcome).
type Result string

// The results.
const (
	ResultOnline          Result = "online"
	ResultAssocFailed     Result = "assoc-failed"
	ResultDHCPFailed      Result = "dhcp-failed"
	ResultDNSFailed       Result = "dns-failed"
	ResultTCPTimeout      Result = "tcp-timeout"
	ResultTCPRefused      Result = "tcp-refused"
	ResultHandshakeFailed Result = "handshake-failed"
	ResultKeyMismatch     Result = "key-mismatch"
	ResultLostRecovered   Result = "session-lost-then-recovered"
	ResultLostBlocked     Result = "session-lost-then-blocked"
	ResultKeepaliveLost   Result = "keepalive-lost"
	ResultNoInternet      Result = "no-internet"
	ResultIntermittent    Result = "intermittent"
	ResultNotNetwork      Result = "not-network"
	ResultUndetermined    Result = "undetermined"
	ResultUnrecognised    Result = "unrecognised"
)

// Owner is whose job the repair is.
type Owner string

// The owners.
const (
	OwnerNone    Owner = ""
	OwnerUser    Owner = "device owner"
	OwnerAdmin   Owner = "gateway admin"
	OwnerNetwork Owner = "network team"
	OwnerVendor  Owner = "cloud vendor"
)

// Confidence is how sure a verdict is.
type Confidence string

// The confidences.
const (
	Low    Confidence = "low"
	Medium Confidence = "medium"
	High   Confidence = "high"
)

// Evidence is one fact that a verdict rests on.
type Evidence struct {
	// Witness is who saw it.
	Witness Witness `json:"by"`
	// Line is the position in the pasted log, from 1; 0 for a live fact.
	Line int `json:"line,omitempty"`
	// Time is when it was seen; zero where a log has no clock.
	Time time.Time `json:"t,omitzero"`
	// Text is the log's line, or the fact in words.
	Text string `json:"text"`
}

// Verdict says where a device fails, whose job the repair is, and why we think so.
type Verdict struct {
	Outcome    Result     `json:"outcome"`
	Hop        Hop        `json:"hop"`
	Code       Code       `json:"code"`
	Owner      Owner      `json:"owner"`
	Confidence Confidence `json:"confidence"`
	Stage      Stage      `json:"stage"`
	// Summary is the one sentence that matters.
	Summary string `json:"summary"`
	// Evidence lists the facts, most telling first, at most eight.
	Evidence []Evidence `json:"evidence"`
	// Fine lists what is not the problem.
	Fine []string `json:"fine"`
	// Next is what to do.
	Next string `json:"next"`
	// LED is what the device's light shows now, in words.
	LED string `json:"led,omitempty"`
}

// Healthy tells whether nothing is wrong now.
func (v Verdict) Healthy() bool {
	return v.Outcome == ResultOnline || v.Outcome == ResultLostRecovered
}
