//go:build !nowatch

package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"photongate/gateway"
)

// readAhead is the size of the reads from a file.
const readAhead = 1 << 16

// ReadFile decodes a capture: pcap in either byte order with micro- or
// nanoseconds, or pcapng, of the link types that LinkType lists. It streams, in
// constant memory. A file that is cut off is no error: what stands before is
// used and Stats.Truncated says so. An error comes with the Stats of what was
// read before it; a file of other link types only is an error that names them.
func ReadFile(r io.Reader, s Settings) (Stats, error) {
	d, err := NewDecoder(s)
	if err != nil {
		return Stats{}, err
	}
	b := bufio.NewReaderSize(r, readAhead)
	src, err := open(b)
	for err == nil {
		var rec record
		if rec, err = src.next(); err == nil {
			d.Frame(rec.at, rec.link, rec.data, rec.wire)
		}
	}
	d.Finish()
	st := d.Stats()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		st.Truncated = true
	case !errors.Is(err, io.EOF):
		return st, fmt.Errorf("read capture: %w", err)
	}
	if st.Unsupported > 0 && st.Unsupported == st.Frames {
		return st, fmt.Errorf("read capture: %w", linkHint(fmt.Errorf("link type %s is not supported", strings.Join(st.Links, ", "))))
	}
	return st, nil
}

// open tells the format by the file's first bytes.
func open(r *bufio.Reader) (source, error) {
	b, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(b) == 0:
		return nil, errors.New("the file is empty")
	case len(b) == 4 && binary.LittleEndian.Uint32(b) == blockSection:
		return &pcapng{r: r}, nil
	case len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b:
		return nil, gateway.Hint(errors.New("the file is compressed"), "unpack it first: gunzip FILE")
	case len(b) == 4 && pcapOrder(b) != nil:
		p, err := openPcap(r, pcapOrder(b))
		if err != nil {
			// The interface must not hold a nil pointer.
			return nil, linkHint(err)
		}
		return p, nil
	}
	return nil, gateway.Hint(errors.New("the file is not a capture: it begins like neither pcap nor pcapng"),
		"write one with: tcpdump -i INTERFACE -w FILE")
}

// linkHint adds advice to an error about a link type.
func linkHint(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return gateway.Hint(err, "capture on the interface of the access point, or in monitor mode with radiotap: tcpdump -i wlan0 -w FILE")
}
