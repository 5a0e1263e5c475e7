package gateway

import "testing"

func TestOverall(t *testing.T) {
	part := func(p Part, st Status) Snapshot {
		return Snapshot{Parts: []PartStatus{{Part: "dns", Status: "ok"}, {Part: p, Status: st}}}
	}
	alert := func(sev Severity, st AlertState) Snapshot {
		return Snapshot{Alerts: []Alert{{Finding: Finding{Severity: sev}, State: st}}}
	}
	tests := []struct {
		name string
		s    Snapshot
		want Status
	}{
		{"nothing", Snapshot{}, "ok"},
		{"off", part("mqtt", "off"), "ok"},
		{"silent", part("relay", "degraded"), "degraded"},
		{"relay failed", part("relay", "failed"), "failed"},
		{"mqtt failed", part("mqtt", "failed"), "degraded"},
		{"storage failed", part("storage", "failed"), "degraded"},
		{"pending", alert("critical", "pending"), "ok"},
		{"info", alert("info", "firing"), "ok"},
		{"warning", alert("warning", "firing"), "degraded"},
		{"critical", alert("critical", "firing"), "failed"},
	}
	for _, tt := range tests {
		if got := tt.s.Overall(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
