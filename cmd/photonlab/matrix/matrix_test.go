package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// preface stands above the table.
const preface = `# What each witness says of each fault

Written by ` + "`go test ./cmd/photonlab/matrix -update`" + ` from the recordings in the folders beside it.
A verdict is hop, code and confidence; *wrong* marks a hop that is not at fault. No verdict may be
wrong and of high confidence. The right hops stand with the culprit first; "-" is nothing (any more).

The capture was taken between the Photon and the gateway. So to it, and to the serial log, the gateway
is the cloud; where the gateway refuses because it cannot get through, "relay" is all they can know.

| fault | what is wrong | right | serial | gateway | capture | together |
|---|---|---|---|---|---|---|
`

// TestMatrix judges every recording and compares with the table.
func TestMatrix(t *testing.T) {
	if *restage != "" {
		record(t, regexp.MustCompile(*restage))
	}
	var table strings.Builder
	table.WriteString(preface)
	for _, s := range Scenes() {
		r, err := judged(s, filepath.Join(recordings, s.Name))
		if err != nil {
			t.Fatal(err)
		}
		r.check(t, s)
		table.WriteString(r.line(s))
	}
	gatewaytest.Golden(t, filepath.Join(recordings, "README.md"), table.String())
}

// record stages the faults of matching names and keeps what was seen.
func record(t *testing.T, names *regexp.Regexp) {
	t.Helper()
	unwanted := func(s Scene) bool { return !names.MatchString(s.Name) }
	playAll(t, slices.DeleteFunc(Scenes(), unwanted), func(s Scene, dir string) error {
		if err := live(s, dir); err != nil {
			t.Error(err)
		}
		return keep(s, dir)
	})
}

// check holds that no verdict is wrong and sure of it.
func (r row) check(t *testing.T, s Scene) {
	t.Helper()
	for _, w := range witnesses {
		if v := r[w]; wrong(s, w, v) && v.Confidence == gateway.High {
			t.Errorf("%s: %s says %s, want %s or less sure: %s", s.Name, w, cell(s, w, v), hopTexts(s.Right), v.Summary)
		}
	}
}

// TestStaged stages three faults again: what the witnesses say of them is what
// they say of the recordings.
func TestStaged(t *testing.T) {
	if !strings.Contains(os.Getenv("PHOTONGATE_TEST"), "net") {
		t.Skip("it takes a minute; set PHOTONGATE_TEST=net")
	}
	var scenes []Scene
	for _, name := range []string{"drop", "allow-then-kill", "cloud-mute"} {
		s, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		scenes = append(scenes, s)
	}
	playAll(t, scenes, func(s Scene, dir string) error {
		want, err := judged(s, filepath.Join(recordings, s.Name))
		if err != nil {
			return err
		}
		got, err := judged(s, dir)
		if err != nil {
			return err
		}
		if got.line(s) != want.line(s) {
			return fmt.Errorf("staged again: got %swant %s", got.line(s), want.line(s))
		}
		return live(s, dir)
	})
}
