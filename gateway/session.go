package gateway

import (
	"net/netip"
	"time"
)

// SessionRecord is what a relayed session leaves behind, or how it stands.
type SessionRecord struct {
	ID      uint64         `json:"id"`
	MAC     MAC            `json:"mac,omitzero"`
	Device  netip.AddrPort `json:"device"`
	Cloud   netip.AddrPort `json:"cloud,omitzero"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended,omitzero"`
	Phase   Phase          `json:"phase"`
	// Reached holds, by Phase, how long after Started the phase was reached; 0: never.
	Reached [Phases]time.Duration `json:"reached_ns"`
	// PathRTT is how long the connect to the cloud took, the measure for all phases.
	PathRTT time.Duration `json:"path_rtt_ns,omitempty"`
	// Up counts bytes from device to cloud, Down from cloud to device.
	Up   uint64 `json:"up_bytes"`
	Down uint64 `json:"down_bytes"`
	// LastUp and LastDown are how long after Started the last byte crossed.
	LastUp   time.Duration `json:"last_up_ns,omitempty"`
	LastDown time.Duration `json:"last_down_ns,omitempty"`
	ClosedBy Closer        `json:"closed_by,omitempty"`
	How      Ending        `json:"how,omitempty"`
	// Detail says more in words: which limit, which bytes.
	Detail string `json:"detail,omitempty"`
	// Retransmits and Unacked are the upstream socket's at death (TCP_INFO:
	// tcpi_total_retrans segments, SIOCOUTQ bytes).
	Retransmits uint32 `json:"retransmits,omitempty"`
	Unacked     uint32 `json:"unacked_bytes,omitempty"`
}

// Closer is who ended a session.
type Closer string

// The closers.
const (
	ByDevice  Closer = "device"
	ByCloud   Closer = "cloud"
	ByGateway Closer = "gateway"
	ByNetwork Closer = "network"
)

// Ending is how a session ended.
type Ending string

// The endings.
const (
	// EndFIN: an orderly close.
	EndFIN Ending = "fin"
	// EndRST: a reset.
	EndRST Ending = "rst"
	// EndTimeout: bytes stayed unacknowledged or a keepalive unanswered.
	EndTimeout Ending = "timeout"
	// EndUnreachable: the kernel learned that the peer cannot be reached.
	EndUnreachable Ending = "unreachable"
	// EndNotSpark: the bytes did not have the protocol's shape.
	EndNotSpark Ending = "not-spark"
	// EndDeadline: a phase of the handshake took longer than a device waits.
	EndDeadline Ending = "deadline"
	// EndIdle: nothing crossed for longer than a living session stays silent.
	EndIdle Ending = "idle"
	// EndReplaced: the device opened a new session.
	EndReplaced Ending = "replaced"
	// EndNoPath: the way to the cloud could not be opened.
	EndNoPath Ending = "no-path"
	// EndRemoved: the device was taken off the whitelist.
	EndRemoved Ending = "removed"
	// EndShutdown: the gateway stopped.
	EndShutdown Ending = "shutdown"
)

// Address is one entry of the address book: a place where the cloud was, and
// what happened when it was tried.
type Address struct {
	Addr netip.AddrPort `json:"addr"`
	// Approved: the configuration lets the gateway dial it.
	Approved bool `json:"approved"`
	// Current: the name resolves to it now.
	Current bool `json:"current"`
	// Last is the outcome of the last attempt, empty before the first; LastTime when it was.
	Last     Outcome   `json:"last,omitempty"`
	LastTime time.Time `json:"last_time,omitzero"`
	// LastGood is when it last answered.
	LastGood time.Time `json:"last_good,omitzero"`
	// RTT is how long the last good connect took.
	RTT time.Duration `json:"rtt_ns,omitempty"`
	// Good and Bad count attempts since the start.
	Good uint32 `json:"good"`
	Bad  uint32 `json:"bad"`
}
