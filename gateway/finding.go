package gateway

import "time"

// Severity ranks a finding.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Finding is a condition that holds now: what diagnosis and the parts say.
// Its key is stable, so that the same condition is the same alert.
type Finding struct {
	Key      string
	Code     Code
	Hop      Hop
	Severity Severity
	// Device is the MAC that it is about; zero for the gateway as a whole.
	Device  MAC
	Summary string
	Owner   Owner
	Fix     string
	// Causes are the prefixes of keys that this finding explains: they stay
	// pending while it fires, and are counted.
	Causes []string
	// For is how long it must hold before it fires; it is 0 where the evidence
	// is conclusive at once.
	For time.Duration
}

// AlertState is where an alert stands in its life.
type AlertState string

// The states.
const (
	AlertPending  AlertState = "pending"
	AlertFiring   AlertState = "firing"
	AlertResolved AlertState = "resolved"
)

// Alert is a finding with a life: pending, firing, resolved.
type Alert struct {
	// ID is unique to this life of the alert; a later one has another.
	ID string
	Finding
	State AlertState
	// Since is when the condition began, Fired when the alert fired, Last when
	// it was last seen, Ended when it resolved.
	Since, Fired, Last, Ended time.Time
	// Count is how often it was seen.
	Count uint64
	// Silences counts the findings that it explains.
	Silences int
}
