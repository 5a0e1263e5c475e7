package matrix

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// snap is how much of a packet is kept, in bytes: a DHCP message of the smallest
// size whole (RFC 951 3: 300 bytes behind the headers), no more of anything.
const snap = 360

// runCapture writes what crosses an interface to a file, until it is killed.
// Unlike tcpdump, which gives up root first and cannot where root is the only
// user, it works in the namespaces of an ordinary user as well.
func runCapture(name, path string) error {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("capture on %s: %w", name, err)
	}
	conn, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, nil)
	if err != nil {
		return fmt.Errorf("capture on %s: %w", name, err)
	}
	defer conn.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(pcapHeader()); err != nil {
		return err
	}
	frame := make([]byte, 64<<10)
	for {
		n, _, err := conn.ReadFrom(frame)
		if err != nil {
			return fmt.Errorf("capture on %s: %w", name, err)
		}
		// One write each, so that a kill leaves whole packets.
		if _, err := f.Write(pcapRecord(time.Now(), frame[:n])); err != nil {
			return err
		}
	}
}

// pcapHeader is the head of a capture of Ethernet frames with microseconds
// (IETF draft-ietf-opsawg-pcap 4).
func pcapHeader() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, snap)
	return binary.LittleEndian.AppendUint32(b, 1)
}

// pcapRecord is one frame with its time (draft-ietf-opsawg-pcap 5).
func pcapRecord(at time.Time, frame []byte) []byte {
	kept := frame[:min(len(frame), snap)]
	b := binary.LittleEndian.AppendUint32(nil, uint32(at.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(at.Nanosecond()/1000))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(kept)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frame)))
	return append(b, kept...)
}
