package dhcp

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"photongate/gateway"
)

// silence is the want of a request that gets no reply.
const silence = ""

// TestReply holds the server's half of RFC 2131 for the device that has 192.168.77.2.
func TestReply(t *testing.T) {
	const own, other, gw = "192.168.77.2", "192.168.77.9", "192.168.77.1"
	const everybody = "255.255.255.255:68"
	for _, c := range []struct {
		name string
		req  *dhcpv4.DHCPv4
		// want is the reply's type and destination; kind and text the event.
		want string
		kind gateway.Kind
		text string
	}{
		{"discover", request(1, dhcpv4.MessageTypeDiscover), "OFFER " + everybody, "", ""},
		{"discover wishing", request(1, dhcpv4.MessageTypeDiscover, asking(other)), "OFFER " + everybody, "", ""},
		{"select", request(1, dhcpv4.MessageTypeRequest, asking(own), choosing(gw)), "ACK " + everybody, gateway.Leased, ""},
		{"select wrongly", request(1, dhcpv4.MessageTypeRequest, asking(other), choosing(gw)), "NAK " + everybody, "", ""},
		{"select another", request(1, dhcpv4.MessageTypeRequest, asking(other), choosing("10.9.9.9")), silence,
			gateway.LeaseFailed, "it took the offer of another DHCP server, 10.9.9.9"},
		{"reboot", request(1, dhcpv4.MessageTypeRequest, asking(own)), "ACK " + everybody, gateway.Leased, ""},
		{"reboot from elsewhere", request(1, dhcpv4.MessageTypeRequest, asking("10.0.0.7")), "NAK " + everybody, "", ""},
		{"renew", request(1, dhcpv4.MessageTypeRequest, having(own)), "ACK " + own + ":68", gateway.Leased, ""},
		{"renew wrongly", request(1, dhcpv4.MessageTypeRequest, having(other)), "NAK " + everybody, "", ""},
		{"renew from elsewhere", request(1, dhcpv4.MessageTypeRequest, asking(own), having("8.8.8.8")), "NAK " + everybody, "", ""},
		{"release", request(1, dhcpv4.MessageTypeRelease, having(own)), silence, "", ""},
		{"decline", request(1, dhcpv4.MessageTypeDecline, asking(own)), silence,
			gateway.LeaseFailed, "it declined 192.168.77.2: another station uses that address"},
		{"inform", request(1, dhcpv4.MessageTypeInform, having(own)), "ACK " + own + ":68", "", ""},
		{"inform wrongly", request(1, dhcpv4.MessageTypeInform, having("8.8.8.8")), silence, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := client(c.req); err != nil {
				t.Fatal(err)
			}
			addr, _ := assigned(t, mac(1)).Addr(mac(1))
			a := reply(c.req, segment(), addr)
			got := silence
			if a.resp != nil {
				got = a.resp.MessageType().String() + " " + destination(a.resp).String()
			}
			if got != c.want || a.kind != c.kind || a.text != c.text {
				t.Errorf("reply: %q %q %q, want %q %q %q", got, a.kind, a.text, c.want, c.kind, c.text)
			}
		})
	}
}

// TestReplyFull holds that a device without an address is told of, not answered.
func TestReplyFull(t *testing.T) {
	addr, _ := assigned(t).Addr(mac(1))
	a := reply(request(1, dhcpv4.MessageTypeDiscover), segment(), addr)
	if a.resp != nil || a.kind != gateway.LeaseFailed || a.text != "the segment has no address left" {
		t.Errorf("reply: %+v", a)
	}
}

// TestReplyOptions holds what an ACK says, as the client parses it.
func TestReplyOptions(t *testing.T) {
	req := request(1, dhcpv4.MessageTypeRequest, asking("192.168.77.2"),
		dhcpv4.WithOption(dhcpv4.OptClientIdentifier([]byte{1, 2, 3})), dhcpv4.WithBroadcast(true))
	addr, _ := assigned(t, mac(1)).Addr(mac(1))
	got, err := dhcpv4.FromBytes(reply(req, segment(), addr).resp.ToBytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"transaction", got.TransactionID, req.TransactionID},
		{"chaddr", got.ClientHWAddr.String(), mac(1).String()},
		{"broadcast flag", got.IsBroadcast(), true},
		{"yiaddr", got.YourIPAddr.String(), "192.168.77.2"},
		{"mask", got.SubnetMask().String(), net.CIDRMask(24, 32).String()},
		{"router", got.Router()[0].String(), "192.168.77.1"},
		{"dns", got.DNS()[0].String(), "192.168.77.1"},
		{"server", got.ServerIdentifier().String(), "192.168.77.1"},
		{"lease", got.IPAddressLeaseTime(0), 24 * time.Hour},
		{"T1", got.IPAddressRenewalTime(0), 12 * time.Hour},
		{"T2", got.IPAddressRebindingTime(0), 21 * time.Hour},
		{"client identifier", string(got.GetOneOption(dhcpv4.OptionClientIdentifier)), "\x01\x02\x03"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	nak := reply(request(1, dhcpv4.MessageTypeRequest, asking("10.0.0.7")), segment(), addr).resp
	if !nak.YourIPAddr.Equal(nil) || nak.Options.Has(dhcpv4.OptionIPAddressLeaseTime) {
		t.Errorf("a NAK grants something: %s", nak.Summary())
	}
	informed := reply(request(1, dhcpv4.MessageTypeInform, having("192.168.77.2")), segment(), addr).resp
	if informed.YourIPAddr != nil || informed.Options.Has(dhcpv4.OptionIPAddressLeaseTime) {
		t.Errorf("an answer to INFORM has a lease: %s", informed.Summary())
	}
}

// TestClient holds what is no request of a client on the segment.
func TestClient(t *testing.T) {
	bend := func(f func(*dhcpv4.DHCPv4)) *dhcpv4.DHCPv4 {
		req := request(1, dhcpv4.MessageTypeDiscover)
		f(req)
		return req
	}
	for _, c := range []struct {
		want string
		req  *dhcpv4.DHCPv4
	}{
		{"not a request", bend(func(r *dhcpv4.DHCPv4) { r.OpCode = dhcpv4.OpcodeBootReply })},
		{"hardware type 6 with 6 bytes, not Ethernet with 6", bend(func(r *dhcpv4.DHCPv4) { r.HWType = iana.HWTypeIEEE802 })},
		{"hardware type 1 with 16 bytes, not Ethernet with 6", bend(func(r *dhcpv4.DHCPv4) { r.ClientHWAddr = make([]byte, 16) })},
		{"00:00:00:00:00:00 is not the address of one device", bend(func(r *dhcpv4.DHCPv4) { r.ClientHWAddr = make([]byte, 6) })},
		{"relayed by 10.0.0.1", bend(func(r *dhcpv4.DHCPv4) { r.GatewayIPAddr = net.IPv4(10, 0, 0, 1) })},
		{"a request that names no address", request(1, dhcpv4.MessageTypeRequest)},
		{"message type 2 is not a client's", request(1, dhcpv4.MessageTypeOffer)},
		{"message type 0 is not a client's", bend(func(r *dhcpv4.DHCPv4) { r.Options = nil })},
	} {
		if _, err := client(c.req); text(err) != c.want {
			t.Errorf("client: %q, want %q", text(err), c.want)
		}
	}
}

// TestFingerprint holds how clients are told apart, and that nothing unprintable passes.
func TestFingerprint(t *testing.T) {
	class := func(s string) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClassIdentifier(s)) }
	list := dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer)
	for _, c := range []struct {
		want string
		mods []dhcpv4.Modifier
	}{
		{"", nil},
		{"1,3,6", []dhcpv4.Modifier{list}},
		{"udhcp 1.30.1", []dhcpv4.Modifier{class("udhcp 1.30.1")}},
		{"1,3,6 udhcp?[2J?", []dhcpv4.Modifier{list, class("udhcp\x1b[2J\n")}},
		{strings.Repeat("x", 64), []dhcpv4.Modifier{class(strings.Repeat("x", 200))}},
	} {
		if got := fingerprint(request(1, dhcpv4.MessageTypeDiscover, c.mods...)); got != c.want {
			t.Errorf("fingerprint: %q, want %q", got, c.want)
		}
	}
	id := "3a0027000447333136323739"
	if got := identity(request(1, dhcpv4.MessageTypeDiscover, dhcpv4.WithOption(dhcpv4.OptHostName(id)))); got.String() != id {
		t.Errorf("identity: %s, want %s", got, id)
	}
	if got := identity(request(1, dhcpv4.MessageTypeDiscover, dhcpv4.WithOption(dhcpv4.OptHostName("laptop")))); !got.IsZero() {
		t.Errorf("identity of a laptop: %s, want none", got)
	}
}

// BenchmarkReply is a DISCOVER from bytes to bytes.
func BenchmarkReply(b *testing.B) {
	s := server(b, nil, mac(1))
	in := request(1, dhcpv4.MessageTypeDiscover).ToBytes()
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if out, _ := s.handle(in, now); out == nil {
			b.Fatal("silence")
		}
	}
}

// FuzzReply holds that no bytes make the server panic, and that what it sends
// is a reply of ours to a station on the segment.
func FuzzReply(f *testing.F) {
	for _, typ := range []dhcpv4.MessageType{dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform} {
		f.Add(request(1, typ, asking("192.168.77.2")).ToBytes())
		f.Add(request(1, typ, having("192.168.77.2")).ToBytes())
	}
	s := server(f, nil, mac(1))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, to := s.handle(b, time.Now())
		if out == nil {
			return
		}
		resp, err := dhcpv4.FromBytes(out)
		if err != nil || resp.OpCode != dhcpv4.OpcodeBootReply {
			t.Errorf("sent %x: %v", out, err)
		}
		if a := to.Addr().String(); a != "255.255.255.255" && a != "192.168.77.2" {
			t.Errorf("sent to %s", to)
		}
	})
}
