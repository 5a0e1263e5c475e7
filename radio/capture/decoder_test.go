//go:build !nowatch

package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// newDecoder is a decoder with the text of its events.
func newDecoder(t testing.TB) (*Decoder, *strings.Builder) {
	t.Helper()
	var w strings.Builder
	d, err := NewDecoder(Settings{Emit: func(e gateway.Event) { w.WriteString(eventLine(e) + "\n") }})
	if err != nil {
		t.Fatal(err)
	}
	return d, &w
}

// dressed is an Ethernet frame in the dress of another link type.
func dressed(link LinkType, b []byte) []byte {
	src, body := b[6:12], b[14:]
	switch link {
	case LinkEthernet:
		// Tagged twice.
		return append(append([]byte{}, b[:12]...), append([]byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6}, b[12:]...)...)
	case LinkSLL:
		return append(append([]byte{0, 0, 0, 1, 0, 6}, src...), append([]byte{0, 0, b[12], b[13]}, body...)...)
	case LinkSLL2:
		return append(append([]byte{b[12], b[13], 0, 0, 0, 0, 0, 3, 0, 1, 0, 6}, src...), append([]byte{0, 0}, body...)...)
	case LinkDot11, LinkRadiotap:
		return dressedAir(link, b)
	}
	return body
}

// dressedAir is an Ethernet frame as in the air: a device's on its way to the
// access point with QoS, the others on their way from it without.
func dressedAir(link LinkType, b []byte) []byte {
	var out []byte
	if link == LinkRadiotap {
		out = []byte{0, 0, 12, 0, 0, 0, 0, 0, 1, 2, 3, 4}
	}
	ap := router[:]
	body := append([]byte(snapHeader), b[12:]...)
	if gateway.MAC(b[6:12]) == photon {
		out = append(out, 0x88, toDS, 0, 0)
		out = append(append(append(append(out, ap...), b[6:12]...), b[:6]...), 0, 0, 0, 0)
		return append(out, body...)
	}
	out = append(out, 0x08, fromDS, 0, 0)
	out = append(append(append(append(out, b[:6]...), ap...), b[6:12]...), 0, 0)
	// A check sequence follows, which nobody announced.
	return append(append(out, body...), 1, 2, 3, 4)
}

// TestLinks wants the same events of a session in every link type.
func TestLinks(t *testing.T) {
	p := newTape(t).ask().wait(time.Millisecond).reply(0, "54.175.227.173")
	p.conn(photonA, cloudA).open().shake()
	want, _ := decode(t, p.pcap(binary.LittleEndian, magicMicro, LinkEthernet))
	if strings.Count(want, "\n") != 10 {
		t.Fatalf("events\n%swant 10", want)
	}
	for _, link := range []LinkType{LinkEthernet, LinkSLL, LinkSLL2, LinkDot11, LinkRadiotap, LinkRaw, LinkRawBSD, LinkIPv4} {
		q := *p
		q.frames = nil
		for _, f := range p.frames {
			f.data = dressed(link, f.data)
			f.wire = len(f.data)
			q.frames = append(q.frames, f)
		}
		got, st := decode(t, q.pcap(binary.LittleEndian, magicMicro, link))
		if st.Malformed != 0 || st.Other != 0 {
			t.Errorf("%s: stats %+v, want all frames read", link, st)
		}
		if link == LinkRaw || link == LinkRawBSD || link == LinkIPv4 {
			got = strings.ReplaceAll(strings.ReplaceAll(got, "00:00:00:00:00:00", photon.String()), " addr=192.168.77.20", "")
		}
		if got != want {
			t.Errorf("%s: events\n%swant\n%s", link, got, want)
		}
	}
}

// air is a management frame of or for the device.
func air(sub byte, up bool, flags byte, sequence byte, body string) []byte {
	b := []byte{sub << 4, flags, 0, 0}
	if up {
		b = append(append(b, router[:]...), photon[:]...)
	} else {
		b = append(append(b, photon[:]...), router[:]...)
	}
	return append(append(append(b, router[:]...), sequence, 0), body...)
}

// TestManagement reads associations in the air.
func TestManagement(t *testing.T) {
	const mac = "6c:0b:84:59:72:95 "
	tests := []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"joins", [][]byte{
			air(subAuthentication, true, 0, 1, "\x00\x00\x01\x00\x00\x00"),
			air(subAuthentication, false, 0, 1, "\x00\x00\x02\x00\x00\x00"),
			air(subAssocRequest, true, 0, 2, "\x01\x00\x0a\x00\x00\x07photons\x01\x01\x82"),
			air(subAssocRequest, true, retried, 2, "\x01\x00\x0a\x00\x00\x07photons\x01\x01\x82"),
			air(subAssocResponse, false, 0, 2, "\x01\x00\x00\x00\x01\xc0"),
			air(subAssocResponse, false, retried, 2, "\x01\x00\x00\x00\x01\xc0"),
		}, mac + "joining name=photons\n" + mac + "associated\n"},
		{"roams", [][]byte{
			air(subReassocRequest, true, 0, 2, "\x01\x00\x0a\x00\x02\x00\x00\x00\x00\x01\x00\x02\x1b["),
			air(subReassocResponse, false, 0, 2, "\x01\x00\x00\x00\x01\xc0"),
		}, mac + "joining name=?[\n" + mac + "associated\n"},
		{"filtered", [][]byte{air(subAuthentication, false, 0, 1, "\x00\x00\x02\x00\x01\x00")},
			mac + `assoc-failed code=1006 text="the access point refuses the authentication with status 1 (refused without a reason, as a MAC filter does)"` + "\n"},
		{"full", [][]byte{air(subAssocResponse, false, 0, 1, "\x00\x00\x11\x00")},
			mac + `assoc-failed code=1006 text="the access point refuses the association with status 17 (too many stations)"` + "\n"},
		{"kicked", [][]byte{air(subDeauthenticate, false, 0, 1, "\x03\x00")}, mac + `link-lost text="the access point deauthenticates with reason 3"` + "\n"},
		{"leaves", [][]byte{air(subDisassociation, true, protected, 1, "secret")}, mac + `link-lost text="the device disassociates"` + "\n"},
		{"beacon", [][]byte{air(8, false, 0, 1, "")}, ""},
		{"cut", [][]byte{air(subAssocResponse, false, 0, 1, "\x00")}, ""},
		{"long name", [][]byte{air(subAssocRequest, true, 0, 2, "\x01\x00\x0a\x00\x00\xff"+strings.Repeat("x", 255))}, mac + "joining\n"},
	}
	for _, tt := range tests {
		d, got := newDecoder(t)
		for _, f := range tt.frames {
			d.Frame(t0, LinkDot11, f, len(f))
		}
		if g := strings.ReplaceAll(got.String(), "   0.000 ", ""); g != tt.want {
			t.Errorf("%s: events\n%swant\n%s", tt.name, g, tt.want)
		}
	}
}

// TestEncrypted counts what the radio encrypted.
func TestEncrypted(t *testing.T) {
	d, _ := newDecoder(t)
	f := dressedAir(LinkDot11, newTape(t).ask().frames[0].data)
	f[1] |= protected
	d.Frame(t0, LinkDot11, f, len(f))
	if st := d.Stats(); st.Encrypted != 1 {
		t.Errorf("stats %+v, want one encrypted frame", st)
	}
}

// TestBounds floods a decoder: its memory stays bounded, and the newest counts.
func TestBounds(t *testing.T) {
	d, _ := newDecoder(t)
	for i := range 3000 {
		p := newTape(t).wait(time.Duration(i) * time.Microsecond)
		p.conn(fmt.Sprintf("192.168.77.20:%d", 1+i), cloudA).tcp(true, "S", 1, 0)
		p.arp("0.0.0.0", "192.168.77.1")
		p.ask()
		for _, f := range p.frames {
			binary.BigEndian.PutUint32(f.data[8:], uint32(i))
			if f.data[12] == 8 && f.data[13] == 6 {
				binary.BigEndian.PutUint32(f.data[24:], uint32(i))
			} else if f.data[23] == 17 {
				binary.BigEndian.PutUint32(f.data[26:], uint32(i))
			}
			d.Frame(f.at, LinkEthernet, f.data, f.wire)
		}
	}
	if len(d.hosts) > hostsLimit || len(d.flows) > flowsLimit || len(d.asks) > asksLimit || len(d.Stats().Photons) > hostsLimit {
		t.Errorf("%d hosts, %d flows, %d questions, want at most %d, %d, %d", len(d.hosts), len(d.flows), len(d.asks), hostsLimit, flowsLimit, asksLimit)
	}
	if len(d.flows) != flowsLimit || d.flows[flowKey{netip.MustParseAddrPort("192.168.77.20:3000"), netip.MustParseAddrPort(cloudA)}] == nil {
		t.Error("the newest flow is not there")
	}
}

// TestClockBack wants a clock that is set back to fail nobody.
func TestClockBack(t *testing.T) {
	d, got := newDecoder(t)
	p := newTape(t)
	p.conn(photonA, cloudA).tcp(true, "S", 1, 0).wait(-time.Hour)
	p.arp("192.168.77.20", "192.168.77.1").wait(10*time.Second).arp("192.168.77.20", "192.168.77.1")
	for _, f := range p.frames {
		d.Frame(f.at, LinkEthernet, f.data, f.wire)
	}
	if strings.Contains(got.String(), "failed") || len(d.flows) != 0 {
		t.Errorf("events\n%swant no failure", got)
	}
}

// TestOnly wants no events about MACs that are not of interest.
func TestOnly(t *testing.T) {
	p := healthy(t)
	d, err := NewDecoder(Settings{Only: func(m gateway.MAC) bool { return m != photon }, Emit: func(e gateway.Event) { t.Errorf("event %+v, want none", e) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.frames {
		if m := d.Frame(f.at, LinkEthernet, f.data, f.wire); m != photon && f.at != t0 && m != (gateway.MAC{}) {
			t.Errorf("a frame is of %s, want %s", m, photon)
		}
	}
}

// TestSnapped reads a session of which 60 bytes of each packet were captured:
// the lengths of records are there, their rest is not.
func TestSnapped(t *testing.T) {
	p := newTape(t)
	p.conn(photonA, cloudA).open().get(40).send(256).get(384).send(18).get(18).get(98).send(34)
	want, _ := decode(t, p.pcap(binary.LittleEndian, magicMicro, LinkEthernet))
	for i := range p.frames {
		p.frames[i].data = p.frames[i].data[:min(len(p.frames[i].data), 60)]
	}
	if got, st := decode(t, p.pcap(binary.LittleEndian, magicMicro, LinkEthernet)); got != want || st.Malformed != 0 {
		t.Errorf("events\n%swant\n%s", got, want)
	}
}

// TestStreamCopies tells copies of a capture from retransmissions, and counts
// bytes in whatever order they come.
func TestStreamCopies(t *testing.T) {
	p := newTape(t)
	c := p.conn(photonA, cloudA).open().shake()
	// Each frame twice, as on two interfaces.
	twice := *p
	twice.frames = nil
	for _, f := range p.frames {
		twice.frames = append(twice.frames, f, f)
	}
	c.tcp(false, "R", c.netSeq, 0)
	twice.frames = append(twice.frames, p.frames[len(p.frames)-1])
	got, _ := decode(t, twice.pcap(binary.LittleEndian, magicMicro, LinkEthernet))
	if !strings.Contains(got, "up=324 down=460") || !strings.Contains(got, "retransmits=0") {
		t.Errorf("events\n%swant bytes counted once, and no retransmission", got)
	}
}

// TestDisorder swaps two segments of the cloud.
func TestDisorder(t *testing.T) {
	p := newTape(t)
	c := p.conn(photonA, cloudA).open().get(40).send(256)
	a, b := c.netSeq, c.netSeq+100
	c.tcp(false, "A", b, 284).tcp(false, "A", a, 100)
	c.netSeq += 384
	c.tcp(true, "A", c.devSeq, 0)
	c.send(18).get(18).get(18)
	got, _ := decode(t, p.pcap(binary.LittleEndian, magicMicro, LinkEthernet))
	if !strings.Contains(got, "phase=talking") {
		t.Errorf("events\n%swant a session that gets through", got)
	}
}

// FuzzDecoder takes any frame of any link type, in any time.
func FuzzDecoder(f *testing.F) {
	for _, s := range scenes {
		p := newTape(f)
		s.play(p)
		for _, fr := range p.frames[:min(len(p.frames), 4)] {
			for _, link := range []LinkType{LinkEthernet, LinkRadiotap, LinkSLL, LinkRaw} {
				f.Add(uint16(link), dressed(link, fr.data), int64(1), 100)
			}
		}
	}
	f.Add(uint16(LinkDot11), air(subAssocRequest, true, 0, 2, "\x01\x00\x0a\x00\x00\x07photons"), int64(0), 5)
	f.Fuzz(func(t *testing.T, link uint16, b []byte, step int64, wire int) {
		d, err := NewDecoder(Settings{Emit: func(gateway.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		p := newTape(t)
		p.conn(photonA, cloudA).open()
		for _, fr := range p.frames {
			d.Frame(fr.at, LinkEthernet, fr.data, fr.wire)
		}
		d.Frame(p.now, LinkType(link), b, wire)
		d.Frame(p.now.Add(time.Duration(step)), LinkType(link), b, wire)
		d.Finish()
		if st := d.Stats(); st.Frames != 5 {
			t.Errorf("stats %+v, want 5 frames", st)
		}
	})
}
