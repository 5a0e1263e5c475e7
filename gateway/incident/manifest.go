package incident

import (
	"slices"
	"time"

	"photongate/gateway"
)

// manifest is the first file of a bundle: what it is, and what it lacks.
type manifest struct {
	Schema   int              `json:"schema"`
	ID       string           `json:"id,omitempty"`
	Made     time.Time        `json:"made"`
	Gateway  string           `json:"gateway"`
	Version  string           `json:"version"`
	Alert    string           `json:"alert,omitempty"`
	Device   gateway.MAC      `json:"device,omitzero"`
	Code     gateway.Code     `json:"code"`
	Hop      gateway.Hop      `json:"hop"`
	Summary  string           `json:"summary"`
	Redacted bool             `json:"redacted"`
	Events   int              `json:"events"`
	Cut      []string         `json:"cut"`
	Files    []manifestFile   `json:"files"`
	Devices  []gateway.Device `json:"devices"`
}

// manifestFile is one file beside the manifest, with its size unpacked.
type manifestFile struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// verdicts is the document of what was found.
type verdicts struct {
	Path   gateway.Verdict `json:"path"`
	Device gateway.Verdict `json:"device"`
}

// alertDocument is an alert as a file (users.md E4).
type alertDocument struct {
	ID       string             `json:"id"`
	Key      string             `json:"key"`
	Code     gateway.Code       `json:"code"`
	Hop      gateway.Hop        `json:"hop"`
	Severity gateway.Severity   `json:"severity"`
	State    gateway.AlertState `json:"state"`
	Device   gateway.MAC        `json:"device,omitzero"`
	Summary  string             `json:"summary"`
	Owner    gateway.Owner      `json:"owner"`
	Fix      string             `json:"fix"`
	Causes   []string           `json:"suppresses,omitempty"`
	For      time.Duration      `json:"for_ns,omitempty"`
	Since    time.Time          `json:"since,omitzero"`
	Fired    time.Time          `json:"fired,omitzero"`
	Last     time.Time          `json:"last,omitzero"`
	Ended    time.Time          `json:"ended,omitzero"`
	Count    uint64             `json:"count"`
	Silences int                `json:"silences"`
}

// documentOf makes an alert's document.
func documentOf(a gateway.Alert) alertDocument {
	return alertDocument{
		ID: a.ID, Key: a.Key, Code: a.Code, Hop: a.Hop, Severity: a.Severity, State: a.State, Device: a.Device,
		Summary: a.Summary, Owner: a.Owner, Fix: a.Fix, Causes: a.Causes, For: a.For,
		Since: a.Since, Fired: a.Fired, Last: a.Last, Ended: a.Ended, Count: a.Count, Silences: a.Silences,
	}
}

// alert is documentOf backwards.
func (d alertDocument) alert() gateway.Alert {
	return gateway.Alert{
		ID: d.ID, State: d.State, Since: d.Since, Fired: d.Fired, Last: d.Last, Ended: d.Ended, Count: d.Count, Silences: d.Silences,
		Finding: gateway.Finding{
			Key: d.Key, Code: d.Code, Hop: d.Hop, Severity: d.Severity, Device: d.Device,
			Summary: d.Summary, Owner: d.Owner, Fix: d.Fix, Causes: d.Causes, For: d.For,
		},
	}
}

// manifestOf describes a bundle that has these files.
func manifestOf(b Bundle, files []packed) manifest {
	m := manifest{
		Schema: Schema, ID: b.ID, Made: b.Made.UTC(), Gateway: b.Gateway, Version: b.Version, Alert: b.Alert.ID,
		Device: b.Device, Code: b.code(), Hop: b.hop(), Summary: b.summary(), Redacted: b.Redacted,
		Events: len(b.Events), Cut: slices.Clone(b.Cut), Devices: b.Devices,
	}
	if m.Cut == nil {
		m.Cut = []string{}
	}
	if m.Devices == nil {
		m.Devices = []gateway.Device{}
	}
	for _, f := range files {
		m.Files = append(m.Files, manifestFile{Name: f.name, Bytes: len(f.data)})
	}
	return m
}
