//go:build !nowatch

package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// healthy is the scene of a device that gets through.
func healthy(t testing.TB) *tape {
	p := newTape(t)
	scenes[0].play(p)
	return p
}

// TestOrders wants the same events of every variant of the classic format.
func TestOrders(t *testing.T) {
	p := healthy(t)
	want, _ := decode(t, p.pcap(binary.LittleEndian, magicNano, LinkEthernet))
	if !strings.Contains(want, "phase=talking") {
		t.Fatalf("events\n%swant a session", want)
	}
	for name, file := range map[string][]byte{
		"big micro":    p.pcap(binary.BigEndian, magicMicro, LinkEthernet),
		"big nano":     p.pcap(binary.BigEndian, magicNano, LinkEthernet),
		"little micro": p.pcap(binary.LittleEndian, magicMicro, LinkEthernet),
	} {
		if got, st := decode(t, file); got != want || st.Truncated {
			t.Errorf("%s: events\n%swant\n%s", name, got, want)
		}
	}
}

// ng writes pcapng by hand, in either byte order.
type ng struct {
	o binary.ByteOrder
	b []byte
}

// u32 adds numbers.
func (n *ng) u32(vs ...uint32) *ng {
	for _, v := range vs {
		n.b = append(n.b, 0, 0, 0, 0)
		n.o.PutUint32(n.b[len(n.b)-4:], v)
	}
	return n
}

// block adds a block.
func (n *ng) block(kind uint32, body []byte) *ng {
	pad := (4 - len(body)%4) % 4
	size := uint32(12 + len(body) + pad)
	n.u32(kind, size)
	n.b = append(append(n.b, body...), make([]byte, pad)...)
	return n.u32(size)
}

// body is a block's body in the making.
func (n *ng) body() *ng { return &ng{o: n.o} }

// section adds a section header.
func (n *ng) section() *ng {
	return n.block(blockSection, n.body().u32(sectionOrder, n.half(1, 0), 0xffffffff, 0xffffffff).b)
}

// half is two 16-bit numbers as one of 32.
func (n *ng) half(a, b uint16) uint32 {
	var x [4]byte
	n.o.PutUint16(x[:], a)
	n.o.PutUint16(x[2:], b)
	return n.o.Uint32(x[:])
}

// port adds an interface with a resolution, and options before it.
func (n *ng) port(link LinkType, resolution byte) *ng {
	b := n.body().u32(n.half(uint16(link), 0), 65535, n.half(2, 5))
	b.b = append(b.b, "wlan0\x00\x00\x00"...)
	b.u32(n.half(optResolution, 1))
	b.b = append(b.b, resolution, 0, 0, 0)
	return n.block(blockInterface, b.u32(0).b)
}

// packet adds a packet of an interface that counts units.
func (n *ng) packet(on uint32, f record, unit time.Duration) *ng {
	ticks := uint64(f.at.UnixNano()) / uint64(unit)
	b := n.body().u32(on, uint32(ticks>>32), uint32(ticks), uint32(len(f.data)), uint32(f.wire))
	b.b = append(b.b, f.data...)
	for len(b.b)%4 != 0 {
		b.b = append(b.b, 0)
	}
	return n.block(blockPacket, b.u32(n.half(1, 2), 0x6b6f, 0).b)
}

// TestPcapng wants the same events of pcapng: two interfaces of different
// resolution, options, unknown blocks, two sections, and frames of a link type
// that is not read.
func TestPcapng(t *testing.T) {
	p := healthy(t)
	want, _ := decode(t, p.pcap(binary.LittleEndian, magicNano, LinkEthernet))
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		n := (&ng{o: o}).section().port(LinkEthernet, 6).port(LinkEthernet, 9).port(147, 6).block(0x0bad, []byte("what is this"))
		for i, f := range p.frames {
			switch {
			case i == len(p.frames)/2:
				n.section().port(LinkEthernet, 9)
				n.packet(0, f, time.Nanosecond)
			case i > len(p.frames)/2:
				n.packet(0, f, time.Nanosecond)
			case i%2 == 0:
				n.packet(1, f, time.Nanosecond).packet(2, f, time.Microsecond)
			default:
				n.packet(0, f, time.Microsecond)
			}
		}
		n.block(5, make([]byte, 12))
		got, st := decode(t, n.b)
		if got != want {
			t.Errorf("%s: events\n%swant\n%s", o, got, want)
		}
		if st.Unsupported == 0 || len(st.Links) != 1 || st.Links[0] != "147" || st.Truncated {
			t.Errorf("%s: stats %+v, want frames of link type 147 left out", o, st)
		}
	}
}

// TestPcapngOther reads the blocks that are seldom written.
func TestPcapngOther(t *testing.T) {
	p := newTape(t).ask()
	f := p.frames[0]
	n := (&ng{o: binary.LittleEndian}).section().port(LinkEthernet, 0x80|10)
	n.block(blockSimple, append(n.body().u32(uint32(len(f.data))).b, f.data...))
	ticks := uint64(t0.Unix()) << 10
	n.block(blockOldPacket, append(n.body().u32(n.half(0, 1), uint32(ticks>>32), uint32(ticks)+512, uint32(len(f.data)), uint32(f.wire)).b, f.data...))
	_, st := decode(t, n.b)
	if st.Frames != 2 || st.Malformed != 0 || len(st.Photons) != 1 {
		t.Errorf("stats %+v, want two frames of a Photon", st)
	}
	if want := t0.Add(500 * time.Millisecond); !st.Last.Equal(want) {
		t.Errorf("last frame at %s, want %s", st.Last, want)
	}
}

// TestTruncated cuts captures at every byte: it is told, and nothing panics.
func TestTruncated(t *testing.T) {
	p := healthy(t)
	p.frames = p.frames[:12]
	n := (&ng{o: binary.LittleEndian}).section().port(LinkEthernet, 6)
	for _, f := range p.frames {
		n.packet(0, f, time.Microsecond)
	}
	for name, file := range map[string][]byte{"pcap": p.pcap(binary.LittleEndian, magicMicro, LinkEthernet), "pcapng": n.b} {
		orderly := 0
		for i := 4; i < len(file); i++ {
			st, err := ReadFile(bytes.NewReader(file[:i]), Settings{Emit: func(gateway.Event) {}})
			if err != nil {
				t.Fatalf("%s cut at %d: %v, want no error", name, i, err)
			}
			if !st.Truncated {
				orderly++
			}
		}
		// Between packets, and between blocks, the end is no cut.
		if want := len(p.frames); name == "pcap" && orderly != want || name == "pcapng" && orderly != want+1 {
			t.Errorf("%s: %d cuts were not noticed, want those between packets", name, orderly)
		}
	}
}

// TestBadFiles wants exact errors.
func TestBadFiles(t *testing.T) {
	good := newTape(t).ask().pcap(binary.LittleEndian, magicMicro, LinkEthernet)
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[32:], 1<<30)
	le := func() *ng { return &ng{o: binary.LittleEndian} }
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "read capture: the file is empty"},
		{"short", []byte("ab"), "read capture: the file is not a capture: it begins like neither pcap nor pcapng"},
		{"text", []byte("hello, world"), "read capture: the file is not a capture: it begins like neither pcap nor pcapng"},
		{"gzip", []byte("\x1f\x8b\x08\x00xx"), "read capture: the file is compressed"},
		{"usb", newTape(t).ask().pcap(binary.LittleEndian, magicMicro, 189), "read capture: link type 189 (USB) is not supported"},
		{"number", newTape(t).pcap(binary.LittleEndian, magicMicro, 147), "read capture: link type 147 is not supported"},
		{"huge packet", huge, "read capture: packet 1 claims 1073741824 bytes, more than the 262144 that a capture can hold: the file is damaged"},
		{"no order", append(le().u32(blockSection, 28, 7).b, make([]byte, 16)...), "read capture: a section header has no mark of its byte order: the file is damaged"},
		{"short section", le().u32(blockSection, 12, sectionOrder).b, "read capture: a section header of 12 bytes: the file is damaged"},
		{"odd block", le().section().u32(9, 13).b, "read capture: a block of 13 bytes behind packet 0: the file is damaged"},
		{"small packet", le().section().block(blockPacket, make([]byte, 8)).b, "read capture: packet 1 has a block of 20 bytes: the file is damaged"},
		{"no interface", le().section().block(blockPacket, make([]byte, 20)).b, "read capture: packet 1 is of interface 0, which is not described: the file is damaged"},
		{"simple without interface", le().section().block(blockSimple, make([]byte, 8)).b, "read capture: packet 1 is of no interface: the file is damaged"},
		{"small interface", le().section().block(blockInterface, make([]byte, 4)).b, "read capture: interface 0 is described in 8 bytes: the file is damaged"},
		{"all foreign", le().section().port(147, 6).packet(0, newTape(t).ask().frames[0], time.Microsecond).b, "read capture: link type 147 is not supported"},
	}
	for _, tt := range tests {
		_, err := ReadFile(bytes.NewReader(tt.file), Settings{Emit: func(gateway.Event) {}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := ReadFile(bytes.NewReader(good), Settings{}); err == nil || err.Error() != "decode packets: nobody takes the events" {
		t.Errorf("without a sink: error %v", err)
	}
	broken := errors.New("disk on fire")
	if _, err := ReadFile(io.MultiReader(bytes.NewReader(good), failing{broken}), Settings{Emit: func(gateway.Event) {}}); !errors.Is(err, broken) {
		t.Errorf("broken reader: error %v, want %v", err, broken)
	}
}

// failing is a reader that fails.
type failing struct{ err error }

// Read fails.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestPorts holds what times mean in interfaces of all resolutions.
func TestPorts(t *testing.T) {
	tests := []struct {
		resolution byte
		offset     int64
		ticks      uint64
		want       string
	}{
		{6, 0, 1500000, "1970-01-01T00:00:01.5Z"},
		{9, 60, 1500000000, "1970-01-01T00:01:01.5Z"},
		{0, 0, 3, "1970-01-01T00:00:03Z"},
		{0x80, 0, 3, "1970-01-01T00:00:03Z"},
		{0x80 | 1, 0, 3, "1970-01-01T00:00:01.5Z"},
		{0xff, 0, 1<<64 - 1, "1970-01-01T00:00:01.999999999Z"},
		{18, 0, 1500000000000000000, "1970-01-01T00:00:01.5Z"},
		{0x7f, 0, 1<<64 - 1, "1970-01-01T00:00:01.844674407Z"},
		{0, 0, 1<<64 - 1, "9999-12-31T23:59:59Z"},
		{0, -5, 3, "1970-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		got := port{resolution: tt.resolution, offset: tt.offset}.time(tt.ticks).Format(time.RFC3339Nano)
		if got != tt.want {
			t.Errorf("resolution %#x, %d ticks: %s, want %s", tt.resolution, tt.ticks, got, tt.want)
		}
	}
}

// TestStatsString wants plain words.
func TestStatsString(t *testing.T) {
	at := func(s Stats) Stats { s.Frames, s.First, s.Last = 100, t0, t0.Add(time.Minute); return s }
	tests := []struct {
		s    Stats
		want string
	}{
		{Stats{}, "no frames"},
		{at(Stats{}), "100 frames in 1m0s, none of a Photon on its way to the cloud"},
		{at(Stats{Encrypted: 90}), "100 frames in 1m0s, and the radio encrypted them: capture behind the access point"},
		{at(Stats{Sessions: 3, Photons: []gateway.MAC{photon}, Truncated: true}), "100 frames in 1m0s, 1 Photon, 3 connections to the cloud; the file is cut off"},
		{at(Stats{Photons: []gateway.MAC{photon}, Unsupported: 4, Links: []string{"189 (USB)"}}), "100 frames in 1m0s, 1 Photon, no connection to the cloud; 4 frames of other link types (189 (USB)) left out"},
	}
	for _, tt := range tests {
		if got := tt.s.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// FuzzReadFile reads anything: it must end, and not panic.
func FuzzReadFile(f *testing.F) {
	p := newTape(f)
	p.ask().arp("192.168.77.20", "192.168.77.1").conn(photonA, cloudA).open()
	f.Add(p.pcap(binary.LittleEndian, magicMicro, LinkEthernet))
	f.Add(p.pcap(binary.BigEndian, magicNano, LinkEthernet))
	f.Add(p.pcap(binary.BigEndian, magicModified, LinkRadiotap))
	n := (&ng{o: binary.LittleEndian}).section().port(LinkEthernet, 6).port(LinkSLL2, 0x89)
	f.Add(n.packet(0, p.frames[0], time.Microsecond).block(blockSimple, make([]byte, 30)).block(77, nil).b)
	f.Fuzz(func(t *testing.T, file []byte) {
		st, err := ReadFile(bytes.NewReader(file), Settings{Emit: func(e gateway.Event) {
			if _, err := e.Time.MarshalJSON(); err != nil {
				t.Errorf("event with a time that cannot be told: %v", err)
			}
		}})
		if err == nil && st.Frames > uint64(len(file)) {
			t.Errorf("%d frames in %d bytes", st.Frames, len(file))
		}
	})
}

// BenchmarkReadFile reads a capture of sessions.
func BenchmarkReadFile(b *testing.B) {
	p := newTape(b)
	for range 200 {
		p.conn(photonA, cloudA).open().shake()
		p.wait(time.Minute)
	}
	benchmarkFile(b, p)
}

// BenchmarkForeign reads a capture of others' traffic in full frames.
func BenchmarkForeign(b *testing.B) {
	p := newTape(b)
	for range 5000 {
		c := p.conn("10.0.0.1:4000", "10.0.0.2:443")
		c.tcp(true, "A", 1, 1400).wait(time.Millisecond)
	}
	benchmarkFile(b, p)
}

// benchmarkFile reads a tape over and over.
func benchmarkFile(b *testing.B, p *tape) {
	file := p.pcap(binary.LittleEndian, magicMicro, LinkEthernet)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadFile(bytes.NewReader(file), Settings{Emit: func(gateway.Event) {}}); err != nil {
			b.Fatal(err)
		}
	}
}
