package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"photongate/gateway"
	"photongate/gateway/report"
)

// fresh is a gateway that has just started.
func fresh() gateway.Snapshot {
	return gateway.Snapshot{Gateway: "lab-3", Time: t0, Started: before(2 * time.Second), Egress: gateway.EgressStatus{Via: "direct", Cloud: "device.spark.io:5683"},
		Parts: []gateway.PartStatus{{Part: gateway.PartRelay, Status: gateway.StatusDegraded, Since: before(2 * time.Second), Reason: "starting"}}}
}

// partial is a gateway that waits for a device.
func partial() gateway.Snapshot {
	s := healthy()
	s.Devices = append(s.Devices, gateway.DeviceStatus{Device: cellar, Listed: true, Stage: gateway.StageLeased, Since: before(12 * time.Second), Seen: t0})
	return s
}

func TestLadder(t *testing.T) {
	tests := []struct {
		file string
		s    gateway.Snapshot
		opt  report.LadderOptions
	}{
		{"ladder-healthy.txt", healthy(), report.LadderOptions{}},
		{"ladder-broken.txt", broken(), report.LadderOptions{}},
		{"ladder-broken-120.txt", broken(), report.LadderOptions{Width: 120}},
		{"ladder-broken-color.txt", broken(), report.LadderOptions{Color: true}},
		{"ladder-fresh.txt", fresh(), report.LadderOptions{}},
		{"ladder-partial.txt", partial(), report.LadderOptions{}},
		{"ladder-zero.txt", gateway.Snapshot{}, report.LadderOptions{}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := report.Ladder(&b, tt.s, tt.opt); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.file, b.Bytes())
			if !tt.opt.Color {
				fits(t, b.String(), max(tt.opt.Width, 80))
			}
		})
	}
}

func TestLadderHostile(t *testing.T) {
	for _, width := range []int{-5, 1, 60, 80, 200} {
		var b bytes.Buffer
		if err := report.Ladder(&b, hostile(), report.LadderOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		fits(t, b.String(), max(width, 60))
		if strings.ContainsAny(b.String(), "\x1b\x00\r\u202e") || !utf8.ValidString(b.String()) {
			t.Errorf("width %d: not safe to print:\n%.3000q", width, b.String())
		}
	}
}

// fits checks that no line is wider than a width, and that none ends in a space.
func fits(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("%d columns, want at most %d: %.300q", n, width, line)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("ends in a space: %q", line)
		}
	}
}

// full is a writer without room.
type full struct{}

// errFull is what it says.
var errFull = errors.New("no room")

// Write writes nothing.
func (full) Write([]byte) (int, error) { return 0, errFull }

func TestLadderWriter(t *testing.T) {
	if err := report.Ladder(full{}, healthy(), report.LadderOptions{}); !errors.Is(err, errFull) {
		t.Errorf("error %v, want the writer's", err)
	}
}

func TestHeadline(t *testing.T) {
	device := broken()
	device.Alerts, device.Parts = nil, nil
	part := device
	part.Parts = broken().Parts
	warning := broken()
	warning.Alerts = warning.Alerts[1:]
	two := healthy()
	two.Devices = append(two.Devices, two.Devices[0])
	tests := []struct {
		name string
		s    gateway.Snapshot
		want string
	}{
		{"nothing listed", gateway.Snapshot{}, "No device is listed yet; add one with: photongate device add"},
		{"one online", healthy(), "The one listed device is online."},
		{"all online", two, "All 2 listed devices are online."},
		{"waiting", partial(), "1 of 2 listed devices online; waiting for cellar."},
		{"device fails", device, "porch is not online: A firewall let the connection to 54.175.227.173 through, killed it 25 s later and has dropped TCP 5683 since."},
		{"part fails", part, "The gateway's mqtt part does not work: connect to 127.0.0.1:1883: connection refused"},
		{"warning", warning, "cellar is not online: It asks for an address and does not take the one offered."},
		{"critical", broken(), "A firewall let the connection to 54.175.227.173 through, killed it 25 s later and has dropped TCP 5683 since. (and 1 more alert)"},
	}
	for _, tt := range tests {
		if got := report.Headline(tt.s); got != tt.want {
			t.Errorf("%s: %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestStatusJSON(t *testing.T) {
	for name, s := range map[string]gateway.Snapshot{"healthy": healthy(), "broken": broken(), "zero": {}} {
		got, err := report.StatusJSON(s)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "status-"+name+".json", got)
	}
	got, err := report.StatusJSON(hostile())
	if err != nil || !json.Valid(got) || bytes.ContainsAny(got, "\x1b\x00") {
		t.Errorf("hostile: error %v, %d bytes", err, len(got))
	}
}
