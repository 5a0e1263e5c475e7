//go:build !nowatch

package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"
)

// The types of pcapng's blocks that are read (IETF draft-ietf-opsawg-pcapng 4).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOldPacket = 2
	blockSimple    = 3
	blockPacket    = 6
)

// sectionOrder is a section's mark of its byte order (draft-ietf-opsawg-pcapng 4.1).
const sectionOrder = 0x1a2b3c4d

const (
	// interfacesLimit and optionsLimit bound a section's interfaces and the
	// bytes that describe one; tcpdump and Wireshark write a handful and 200.
	interfacesLimit = 4096
	optionsLimit    = 1 << 16
	// optEnd, optResolution and optOffset are options of an interface
	// (draft-ietf-opsawg-pcapng 4.2).
	optEnd        = 0
	optResolution = 9
	optOffset     = 14
)

// port is one interface of a section.
type port struct {
	link LinkType
	snap uint32
	// resolution is if_tsresol: a negative power of 10, or of 2 with the high bit.
	resolution byte
	offset     int64
}

// pcapng reads the newer format.
type pcapng struct {
	r     *bufio.Reader
	order binary.ByteOrder
	ports []port
	last  time.Time
	buf   []byte
	n     int
	// short: the file ended within a block whose packet was whole.
	short bool
	// head is space for the fixed parts of blocks.
	head [28]byte
}

// next reads blocks up to the next packet.
func (p *pcapng) next() (record, error) {
	for {
		if p.short {
			return record{}, io.ErrUnexpectedEOF
		}
		// The section's mark decides the order of its own length.
		b := p.head[:8]
		if _, err := io.ReadFull(p.r, b); err != nil {
			return record{}, err
		}
		if binary.LittleEndian.Uint32(b) == blockSection {
			if err := p.section(); err != nil {
				return record{}, err
			}
			continue
		}
		if p.order == nil {
			return record{}, errors.New("the file does not begin with a section header: it is damaged")
		}
		kind, size := p.order.Uint32(b), p.order.Uint32(b[4:])
		if size < 12 || size%4 != 0 {
			return record{}, fmt.Errorf("a block of %d bytes behind packet %d: the file is damaged", size, p.n)
		}
		rec, ok, err := p.block(kind, int64(size)-8)
		if err != nil || ok {
			return rec, err
		}
	}
}

// section reads the rest of a section header.
func (p *pcapng) section() error {
	length := append([]byte(nil), p.head[4:8]...)
	b := p.head[:4]
	if _, err := io.ReadFull(p.r, b); err != nil {
		return cut(err)
	}
	p.order = nil
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if o.Uint32(b) == sectionOrder {
			p.order = o
		}
	}
	if p.order == nil {
		return errors.New("a section header has no mark of its byte order: the file is damaged")
	}
	p.ports = p.ports[:0]
	size := p.order.Uint32(length)
	if size < 28 || size%4 != 0 {
		return fmt.Errorf("a section header of %d bytes: the file is damaged", size)
	}
	return p.skip(int64(size) - 12)
}

// skip leaves out n bytes.
func (p *pcapng) skip(n int64) error {
	_, err := io.CopyN(io.Discard, p.r, n)
	return cut(err)
}

// block reads a block with n bytes left, its closing length included; ok tells
// whether it was a packet.
func (p *pcapng) block(kind uint32, n int64) (rec record, ok bool, err error) {
	switch kind {
	case blockInterface:
		return record{}, false, p.describe(n)
	case blockPacket, blockOldPacket:
		return p.packet(kind, n)
	case blockSimple:
		return p.simple(n)
	}
	return record{}, false, p.skip(n)
}

// describe reads an interface.
func (p *pcapng) describe(n int64) error {
	if n < 12 || n > optionsLimit || len(p.ports) >= interfacesLimit {
		return fmt.Errorf("interface %d is described in %d bytes: the file is damaged", len(p.ports), n)
	}
	var err error
	if p.buf, err = fill(p.r, p.buf, int(n)); err != nil {
		return err
	}
	b := p.buf[:n-4]
	i := port{link: LinkType(p.order.Uint16(b)), snap: p.order.Uint32(b[4:]), resolution: 6}
	for b = b[8:]; len(b) >= 4; {
		code, size := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		if code == optEnd || len(b) < 4+size {
			break
		}
		switch v := b[4 : 4+size]; {
		case code == optResolution && size >= 1:
			i.resolution = v[0]
		case code == optOffset && size == 8:
			i.offset = int64(p.order.Uint64(v))
		}
		b = b[min(4+(size+3)&^3, len(b)):]
	}
	p.ports = append(p.ports, i)
	return nil
}

// packet reads a block with a packet and its time.
func (p *pcapng) packet(kind uint32, n int64) (record, bool, error) {
	const fixed = 20
	if n < fixed+4 {
		return record{}, false, fmt.Errorf("packet %d has a block of %d bytes: the file is damaged", p.n+1, n+8)
	}
	b := p.head[:fixed]
	if _, err := io.ReadFull(p.r, b); err != nil {
		return record{}, false, cut(err)
	}
	p.n++
	on := p.order.Uint32(b)
	if kind == blockOldPacket {
		on = uint32(p.order.Uint16(b))
	}
	ticks := uint64(p.order.Uint32(b[4:]))<<32 | uint64(p.order.Uint32(b[8:]))
	held, wire := p.order.Uint32(b[12:]), p.order.Uint32(b[16:])
	if held > packetLimit || int64(held) > n-fixed-4 {
		return record{}, false, errDamaged(p.n, held)
	}
	if on >= uint32(len(p.ports)) {
		return record{}, false, fmt.Errorf("packet %d is of interface %d, which is not described: the file is damaged", p.n, on)
	}
	p.last = p.ports[on].time(ticks)
	return p.finish(p.ports[on], held, wire, n-fixed)
}

// simple reads a block with a packet and nothing else; its time is that of the
// packet before.
func (p *pcapng) simple(n int64) (record, bool, error) {
	b := p.head[:4]
	if n < 8 || len(p.ports) == 0 {
		return record{}, false, fmt.Errorf("packet %d is of no interface: the file is damaged", p.n+1)
	}
	if _, err := io.ReadFull(p.r, b); err != nil {
		return record{}, false, cut(err)
	}
	p.n++
	wire := p.order.Uint32(b)
	held := uint32(min(int64(wire), n-8))
	if s := p.ports[0].snap; s != 0 {
		held = min(held, s)
	}
	if held > packetLimit {
		return record{}, false, errDamaged(p.n, held)
	}
	return p.finish(p.ports[0], held, wire, n-4)
}

// finish reads the bytes of a packet and leaves out the rest of its block.
func (p *pcapng) finish(i port, held, wire uint32, n int64) (record, bool, error) {
	var err error
	if p.buf, err = fill(p.r, p.buf, int(held)); err != nil {
		return record{}, false, err
	}
	rec := record{at: p.last, link: i.link, data: p.buf, wire: int(min(wire, packetLimit))}
	// A packet that is whole counts, even where its block is cut off behind it.
	err = p.skip(n - int64(held))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		p.short, err = true, nil
	}
	return rec, err == nil, err
}

// time is what ticks of an interface mean.
func (i port) time(ticks uint64) time.Time {
	var sec, nanos uint64
	if exp := i.resolution & 0x7f; i.resolution&0x80 != 0 {
		exp = min(exp, 63)
		sec = ticks >> exp
		hi, lo := bits.Mul64(ticks&(1<<exp-1), uint64(time.Second))
		nanos = hi<<(64-exp) | lo>>exp
	} else {
		unit := uint64(1)
		for range min(exp, 19) {
			unit *= 10
		}
		sec = ticks / unit
		hi, lo := bits.Mul64(ticks%unit, uint64(time.Second))
		nanos, _ = bits.Div64(hi, lo, unit)
	}
	s := int64(min(sec, lastSecond))
	if s += i.offset; s < 0 || s > lastSecond {
		s = 0
	}
	return time.Unix(s, int64(nanos)).UTC()
}
