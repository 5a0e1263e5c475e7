package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"photongate/gateway"
	"photongate/gateway/config"
	"photongate/gateway/daemon"
	"photongate/gateway/incident"
)

// incidentCommand is `photongate incident`. It reads the state directory, so a
// gateway that no longer starts can still tell what happened.
func incidentCommand(e env, args []string) (int, error) {
	fs := flags("incident")
	path := configFlag(fs)
	asJSON := fs.Bool("json", false, "for programs")
	out := fs.String("output", "-", "where export writes, - for standard output")
	redact := fs.Bool("redact", false, "mask public addresses and leave captures out")
	rest, err := parse(fs, args, 2)
	if err != nil {
		return exitUsage, err
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return exitUsage, err
	}
	shelf, err := daemon.OpenIncidents(cfg.Gateway.StateDir)
	if err != nil {
		return exitFault, err
	}
	switch {
	case len(rest) == 0, rest[0] == "list" && len(rest) == 1:
		err = listIncidents(e, shelf, *asJSON)
	case rest[0] == "show" && len(rest) == 2:
		err = showIncident(e, shelf, rest[1], *asJSON)
	case rest[0] == "export" && len(rest) == 2:
		err = exportIncident(e, shelf, rest[1], *out, *redact)
	default:
		return exitUsage, gateway.Hint(errors.New("incident: want list, show ID or export ID"), "`photongate incident export 7 --output incident.zip`")
	}
	if err != nil {
		return exitFault, err
	}
	return exitOK, nil
}

// incidentRow is an incident as programs read it.
type incidentRow struct {
	ID      string       `json:"id"`
	Made    time.Time    `json:"made"`
	Code    gateway.Code `json:"code,omitempty"`
	Hop     gateway.Hop  `json:"hop,omitempty"`
	Bytes   int64        `json:"bytes"`
	Summary string       `json:"summary,omitempty"`
	Damaged string       `json:"damaged,omitempty"`
}

// listIncidents prints what is kept, the latest last.
func listIncidents(e env, shelf *incident.Shelf, asJSON bool) error {
	entries, err := shelf.List()
	if err != nil {
		return err
	}
	if asJSON {
		rows := []incidentRow{}
		for _, i := range entries {
			rows = append(rows, incidentRow{i.ID, i.Made.UTC(), i.Code, i.Hop, i.Size, i.Summary, i.Damaged})
		}
		return json.NewEncoder(e.out).Encode(rows)
	}
	if len(entries) == 0 {
		fmt.Fprintln(e.out, "no incident is kept: no alert has fired")
		return nil
	}
	t := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tWHEN\tHOP\tCODE\tBYTES")
	for _, i := range entries {
		code := string(i.Code)
		if i.Damaged != "" {
			code = "damaged: " + i.Damaged
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", i.ID, i.Made.UTC().Format(time.RFC3339), i.Hop, code, i.Size)
	}
	return t.Flush()
}

// showIncident judges a kept incident again and prints the page.
func showIncident(e env, shelf *incident.Shelf, id string, asJSON bool) error {
	b, err := shelf.Get(id)
	if err != nil {
		return err
	}
	v, err := judgeBundle(b, "")
	if err != nil {
		return err
	}
	return printVerdict(e, v, asJSON)
}

// exportIncident copies a bundle out, redacted or as it is.
func exportIncident(e env, shelf *incident.Shelf, id, to string, redact bool) (err error) {
	b, err := shelf.Get(id)
	if err != nil {
		return err
	}
	if redact {
		b = incident.Redact(b)
	}
	var w io.Writer = e.out
	if to != "-" {
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("export incident %s: %w", id, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	return incident.Write(w, b)
}
