//go:build !nowatch

package capture

import (
	"fmt"
	"io"
	"slices"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"photongate/gateway"
)

// Dump writes the latest packets of a device to w as pcapng, as far as they are
// kept, oldest first. It may be called while the ring runs.
func (r *Ring) Dump(w io.Writer, m gateway.MAC) error {
	r.mu.Lock()
	rec := r.recorders[m]
	var held []record
	if rec != nil {
		held = rec.packets()
	}
	r.mu.Unlock()
	if len(held) == 0 {
		return fmt.Errorf("dump packets of %s: none were seen", m)
	}
	if err := r.write(w, held); err != nil {
		return fmt.Errorf("dump packets of %s: %w", m, err)
	}
	return nil
}

// write writes packets as one section with one interface.
func (r *Ring) write(w io.Writer, held []record) error {
	ng, err := pcapgo.NewNgWriterInterface(w, pcapgo.NgInterface{
		Name: r.c.Interface, OS: "linux", LinkType: layers.LinkTypeEthernet,
		SnapLength: wholeLen, TimestampResolution: nanoseconds,
	}, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "photongate"}})
	if err != nil {
		return err
	}
	for _, p := range held {
		ci := gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(p.data), Length: p.wire}
		if err := ng.WritePacket(ci, p.data); err != nil {
			return err
		}
	}
	return ng.Flush()
}

// nanoseconds is if_tsresol's value for them (draft-ietf-opsawg-pcapng 4.2).
const nanoseconds = 9

// Held lists the devices of which packets are kept, in the order of their MACs.
func (r *Ring) Held() []gateway.MAC {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]gateway.MAC, 0, len(r.recorders))
	for m := range r.recorders {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b gateway.MAC) int { return slices.Compare(a[:], b[:]) })
	return out
}
