package capture

import (
	"fmt"
	"strings"
	"time"

	"photongate/gateway"
)

// Stats is what a Decoder saw. Every frame that led to nothing is in a counter.
type Stats struct {
	// Frames and Bytes count frames and the bytes of them that were captured.
	Frames, Bytes uint64
	// First and Last are the times of the first and last frame.
	First, Last time.Time
	// Truncated: the file ends in the middle; what stands before was used.
	Truncated bool
	// Other counts frames of protocols that a Photon's way to the cloud does not use.
	Other uint64
	// Encrypted counts frames that the radio encrypted.
	Encrypted uint64
	// Malformed counts frames that contradict their own protocol.
	Malformed uint64
	// Unsupported counts frames of link types that are not known here, and
	// Links names those types.
	Unsupported uint64
	Links       []string
	// Devices counts hosts seen, Sessions connections to the cloud's port.
	Devices, Sessions uint64
	// Photons are the MACs that behaved as a Photon does: they asked for the
	// cloud's name, opened its port or announced an id.
	Photons []gateway.MAC
}

// String says in a sentence what the capture is worth, for people.
func (s Stats) String() string {
	line := fmt.Sprintf("%s in %s", counted(s.Frames, "frame"), s.Last.Sub(s.First).Round(time.Second))
	switch {
	case s.Frames == 0:
		line = "no frames"
	case s.Sessions > 0:
		line += fmt.Sprintf(", %s, %s to the cloud", counted(uint64(len(s.Photons)), "Photon"), counted(s.Sessions, "connection"))
	case len(s.Photons) > 0:
		line += fmt.Sprintf(", %s, no connection to the cloud", counted(uint64(len(s.Photons)), "Photon"))
	case s.Encrypted > s.Frames/2:
		line += ", and the radio encrypted them: capture behind the access point"
	default:
		line += ", none of a Photon on its way to the cloud"
	}
	if s.Truncated {
		line += "; the file is cut off"
	}
	if s.Unsupported > 0 {
		line += fmt.Sprintf("; %s of other link types (%s) left out", counted(s.Unsupported, "frame"), strings.Join(s.Links, ", "))
	}
	return line
}

// counted is a number and its noun.
func counted(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
