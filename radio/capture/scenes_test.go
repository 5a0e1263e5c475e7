//go:build !nowatch

package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// scenes are captures of one thing each, whose files and events are in testdata.
var scenes = []struct {
	name string
	play func(*tape)
	// want are words of the telling events, in their order.
	want []string
}{
	{"healthy", func(p *tape) {
		p.lease().arp("192.168.77.20", "192.168.77.1").ask().wait(10*time.Millisecond).reply(layers.DNSResponseCodeNoErr, "54.175.227.173")
		c := p.conn(photonA, cloudA).open().shake()
		c.udp("192.168.77.20:5683", "224.0.1.187:5683", append([]byte(announcement), bytes.Repeat([]byte{0x3a}, 12)...))
		c.wait(15 * time.Second)
		c.send(18).get(18)
	}, []string{"lease-asked", "id=3a0027000447333136323739", "leased", "resolved", "connecting", "connected", "rtt=20ms", "phase=nonce", "phase=device-key", "phase=cloud-key", "phase=hello", "phase=established", "phase=talking", "presence"}},
	{"syn-drop", func(p *tape) {
		c := p.lease().conn(photonA, cloudA)
		for range 3 {
			c.tcp(true, "S", 1000, 0).wait(1500 * time.Millisecond)
		}
		t := c.wait(2*time.Second).conn("192.168.77.20:20002", "8.8.8.8:53")
		t.tcp(true, "S", 5, 0).wait(6 * time.Second)
		p.arp("192.168.77.20", "192.168.77.1")
	}, []string{"connecting", "connect-failed", "outcome=timeout", "rtt=5s", `"3 SYNs unanswered"`, "internet-test", "8.8.8.8:53"}},
	{"syn-refused", func(p *tape) {
		c := p.conn(photonA, cloudA)
		c.tcp(true, "S", 1000, 0).wait(3 * time.Millisecond)
		c.tcp(false, "RA", 0, 0)
		t := p.conn("192.168.77.20:20002", "8.8.8.8:53")
		t.open()
	}, []string{"connect-failed", "outcome=refused", "rtt=3ms", "TTL 48", "internet-test", "ok=true"}},
	{"syn-prohibited", func(p *tape) {
		c := p.conn(photonA, cloudA)
		c.tcp(true, "S", 1000, 0).wait(2 * time.Millisecond).unreachable(13)
		c.wait(time.Second)
		c.tcp(true, "S", 1000, 0)
	}, []string{"connect-failed", "outcome=unreachable", "ICMP from 10.1.2.3: administratively prohibited (code 13)"}},
	{"reset-injected", func(p *tape) {
		c := p.conn(photonA, cloudA).open().get(40).send(256)
		c.downTTL = 250
		c.tcp(false, "R", c.netSeq, 0)
	}, []string{"phase=device-key", "by=network how=rst", "reset injected: its TTL is 250, the cloud's packets have 48"}},
	{"reset-by-cloud", func(p *tape) {
		c := p.conn(photonA, cloudA).open().shake()
		c.downTTL = 47
		c.tcp(false, "R", c.netSeq, 0)
	}, []string{"phase=talking", "by=cloud how=rst"}},
	{"nonce-missing", func(p *tape) {
		c := p.conn(photonA, cloudA).open()
		c.wait(20 * time.Second)
		c.tcp(true, "FA", c.devSeq, 0).tcp(false, "FA", c.netSeq, 0)
	}, []string{"phase=silent", "outcome=mute", "session-closed", "phase=silent", "by=device how=fin", "lived=20.021s"}},
	{"key-rejected", func(p *tape) {
		c := p.conn(photonA, cloudA).open().get(40).send(256)
		c.wait(50*time.Millisecond).conn(photonA, cloudA)
		c.tcp(false, "FA", c.netSeq, 0).tcp(true, "FA", c.devSeq, 0)
	}, []string{"phase=device-key", "session-closed", "by=cloud how=fin up=256 down=40"}},
	{"killed-after-allow", func(p *tape) {
		c := p.conn(photonA, cloudA).open().shake()
		c.wait(15 * time.Second)
		for range 4 {
			c.tcp(true, "A", c.devSeq, 18).wait(2500 * time.Millisecond)
		}
		c.tcp(true, "FA", c.devSeq+18, 0).wait(time.Second)
		n := c.conn("192.168.77.20:20002", cloudA)
		for range 3 {
			n.tcp(true, "S", 4000, 0).wait(1500 * time.Millisecond)
		}
		n.wait(2*time.Second).arp("192.168.77.20", "192.168.77.1")
	}, []string{"phase=talking", "session-stalled", "count=18", "ping-lost", "session-closed", "by=device", "retransmits=3 unacked=18", "connecting", "connect-failed", "outcome=timeout"}},
	{"left", func(p *tape) {
		p.conn(photonA, cloudA).open().shake().wait(5*time.Second).conn("192.168.77.20:20002", cloudA).open().shake().wait(2*time.Minute).arp("192.168.77.20", "192.168.77.1")
	}, []string{"by=device how=replaced", "session=2", "how=idle"}},
	{"portal", func(p *tape) {
		c := p.conn(photonA, cloudA).open()
		p.put(c.portal()...)
		c.netSeq += 60
		c.tcp(true, "A", c.devSeq, 0)
		c.tcp(false, "FA", c.netSeq, 0).tcp(true, "FA", c.devSeq, 0)
	}, []string{"session-closed", "how=not-spark", "an HTTP server or captive portal"}},
	{"joined", func(p *tape) {
		c := p.conn(photonA, cloudA)
		c.send(18).get(34).send(18).get(18)
	}, []string{"connected", "the capture begins within this session", "phase=established", "phase=talking"}},
	{"joined-in-handshake", func(p *tape) {
		p.conn(photonA, cloudA).send(256).get(384).send(18).get(18).get(18)
	}, []string{"connected", "phase=nonce", "phase=device-key", "phase=cloud-key", "phase=hello", "phase=established", "phase=talking"}},
	{"gap", func(p *tape) {
		c := p.conn(photonA, cloudA).open().get(40).send(256)
		c.netSeq += 384 // not captured; its acknowledgement is
		c.tcp(true, "A", c.devSeq, 0)
		c.send(18).get(18).get(18)
	}, []string{"phase=device-key", "phase=cloud-key", "phase=hello", "phase=established", "phase=talking"}},
	{"nak", func(p *tape) {
		p.dhcp(8, layers.DHCPMsgTypeRequest, "").wait(time.Millisecond).dhcp(8, layers.DHCPMsgTypeNak, "", layers.NewDHCPOption(layers.DHCPOptMessage, []byte("wrong\x1bnet")))
	}, []string{"lease-asked", "lease-failed", "the DHCP server 192.168.77.1 refused the address (NAK): wrong?net"}},
	{"dhcp-silent", func(p *tape) {
		for range 4 {
			p.dhcp(8, layers.DHCPMsgTypeDiscover, "").wait(4 * time.Second)
		}
		p.arp("0.0.0.0", "192.168.77.9")
	}, []string{"lease-asked", "lease-failed", "no DHCP server answered in 15 s"}},
	{"static", func(p *tape) {
		p.arp("10.0.0.9", "10.0.0.9").wait(time.Second).arp("10.0.0.9", "10.0.0.1")
		e, ip := p.ip("10.0.0.9:4100", "10.0.0.1:53", layers.IPProtocolUDP)
		e.SrcMAC, e.DstMAC, ip.TTL = hw(photon), hw(router), 255
		u := &layers.UDP{SrcPort: 4100, DstPort: 53}
		u.SetNetworkLayerForChecksum(ip)
		p.put(e, ip, u, payloadOf(p.message(&layers.DNS{ID: 9, RD: true})))
	}, []string{"lease-failed", "addr=10.0.0.9", "uses the static address 10.0.0.9 without asking DHCP"}},
	{"nxdomain", func(p *tape) { p.ask().wait(time.Millisecond).reply(layers.DNSResponseCodeNXDomain) }, []string{"resolve-failed", "name=device.spark.io", "192.168.77.1 answered NXDOMAIN"}},
	{"sinkhole", func(p *tape) {
		p.ask().wait(time.Millisecond).reply(layers.DNSResponseCodeNoErr, "10.66.0.1").ask().reply(layers.DNSResponseCodeNoErr, "192.168.77.1")
	}, []string{"resolve-failed", "sinkhole", "10.66.0.1", "resolved", "addr=192.168.77.1"}},
	{"dns-silent", func(p *tape) {
		for range 3 {
			p.ask().wait(5 * time.Second)
		}
		p.arp("192.168.77.20", "192.168.77.1")
	}, []string{"resolve-failed", "rtt=15s", "192.168.77.1 gave no answer to 3 questions in 15 s"}},
	{"dns-unreachable", func(p *tape) { p.ask().unreachable(3) }, []string{"resolve-failed", "ICMP from 10.1.2.3: port unreachable"}},
	{"ntp", func(p *tape) {
		p.ask().reply(layers.DNSResponseCodeNXDomain)
		p.udp("192.168.77.20:123", "192.168.77.1:123", append([]byte{0x23}, make([]byte, 47)...)).wait(time.Millisecond)
		p.udp("192.168.77.1:123", "192.168.77.20:123", append([]byte{0x24}, make([]byte, 47)...)).wait(time.Second)
		p.udp("192.168.77.20:123", "192.168.77.1:123", append([]byte{0x23}, make([]byte, 47)...)).wait(12 * time.Second)
		p.arp("192.168.77.20", "192.168.77.1")
	}, []string{"internet-test", "ok=true", "internet-test", "no time server answered"}},
	{"foreign-address", func(p *tape) {
		p.lease()
		n := len(p.frames)
		p.arp("10.0.0.9", "10.0.0.1").arp("10.0.0.9", "10.0.0.1").arp("169.254.3.4", "169.254.3.4")
		// Two other devices on the segment of the first one's lease.
		for i, f := range p.frames[n:] {
			mac := []byte{0x44, 0x39, 0xc4, 0, 0, byte(i / 2)}
			copy(f.data[6:], mac)
			copy(f.data[22:], mac)
		}
	}, []string{"leased", "44:39:c4:00:00:00 lease-failed", "static address 10.0.0.9", "it is not of the segment 192.168.77.0/24", "44:39:c4:00:00:01 lease-failed", "gave itself the link-local address 169.254.3.4"}},
	{"black-hole", func(p *tape) {
		c := p.conn(photonA, cloudA).open().get(40)
		for range 5 {
			c.tcp(true, "A", c.devSeq, 256).wait(2 * time.Second)
		}
		c.wait(2*time.Minute).arp("192.168.77.20", "192.168.77.1")
	}, []string{"phase=device-key", "session-stalled", "count=256", "session-closed", "by=network how=timeout", "retransmits=4 unacked=256"}},
	{"crash", func(p *tape) {
		c := p.conn(photonA, cloudA).open().shake()
		c.tcp(true, "R", c.devSeq, 0)
		d := p.conn("192.168.77.20:20002", cloudA).open()
		d.tcp(true, "FA", d.devSeq, 0).tcp(false, "R", d.netSeq, 0)
		e := p.conn("192.168.77.20:20003", cloudA).open()
		e.tcp(false, "FA", e.netSeq, 0)
	}, []string{"session=1", "by=device how=rst", "session=2", "by=device how=fin", "session=3", "by=cloud how=fin"}},
	{"not-spark", func(p *tape) {
		c := p.conn(photonA, cloudA).open().shake()
		c.send(19)
		c.tcp(true, "R", c.devSeq, 0)
		d := p.conn("192.168.77.20:20002", cloudA).open().send(100)
		d.tcp(true, "R", d.devSeq, 0)
	}, []string{"how=not-spark", "the device sent a record of 42405 bytes, which is not a multiple of 16 up to 1024", "how=not-spark", "the device spoke before the cloud"}},
	{"small-path", func(p *tape) {
		c := p.conn(photonA, cloudA).open().get(40)
		c.tcp(true, "A", c.devSeq, 256).unreachable(4)
		c.wait(20 * time.Second)
		c.tcp(true, "R", c.devSeq+256, 0)
	}, []string{"by=device how=rst", "ICMP from 10.1.2.3: fragmentation needed, the path takes smaller packets only; 256 bytes of the device stayed unacknowledged"}},
	{"routed", func(p *tape) {
		p.upTTL = 254
		p.ask().wait(time.Millisecond).reply(layers.DNSResponseCodeNoErr, "54.175.227.173").conn(photonA, cloudA).open().shake()
	}, []string{"00:00:00:00:00:00 resolved", "00:00:00:00:00:00 connecting", "addr=192.168.77.20", "phase=talking"}},
}

// TestScenes decodes each scene, and holds its file and its events.
func TestScenes(t *testing.T) {
	for _, tt := range scenes {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape(t)
			tt.play(p)
			file := p.pcap(binary.LittleEndian, magicMicro, LinkEthernet)
			gatewaytest.Golden(t, "testdata/"+tt.name+".pcap", string(file))
			got, st := decode(t, file)
			if st.Frames != uint64(len(p.frames)) || st.Malformed != 0 || st.Truncated {
				t.Errorf("stats %+v, want %d frames, none malformed", st, len(p.frames))
			}
			gatewaytest.Golden(t, "testdata/"+tt.name+".events", got)
			rest := got
			for _, w := range tt.want {
				i := strings.Index(rest, w)
				if i < 0 {
					t.Fatalf("no %q in its place, in\n%s", w, got)
				}
				rest = rest[i+len(w):]
			}
		})
	}
}

// decode reads a file that must be good, and returns its events as text.
func decode(t testing.TB, file []byte) (string, Stats) {
	t.Helper()
	var w strings.Builder
	st, err := ReadFile(bytes.NewReader(file), Settings{Emit: func(e gateway.Event) {
		if e.Witness != gateway.WitnessCapture {
			t.Errorf("event %+v, want witness %s", e, gateway.WitnessCapture)
		}
		w.WriteString(eventLine(e) + "\n")
	}})
	if err != nil {
		t.Fatal(err)
	}
	return w.String(), st
}
