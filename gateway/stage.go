package gateway

import (
	"fmt"
	"slices"
)

// Stage is how far a device got on its way to the cloud. Stages are ordered:
// each one implies those before it.
type Stage uint8

// The stages, in the order in which a device passes them.
const (
	// StageNone: nothing of the device was noticed.
	StageNone Stage = iota
	// StageSeen: a frame of the device was noticed.
	StageSeen
	// StageAssociated: it joined the access point (on a wired segment: it asked for an address).
	StageAssociated
	// StageLeased: it holds an address.
	StageLeased
	// StageResolved: it was told an address for the cloud's name.
	StageResolved
	// StageConnected: it has a TCP connection to what it takes for the cloud.
	StageConnected
	// StageHandshaken: the Spark handshake completed (photon.md 4.1, rows 1 to 5).
	StageHandshaken
	// StageOnline: a record crossed each way after the handshake.
	StageOnline
)

// stageNames are the words of DESIGN 2, by Stage.
var stageNames = []string{"none", "seen", "associated", "leased", "resolved", "connected", "handshaken", "online"}

// Stages lists the stages of the ladder in order, without StageNone.
func Stages() []Stage {
	return []Stage{StageSeen, StageAssociated, StageLeased, StageResolved, StageConnected, StageHandshaken, StageOnline}
}

// String is the stage's word.
func (s Stage) String() string { return nameOf(stageNames, s) }

// MarshalText writes the stage's word.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a stage's word.
func (s *Stage) UnmarshalText(b []byte) error { return parseName(stageNames, "stage", b, s) }

// Phase is how far the Spark handshake of one session got, from byte counts
// alone (photon.md 4.3).
type Phase uint8

// The phases, in the order in which a session passes them.
const (
	// PhaseDialing: the way to the cloud is not open yet.
	PhaseDialing Phase = iota
	// PhaseSilent: connected, and the cloud, which speaks first, has said nothing.
	PhaseSilent
	// PhaseNonce: the cloud's 40 bytes came.
	PhaseNonce
	// PhaseDeviceKey: the device answered its 256 bytes.
	PhaseDeviceKey
	// PhaseCloudKey: the cloud answered its 384 bytes.
	PhaseCloudKey
	// PhaseHello: the device's first framed record came, its HELLO.
	PhaseHello
	// PhaseEstablished: the cloud's HELLO came; the handshake is complete.
	PhaseEstablished
	// PhaseTalking: a record of the cloud came after its HELLO.
	PhaseTalking

	// Phases counts them.
	Phases = int(PhaseTalking) + 1
)

// phaseNames are the words, by Phase.
var phaseNames = []string{"dialing", "silent", "nonce", "device-key", "cloud-key", "hello", "established", "talking"}

// String is the phase's word.
func (p Phase) String() string { return nameOf(phaseNames, p) }

// MarshalText writes the phase's word.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a phase's word.
func (p *Phase) UnmarshalText(b []byte) error { return parseName(phaseNames, "phase", b, p) }

// nameOf is the word of an ordered value, or its number where it has none.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%d", uint8(v))
}

// parseName is nameOf backwards.
func parseName[T ~uint8](names []string, what string, b []byte, v *T) error {
	i := slices.Index(names, string(b))
	if i < 0 {
		return fmt.Errorf("%q is not a %s", b, what)
	}
	*v = T(i)
	return nil
}
