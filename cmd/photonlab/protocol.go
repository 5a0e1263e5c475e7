package main

import (
	"encoding/json"
	"fmt"
	"os"

	"photongate/cmd/photonlab/site"
)

// plan is what the demo tells the stage before it starts, as a JSON file.
type plan struct {
	// Dir is the folder of this run: logs, sockets, configuration.
	Dir string `json:"dir"`
	// Gateway is the path of the photongate binary, Config that of its configuration.
	Gateway string `json:"gateway"`
	Config  string `json:"config"`
	// Control is where photongate's control socket will be.
	Control string `json:"control"`
	// Broker is the Unix socket of the demo's MQTT broker.
	Broker string `json:"broker"`
	// Fault is what is wrong from the start.
	Fault site.Fault `json:"fault"`
}

// The words of an order's Do.
const (
	// doFault asks for the fault named.
	doFault = "fault"
	// doCycle asks for the Photons' power to be taken and given back.
	doCycle = "cycle"
	// doLeases asks for the addresses that the Photons have.
	doLeases = "leases"
)

// order is one thing that the demo asks of the stage: a JSON line on its
// stdin. The end of stdin asks it to stop.
type order struct {
	// Do is one of the words above; Fault belongs to doFault.
	Do    string     `json:"do"`
	Fault site.Fault `json:"fault,omitempty"`
}

// The words of a report's Is.
const (
	// isReady: the gateway runs and the Photons have power.
	isReady = "ready"
	// isFault, isCycled and isLeases answer the three orders.
	isFault, isCycled, isLeases = "fault", "cycled", "leases"
	// isEnded: a process of the stage ended by itself.
	isEnded = "ended"
	// isFailed: the stage cannot go on.
	isFailed = "failed"
)

// gateName is what reports call the process of photongate; those of the
// Photons have the Photons' names.
const gateName = "photongate"

// report is one thing that the stage says: a JSON line on its stdout.
type report struct {
	// Is is one of the words above.
	Is string `json:"is"`
	// Leases holds the address of each Photon that has one, by name.
	Leases map[string]string `json:"leases"`
	// Name is the process that ended.
	Name string `json:"name,omitempty"`
	// Error and Hint say what went wrong.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// writePlan leaves the plan in a file of the run's folder and returns its path.
func writePlan(p plan) (string, error) {
	path := p.Dir + "/plan.json"
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write plan: %w", err)
	}
	return path, os.WriteFile(path, b, 0o600)
}

// readPlan reads what writePlan wrote.
func readPlan(path string) (plan, error) {
	var p plan
	b, err := os.ReadFile(path)
	if err != nil {
		return plan{}, fmt.Errorf("read plan: %w", err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return plan{}, fmt.Errorf("read plan %s: %w", path, err)
	}
	return p, nil
}
