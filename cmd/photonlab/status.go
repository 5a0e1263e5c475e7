package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"photongate/gateway"
)

// status is what `photongate status --json` prints, as far as the lab reads it.
type status struct {
	Gateway string         `json:"gateway"`
	Status  string         `json:"status"`
	Devices []deviceStatus `json:"devices"`
	Alerts  []alert        `json:"alerts"`
}

// deviceStatus is one device of it.
type deviceStatus struct {
	Name    string      `json:"name"`
	MAC     gateway.MAC `json:"mac"`
	Listed  bool        `json:"listed"`
	Stage   string      `json:"stage"`
	Addr    string      `json:"addr"`
	Verdict verdict     `json:"verdict"`
}

// verdict is what the gateway says about a device.
type verdict struct {
	Outcome    string `json:"outcome"`
	Hop        string `json:"hop"`
	Code       string `json:"code"`
	Owner      string `json:"owner"`
	Confidence string `json:"confidence"`
	Summary    string `json:"summary"`
}

// alert is an alert as the gateway publishes it (users.md E4).
type alert struct {
	Key      string    `json:"key"`
	Code     string    `json:"code"`
	Hop      string    `json:"hop"`
	State    string    `json:"state"`
	Severity string    `json:"severity"`
	Summary  string    `json:"summary"`
	Since    time.Time `json:"since,omitzero"`
	Fired    time.Time `json:"fired,omitzero"`
}

// statusWait bounds one question to the control socket, which answers from
// memory within milliseconds.
const statusWait = 3 * time.Second

// asker asks the gateway how it is, by its own command.
type asker struct {
	// gate is the photongate binary, socket its control socket.
	gate, socket string
}

// text is the status for people.
func (a asker) text(ctx context.Context) (string, error) {
	b, err := a.run(ctx)
	return string(b), err
}

// read is the status for programs.
func (a asker) read(ctx context.Context) (status, error) {
	var s status
	b, err := a.run(ctx, "--json")
	if err != nil {
		return status{}, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return status{}, fmt.Errorf("read photongate status: %w", err)
	}
	return s, nil
}

// run is `photongate status`. Its exit code may say that something is wrong,
// which is what the lab is for; no output is an error.
func (a asker) run(ctx context.Context, flags ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, statusWait)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, a.gate, append([]string{"status", "--socket", a.socket}, flags...)...)
	cmd.Stderr = &said
	// Ctrl-C is for the lab, which still has questions then.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.Output()
	if len(out) == 0 && ctx.Err() != nil {
		return nil, fmt.Errorf("run photongate status: no answer within %s: %w", statusWait, ctx.Err())
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("run photongate status: %w: %s", endError(err), bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}
