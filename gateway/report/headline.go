package report

import (
	"fmt"
	"strings"

	"photongate/gateway"
)

// maxHeadline bounds the sentence that matters, in bytes: about five lines.
const maxHeadline = 400

// Headline is the one sentence that matters now: the worst that fires, else a
// part that does not work, else the first listed device with a named fault, else
// how many devices are online. It has no line breaks.
func Headline(s gateway.Snapshot) string {
	if text := alertHeadline(s.Alerts); text != "" {
		return text
	}
	for _, p := range s.Parts {
		if p.Status == gateway.StatusFailed {
			return clean(fmt.Sprintf("The gateway's %s part does not work: %s", p.Part, p.Reason), maxHeadline)
		}
	}
	for _, d := range s.Devices {
		if d.Listed && !d.Online() && d.Verdict.Hop != gateway.HopNone && d.Verdict.Summary != "" {
			return clean(d.Label(), maxLevel) + " is not online: " + clean(d.Verdict.Summary, maxHeadline)
		}
	}
	return countHeadline(s.Devices)
}

// alertHeadline is the first of the most severe alerts that fire.
func alertHeadline(alerts []gateway.Alert) string {
	firing := firingAlerts(alerts)
	if len(firing) == 0 {
		return ""
	}
	worst := firing[0]
	for _, a := range firing {
		if a.Severity == gateway.Critical {
			worst = a
			break
		}
	}
	text := clean(worst.Summary, maxHeadline)
	if n := len(firing) - 1; n > 0 {
		text += fmt.Sprintf(" (and %s)", plural(n, "more alert", "more alerts"))
	}
	return text
}

// firingAlerts are those that fire.
func firingAlerts(alerts []gateway.Alert) []gateway.Alert {
	var out []gateway.Alert
	for _, a := range alerts {
		if a.State == gateway.AlertFiring {
			out = append(out, a)
		}
	}
	return out
}

// maxMissing is how many devices the sentence names.
const maxMissing = 3

// countHeadline says how many of the listed devices are online.
func countHeadline(devices []gateway.DeviceStatus) string {
	n := count(devices)
	switch {
	case n.Listed == 0:
		return "No device is listed yet; add one with: photongate device add"
	case n.Listed == 1 && n.Online == 1:
		return "The one listed device is online."
	case n.Online == n.Listed:
		return fmt.Sprintf("All %d listed devices are online.", n.Listed)
	}
	var missing []string
	for _, d := range devices {
		if d.Listed && !d.Online() {
			missing = append(missing, clean(d.Label(), maxLevel))
		}
	}
	list := strings.Join(missing[:min(len(missing), maxMissing)], ", ")
	if more := len(missing) - maxMissing; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%d of %s online; waiting for %s.", n.Online, plural(n.Listed, "listed device", "listed devices"), list)
}

// plural is a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
