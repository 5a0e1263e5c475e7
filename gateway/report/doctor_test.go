package report_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/report"
)

// blockedPhoton is a verdict with every part filled.
func blockedPhoton() gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultTCPTimeout, Hop: gateway.HopEgress, Code: gateway.CodeEgressDropAll,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageResolved,
		Summary: "TCP 5683 to 107.22.156.56 is dropped: it does not answer at all in 5.0 s (code -2), which is what a firewall that drops does.",
		Evidence: []gateway.Evidence{
			{Witness: gateway.WitnessSerial, Line: 6, Text: "0000073563 [system] ERROR: connection failed to 107.22.156.56:5683, code=-2"},
			{Witness: gateway.WitnessEgress, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Text: "107.22.156.56:5683: timeout"},
			{Witness: gateway.WitnessAir, Text: "asked for an address"},
		},
		Fine: []string{"Wi-Fi association", "DHCP", "DNS (device.spark.io is 107.22.156.56)"},
		Next: "Ask the network team to allow outbound TCP 5683 to device.spark.io, by name: its addresses change.",
		LED:  "blinking green, then cyan, then two orange blinks, again and again",
	}
}

// TestDoctor compares pages with their golden files.
func TestDoctor(t *testing.T) {
	for _, tt := range []struct {
		name  string
		v     gateway.Verdict
		width int
	}{
		{"doctor-full.txt", blockedPhoton(), 0},
		{"doctor-narrow.txt", blockedPhoton(), 1},
		{"doctor-empty.txt", gateway.Verdict{Outcome: gateway.ResultUnrecognised, Code: gateway.CodeUnrecognised, Summary: "This is no log."}, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := report.Doctor(&b, tt.v, tt.width); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, []byte(b.String()))
		})
	}
}

// fullDisk is a writer without room.
type fullDisk struct{}

// errDisk is what it says.
var errDisk = errors.New("no space left")

// Write refuses.
func (fullDisk) Write([]byte) (int, error) { return 0, errDisk }

// TestDoctorWriteError: the writer's error comes back, wrapped.
func TestDoctorWriteError(t *testing.T) {
	err := report.Doctor(fullDisk{}, blockedPhoton(), 0)
	if !errors.Is(err, errDisk) || err.Error() != "write verdict: no space left" {
		t.Errorf("got %v, want write verdict: no space left", err)
	}
}

// TestDoctorJSON: arrays are never null, and the members are all there.
func TestDoctorJSON(t *testing.T) {
	b, err := report.DoctorJSON(gateway.Verdict{Outcome: gateway.ResultOnline, Code: gateway.CodeOK, Stage: gateway.StageOnline})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "doctor-min.json", b)
	b, err = report.DoctorJSON(blockedPhoton())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "doctor-full.json", b)
}
