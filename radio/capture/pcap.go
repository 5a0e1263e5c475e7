//go:build !nowatch

package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// packetLimit is the longest packet that a file may hold, in bytes:
	// libpcap's MAXIMUM_SNAPLEN. More means damage.
	packetLimit = 262144
	// lastSecond is the end of the year 9999, the last that JSON can tell.
	lastSecond = 253402300799
)

// record is one packet of a file.
type record struct {
	at   time.Time
	link LinkType
	// data is valid until the next record is read.
	data []byte
	wire int
}

// source yields the packets of a file. next returns io.EOF at its orderly end,
// and io.ErrUnexpectedEOF where it is cut off.
type source interface {
	next() (record, error)
}

// The magic numbers of pcap, in the writer's byte order (IETF
// draft-ietf-opsawg-pcap), and that of Kuznetsov's variant.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

// pcap reads the classic format.
type pcap struct {
	r     *bufio.Reader
	order binary.ByteOrder
	link  LinkType
	// unit is what the fraction of a second counts.
	unit time.Duration
	// extra is how many bytes follow each packet's header.
	extra  int
	header [24]byte
	buf    []byte
	n      int
}

// pcapOrder is the byte order of a file that begins with b, nil where it is no pcap.
func pcapOrder(b []byte) binary.ByteOrder {
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch o.Uint32(b) {
		case magicMicro, magicNano, magicModified:
			return o
		}
	}
	return nil
}

// openPcap reads the file's header.
func openPcap(r *bufio.Reader, o binary.ByteOrder) (*pcap, error) {
	p := &pcap{r: r, order: o, unit: time.Microsecond}
	if _, err := io.ReadFull(r, p.header[:]); err != nil {
		return nil, cut(err)
	}
	switch o.Uint32(p.header[:]) {
	case magicNano:
		p.unit = time.Nanosecond
	case magicModified:
		p.extra = 8
	}
	// The upper bits tell of check sequences (draft-ietf-opsawg-pcap 4).
	p.link = LinkType(o.Uint32(p.header[20:]) & 0xffff)
	if !p.link.known() {
		return nil, errLink(p.link)
	}
	return p, nil
}

// next reads a packet.
func (p *pcap) next() (record, error) {
	h := p.header[:16]
	if _, err := io.ReadFull(p.r, h); err != nil {
		return record{}, err
	}
	p.n++
	if _, err := p.r.Discard(p.extra); err != nil {
		return record{}, cut(err)
	}
	sec, frac := p.order.Uint32(h), p.order.Uint32(h[4:])
	held, wire := p.order.Uint32(h[8:]), p.order.Uint32(h[12:])
	if held > packetLimit {
		return record{}, errDamaged(p.n, held)
	}
	var err error
	if p.buf, err = fill(p.r, p.buf, int(held)); err != nil {
		return record{}, err
	}
	at := time.Unix(int64(sec), int64(frac)*int64(p.unit)).UTC()
	return record{at: at, link: p.link, data: p.buf, wire: int(min(wire, packetLimit))}, nil
}

// fill reads n bytes into b, which grows where needed.
func fill(r io.Reader, b []byte, n int) ([]byte, error) {
	if cap(b) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	_, err := io.ReadFull(r, b)
	return b, cut(err)
}

// cut makes an end of file where more was promised what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// errDamaged says that a file contradicts itself.
func errDamaged(n int, held uint32) error {
	return fmt.Errorf("packet %d claims %d bytes, more than the %d that a capture can hold: the file is damaged", n, held, packetLimit)
}

// errLink says that frames of a type are not read.
func errLink(l LinkType) error { return fmt.Errorf("link type %s is not supported", l) }
