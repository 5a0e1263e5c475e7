package gateway

import (
	"net/netip"
	"time"
)

// Part is a part of the gateway that health is kept of.
type Part string

// The parts (users.md E2, as far as they exist).
const (
	PartSegment  Part = "segment"
	PartDHCP     Part = "dhcp"
	PartDNS      Part = "dns"
	PartNTP      Part = "ntp"
	PartFirewall Part = "firewall"
	PartRelay    Part = "relay"
	PartEgress   Part = "egress"
	PartMQTT     Part = "mqtt"
	PartStorage  Part = "storage"
	PartCapture  Part = "capture"
)

// Status is how a part, or the whole, is doing.
type Status string

// The statuses.
const (
	StatusOK       Status = "ok"
	StatusDegraded Status = "degraded"
	StatusFailed   Status = "failed"
	StatusOff      Status = "off"
)

// PartStatus is how one part is doing.
type PartStatus struct {
	Part   Part
	Status Status
	// Since is when the status began; Seen when the part last proved it.
	Since, Seen time.Time
	Reason      string
	Hint        string
}

// DeviceStatus is one device as the journal knows it.
type DeviceStatus struct {
	Device
	// Listed: the device is on the whitelist. An unlisted one is a stranger.
	Listed bool
	// Stage is how far it is now, Since when it got there, Seen when anything
	// of it was last noticed.
	Stage       Stage
	Since, Seen time.Time
	Addr        netip.Addr
	// Session is the open session, or nil.
	Session *SessionRecord
	// Reconnects counts sessions after the first.
	Reconnects uint64
	Verdict    Verdict
}

// Online tells whether the device is through to its cloud now.
func (d DeviceStatus) Online() bool { return d.Stage == StageOnline }

// EgressStatus is the way out as the journal knows it.
type EgressStatus struct {
	// Via is the configured path, without credentials.
	Via string
	// Cloud is the configured name and port.
	Cloud string
	Up    bool
	Since time.Time
	// Reason says why it is down.
	Reason    string
	Addresses []Address
}

// Counters are totals since the start. Every drop is in one of them.
type Counters struct {
	EventsDropped   uint64            `json:"events_dropped"`
	Strangers       uint64            `json:"strangers"`
	LeasesGranted   uint64            `json:"leases_granted"`
	DNSAnswered     uint64            `json:"dns_answered"`
	DNSRefused      uint64            `json:"dns_refused"`
	SessionsOpened  uint64            `json:"sessions_opened"`
	SessionsClosed  uint64            `json:"sessions_closed"`
	SessionsRefused map[string]uint64 `json:"sessions_refused,omitempty"`
	FirewallDrops   map[string]uint64 `json:"firewall_drops,omitempty"`
	Malformed       map[string]uint64 `json:"malformed,omitempty"`
	SpoolWaiting    uint64            `json:"spool_waiting"`
	SpoolDropped    uint64            `json:"spool_dropped"`
}

// Snapshot is everything the gateway knows at one moment. It is immutable:
// the journal makes a new one, and MQTT, page and control socket render it.
type Snapshot struct {
	Gateway string
	Version string
	Time    time.Time
	Started time.Time
	Seq     uint64
	Parts   []PartStatus
	Devices []DeviceStatus
	Egress  EgressStatus
	// Alerts are the pending and firing ones, most severe first.
	Alerts   []Alert
	Counters Counters
}

// spare tells whether devices stay online without the part.
func (p Part) spare() bool { return p == PartMQTT || p == PartStorage || p == PartCapture }

// Overall sums the snapshot up. It is failed when what devices need does not work:
// a part on their way failed, or a critical alert fires. It is degraded when
// anything else is not as it should be: a part without which devices stay online
// failed (mqtt, storage, capture), a part is degraded, or another alert fires. A pending
// alert and a part that is off change nothing.
func (s Snapshot) Overall() Status {
	worst := StatusOK
	for _, p := range s.Parts {
		switch {
		case p.Status == StatusFailed && !p.Part.spare():
			return StatusFailed
		case p.Status == StatusFailed || p.Status == StatusDegraded:
			worst = StatusDegraded
		}
	}
	for _, a := range s.Alerts {
		switch {
		case a.State != AlertFiring || a.Severity == Info:
		case a.Severity == Critical:
			return StatusFailed
		default:
			worst = StatusDegraded
		}
	}
	return worst
}
