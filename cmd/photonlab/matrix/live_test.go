package matrix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"photongate/gateway"
	"photongate/gateway/incident"
)

// status is what `photongate status --json` prints, as far as it is compared.
type status struct {
	// Time is the present of the verdicts.
	Time    time.Time `json:"ts"`
	Devices []struct {
		MAC     gateway.MAC     `json:"mac"`
		Verdict gateway.Verdict `json:"verdict"`
	} `json:"devices"`
}

// live compares what the running photongate said of porch at the end with what
// its journal says when it is folded again.
func live(s Scene, dir string) error {
	var told status
	b, err := os.ReadFile(filepath.Join(dir, StatusFile))
	if err == nil {
		err = json.Unmarshal(b, &told)
	}
	if err != nil {
		return fmt.Errorf("read status of %s: %w", s.Name, err)
	}
	events, err := os.ReadFile(filepath.Join(dir, JournalFile))
	if err != nil {
		return err
	}
	replay := incident.Bundle{Made: told.Time}
	for _, p := range Listed(s) {
		replay.Devices = append(replay.Devices, p.Device)
	}
	read := journal(bytes.NewReader(events))
	if err := read(func(e gateway.Event) { replay.Events = append(replay.Events, e) }); err != nil {
		return err
	}
	_, devices := incident.Replay(replay)
	said := map[gateway.MAC]string{}
	for _, d := range devices {
		said[d.MAC] = cell(s, byGateway, d.Verdict)
	}
	for _, d := range told.Devices {
		if got, want := said[d.MAC], cell(s, byGateway, d.Verdict); got != want {
			return fmt.Errorf("%s: the journal, folded again, says %q of %s, want %q as the running photongate", s.Name, got, d.MAC, want)
		}
	}
	return nil
}
