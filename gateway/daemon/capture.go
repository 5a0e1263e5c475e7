package daemon

import (
	"bytes"
	"io"

	"photongate/gateway"
	"photongate/radio/capture"
)

// ReadCapture reads a packet capture (pcap or pcapng) into events, and says in
// a sentence what it is worth.
func ReadCapture(r io.Reader, emit gateway.Sink) (string, error) {
	stats, err := capture.ReadFile(r, capture.Settings{Emit: emit})
	return stats.String(), err
}

// captured bounds the captures in one incident: the device that it is about,
// or a few of those that the way out failed.
const captured = 4

// dumps are the latest packets of a device, or of a few devices when the
// incident is about all of them, by file name.
func (d *Daemon) dumps(about gateway.MAC) map[string][]byte {
	out := map[string][]byte{}
	if d.capture == nil {
		return out
	}
	for _, m := range d.capture.Held() {
		if len(out) == captured || !about.IsZero() && m != about {
			continue
		}
		var b bytes.Buffer
		if err := d.capture.Dump(&b, m); err != nil {
			d.log.Debug("no capture for the incident", "mac", m.String(), "err", err)
			continue
		}
		out[m.Compact()+".pcapng"] = b.Bytes()
	}
	return out
}
