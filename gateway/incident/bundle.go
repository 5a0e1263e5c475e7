package incident

import (
	"fmt"
	"strings"
	"time"

	"photongate/gateway"
)

// Schema is the version of a bundle's form. A later one is refused.
const Schema = 1

// MaxBundle bounds a written bundle, in bytes: a router's flash holds a few of
// them, and every mail system takes one.
const MaxBundle = 1 << 20

// Bundle is one incident: an alert, and what led to it.
type Bundle struct {
	// ID is the name that a Shelf gave it, as "0007"; empty before.
	ID string
	// Made is when it was frozen, the present of its verdicts.
	Made time.Time
	// Gateway and Version name who froze it.
	Gateway, Version string
	Alert            gateway.Alert
	// Device is the one that the alert is about; zero for the gateway as a whole.
	Device gateway.MAC
	// Path is the verdict on the way out, Verdict the one on Device.
	Path, Verdict gateway.Verdict
	// Devices is the whitelist.
	Devices []gateway.Device
	// Events are what a Recorder kept, oldest first.
	Events []gateway.Event
	// Log is the end of our own log; it may be empty.
	Log []byte
	// Captures are packet captures by file name, as "porch.pcapng"; see captureName.
	Captures map[string][]byte
	// Redacted: Redact made it.
	Redacted bool
	// Cut says in words what was left out to keep the bundle small. Read fills it.
	Cut []string
	// Skipped counts lines of events that Read could not read.
	Skipped int
}

// The files of a bundle.
const (
	manifestName = "manifest.json"
	eventsName   = "events.jsonl"
	verdictName  = "verdict.json"
	alertName    = "alert.json"
	logName      = "log.txt"
	captureEnd   = ".pcapng"
)

// The bounds of a bundle's parts, unpacked. What Write writes, Read reads.
const (
	// maxFiles bounds the files: a bundle has five and a capture per device of interest.
	maxFiles = 32
	// maxEvents bounds the events: four times what a Recorder for 50 devices
	// keeps, and replayed within two seconds.
	maxEvents = 8192
	// maxEventBytes bounds the file of events.
	maxEventBytes = 8 << 20
	// maxDocument bounds each of the JSON documents: a whitelist of 1024 devices takes 100 KiB.
	maxDocument = 512 << 10
	// maxLog bounds the log's tail: some thousand lines.
	maxLog = 256 << 10
	// maxDevices bounds the whitelist, as diagnose bounds what it follows.
	maxDevices = 1024
)

// captureName tells whether a file of this name can be a capture: letters,
// digits, dots, hyphens and underscores, not beginning with a dot, ending in
// .pcapng, and no longer than 64. So it is a safe name in every folder.
func captureName(name string) bool {
	if len(name) > 64 || !strings.HasSuffix(name, captureEnd) || name[0] == '.' {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	}) < 0
}

// code is what the incident is about in one word.
func (b Bundle) code() gateway.Code {
	switch {
	case b.Alert.Code != "":
		return b.Alert.Code
	case b.Verdict.Code != "":
		return b.Verdict.Code
	}
	return b.Path.Code
}

// hop is where it happened.
func (b Bundle) hop() gateway.Hop {
	switch {
	case b.Alert.Code != "":
		return b.Alert.Hop
	case b.Verdict.Code != "":
		return b.Verdict.Hop
	}
	return b.Path.Hop
}

// summary is what happened in one sentence.
func (b Bundle) summary() string {
	switch {
	case b.Alert.Summary != "":
		return b.Alert.Summary
	case b.Verdict.Summary != "":
		return b.Verdict.Summary
	}
	return b.Path.Summary
}

// check tells why a bundle cannot be written.
func (b Bundle) check() error {
	for name := range b.Captures {
		if !captureName(name) {
			return fmt.Errorf("%q is not the name of a capture: want letters, digits and .-_ with %s at the end", name, captureEnd)
		}
	}
	if n := len(b.Captures) + 5; n > maxFiles {
		return fmt.Errorf("%d files are more than %d", n, maxFiles)
	}
	if len(b.Devices) > maxDevices {
		return fmt.Errorf("%d devices are more than %d", len(b.Devices), maxDevices)
	}
	return nil
}
