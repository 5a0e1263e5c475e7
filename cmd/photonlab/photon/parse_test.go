package photon

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// reply is a server's DHCP message of a type with options.
func reply(kind byte, options string) []byte {
	b := make([]byte, dhcpHeader)
	b[0] = 2
	copy(b[4:], []byte{0, 0, 0, 9})
	copy(b[16:], []byte{192, 168, 77, 10})
	return append(b, "\x63\x82\x53\x63\x35\x01"+string(kind)+options+"\xff"...)
}

func TestParseDHCP(t *testing.T) {
	m, ok := parseDHCP(reply(typeAck, "\x00\x01\x04\xff\xff\xff\x80\x03\x04\xc0\xa8\x4d\x01\x06\x0c\xc0\xa8\x4d\x01\x08\x08\x08\x08\x01\x01\x01\x01\x36\x04\xc0\xa8\x4d\x01"))
	if !ok || m.kind != typeAck || m.xid != 9 {
		t.Fatalf("parsed %+v, %v", m, ok)
	}
	l := m.lease()
	gate := netip.MustParseAddr("192.168.77.1")
	if l.addr.String() != "192.168.77.10/25" || l.router != gate || l.server != gate || len(l.servers) != 2 {
		t.Errorf("lease %+v", l)
	}
	for name, b := range map[string][]byte{
		"short": make([]byte, 10), "request": append([]byte{1}, reply(typeAck, "")[1:]...),
		"cut option": reply(typeAck, "\x03\x40"), "no type": reply(typeAck, "")[:dhcpHeader+4],
	} {
		if _, ok := parseDHCP(b); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRequestBytes(t *testing.T) {
	m := dhcpMessage{kind: typeRequest, xid: 0x01020304, mac: [6]byte{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}, hostName: "abc",
		requested: netip.MustParseAddr("192.168.77.10"), server: netip.MustParseAddr("192.168.77.1")}
	b := m.append(nil)
	want := "63825363" + "350103" + "390205dc" + "3204c0a84d0a" + "3604c0a84d01" + "370401031c06" + "0c03616263" + "ff"
	if got := hex.EncodeToString(b[dhcpHeader:]); !strings.HasPrefix(got, want) || len(b) != dhcpLeast {
		t.Errorf("%d bytes of options %s, want %d of %s", len(b), got, dhcpLeast, want)
	}
	p := m.datagram()
	if checksum(p[:ipHeader]) != 0 {
		t.Error("the IP header's checksum is wrong")
	}
	p[22], p[23] = 0, clientPort
	if body, ok := udpToClient(p); !ok || string(body) != string(b) {
		t.Error("the datagram does not hold the message")
	}
}

func FuzzPackets(f *testing.F) {
	f.Add(udpFromClient(reply(typeOffer, "\x06\x04\x01\x02\x03\x04")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if body, ok := udpToClient(b); ok {
			parseDHCP(body)
		}
		if m, ok := parseDHCP(b); ok {
			m.lease()
		}
		parseAnswer(b, 1)
	})
}

func TestParseAnswer(t *testing.T) {
	q, err := ask(7, "device.spark.io")
	if err != nil {
		t.Fatal(err)
	}
	var m dnsmessage.Message
	if err := m.Unpack(q); err != nil {
		t.Fatal(err)
	}
	m.Response = true
	name := m.Questions[0].Name
	other := dnsmessage.MustNewName("device.tcp.particle.io.")
	m.Answers = []dnsmessage.Resource{
		{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: other}},
		{Header: dnsmessage.ResourceHeader{Name: other, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: [4]byte{1, 2, 3, 4}}},
	}
	pack := func() []byte {
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if a, ours, err := parseAnswer(pack(), 7); !ours || err != nil || a.String() != "1.2.3.4" {
		t.Errorf("answer %s %v %v, want 1.2.3.4", a, ours, err)
	}
	if _, ours, _ := parseAnswer(pack(), 8); ours {
		t.Error("another question's answer taken")
	}
	m.RCode = dnsmessage.RCodeRefused
	if _, ours, err := parseAnswer(pack(), 7); !ours || !errors.Is(err, errNoAnswer) || err.Error() != "answer holds no address: RCodeRefused" {
		t.Errorf("refusal read as %v %v", ours, err)
	}
}
