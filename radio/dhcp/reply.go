package dhcp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"photongate/gateway"
)

// leaseTime is how long a device may use its address without asking again. The
// address is its own whatever happens, and a removed device is stopped by the
// firewall, so nothing is reclaimed by expiry: a day keeps a device's address
// through a night's outage and still shows its fingerprint twice a day.
const leaseTime = 24 * time.Hour

// renewTime and rebindTime are T1 and T2 (RFC 2131 4.4.5: 1/2 and 7/8 of the lease).
const (
	renewTime  = leaseTime / 2
	rebindTime = leaseTime / 8 * 7
)

// identifierLimit is the longest client identifier that fits one option
// (RFC 2132 2); a longer one is not repeated to its sender.
const identifierLimit = 255

// answer is what one request leads to.
type answer struct {
	// resp goes back to the client; nil is silence.
	resp *dhcpv4.DHCPv4
	// kind is Leased, LeaseFailed or empty, and text goes with it.
	kind gateway.Kind
	text string
}

// client checks what every request must have and returns who sent it. chaddr
// decides: a UDP socket does not show the frame's source, and the firewall
// admits only the address that belongs to the frame's source anyway.
func client(req *dhcpv4.DHCPv4) (gateway.MAC, error) {
	if req.OpCode != dhcpv4.OpcodeBootRequest {
		return gateway.MAC{}, errors.New("not a request")
	}
	if req.HWType != iana.HWTypeEthernet || len(req.ClientHWAddr) != 6 {
		return gateway.MAC{}, fmt.Errorf("hardware type %d with %d bytes, not Ethernet with 6",
			req.HWType, len(req.ClientHWAddr))
	}
	m := gateway.MAC(req.ClientHWAddr)
	if m.IsZero() || m.IsGroup() {
		return gateway.MAC{}, fmt.Errorf("%s is not the address of one device", m)
	}
	// Whoever claims to relay from another network lies: the segment is never routed.
	if !req.GatewayIPAddr.IsUnspecified() {
		return gateway.MAC{}, fmt.Errorf("relayed by %s", req.GatewayIPAddr)
	}
	return m, shape(req)
}

// shape checks the message type and what that type must bring along.
func shape(req *dhcpv4.DHCPv4) error {
	switch t := req.MessageType(); t {
	case dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeDecline, dhcpv4.MessageTypeRelease, dhcpv4.MessageTypeInform:
		return nil
	case dhcpv4.MessageTypeRequest:
		if !wanted(req).IsValid() {
			return errors.New("a request that names no address")
		}
		return nil
	default:
		return fmt.Errorf("message type %d is not a client's", t)
	}
}

// reply is the server's half of RFC 2131 4.3, for a request that client passed:
// seg is the gateway's address with the segment's length, addr the address of
// the client, invalid when there was none left for it.
func reply(req *dhcpv4.DHCPv4, seg netip.Prefix, addr netip.Addr) answer {
	if !addr.IsValid() {
		return answer{kind: gateway.LeaseFailed, text: "the segment has no address left"}
	}
	switch req.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		return answer{resp: grant(req, dhcpv4.MessageTypeOffer, seg, addr)}
	case dhcpv4.MessageTypeRequest:
		return decide(req, seg, addr)
	case dhcpv4.MessageTypeInform:
		return inform(req, seg, addr)
	case dhcpv4.MessageTypeDecline:
		// The firewall knows the pair, so the device keeps its address: another
		// one would only hide that a neighbour took it.
		return answer{kind: gateway.LeaseFailed, text: fmt.Sprintf("it declined %s: another station uses that address", addr)}
	}
	// A release frees nothing: the address is the device's own.
	return answer{}
}

// decide answers a REQUEST (RFC 2131 4.3.2): the address is the client's, or it
// must start over.
func decide(req *dhcpv4.DHCPv4, seg netip.Prefix, addr netip.Addr) answer {
	if id := fromIP(req.ServerIdentifier()); id.IsValid() && id != seg.Addr() {
		return answer{kind: gateway.LeaseFailed, text: fmt.Sprintf("it took the offer of another DHCP server, %s", id)}
	}
	// Both must be right: an ACK goes to ciaddr, and that may be anywhere.
	has := fromIP(req.ClientIPAddr)
	if wanted(req) != addr || (has != addr && !has.IsUnspecified()) {
		return answer{resp: message(req, dhcpv4.MessageTypeNak, seg)}
	}
	resp := grant(req, dhcpv4.MessageTypeAck, seg, addr)
	resp.ClientIPAddr = req.ClientIPAddr
	return answer{resp: resp, kind: gateway.Leased}
}

// inform answers a client that has its address and asks for the rest: without
// yiaddr and lease times (RFC 2131 4.3.5), and only at the address it should have.
func inform(req *dhcpv4.DHCPv4, seg netip.Prefix, addr netip.Addr) answer {
	if fromIP(req.ClientIPAddr) != addr {
		return answer{}
	}
	resp := message(req, dhcpv4.MessageTypeAck, seg)
	resp.ClientIPAddr = req.ClientIPAddr
	describe(resp, seg)
	return answer{resp: resp}
}

// grant is an OFFER or ACK of addr with everything that a device needs.
func grant(req *dhcpv4.DHCPv4, t dhcpv4.MessageType, seg netip.Prefix, addr netip.Addr) *dhcpv4.DHCPv4 {
	resp := message(req, t, seg)
	resp.YourIPAddr = addr.AsSlice()
	resp.UpdateOption(dhcpv4.OptIPAddressLeaseTime(leaseTime))
	resp.UpdateOption(dhcpv4.OptRenewTimeValue(renewTime))
	resp.UpdateOption(dhcpv4.OptRebindingTimeValue(rebindTime))
	describe(resp, seg)
	return resp
}

// describe adds the segment: mask, and the gateway as router and DNS server.
// They are sent unasked too, because a Photon needs both (photon.md 8.3).
func describe(resp *dhcpv4.DHCPv4, seg netip.Prefix) {
	gw := net.IP(seg.Addr().AsSlice())
	resp.UpdateOption(dhcpv4.OptSubnetMask(net.CIDRMask(seg.Bits(), 32)))
	resp.UpdateOption(dhcpv4.OptRouter(gw))
	resp.UpdateOption(dhcpv4.OptDNS(gw))
}

// message is the frame of every reply (RFC 2131 4.3.1, table 3). It is built by
// hand because the codec's constructor draws a random transaction id first.
func message(req *dhcpv4.DHCPv4, t dhcpv4.MessageType, seg netip.Prefix) *dhcpv4.DHCPv4 {
	resp := &dhcpv4.DHCPv4{
		OpCode:        dhcpv4.OpcodeBootReply,
		HWType:        iana.HWTypeEthernet,
		TransactionID: req.TransactionID,
		Flags:         req.Flags,
		ClientHWAddr:  req.ClientHWAddr,
		Options:       make(dhcpv4.Options, 9),
	}
	resp.UpdateOption(dhcpv4.OptMessageType(t))
	resp.UpdateOption(dhcpv4.OptServerIdentifier(seg.Addr().AsSlice()))
	// RFC 6842 3: a client recognises its reply by the identifier it sent.
	if id := req.Options.Get(dhcpv4.OptionClientIdentifier); len(id) > 0 && len(id) <= identifierLimit {
		resp.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientIdentifier, id))
	}
	return resp
}

// wanted is the address that a REQUEST is about: option 50 of one that has
// none yet, ciaddr of one that renews (RFC 2131 4.3.2, table 4).
func wanted(req *dhcpv4.DHCPv4) netip.Addr {
	if a := fromIP(req.RequestedIPAddress()); a.IsValid() {
		return a
	}
	if a := fromIP(req.ClientIPAddr); a.IsValid() && !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}

// destination is where resp goes: to a client that has its address, at that
// address; to everybody else by broadcast (RFC 2131 4.1). A client without an
// address could take a unicast only if the kernel knew its MAC beforehand, and
// every client must accept a broadcast.
func destination(resp *dhcpv4.DHCPv4) netip.AddrPort {
	if a := fromIP(resp.ClientIPAddr); a.IsValid() && !a.IsUnspecified() {
		return netip.AddrPortFrom(a, dhcpv4.ClientPort)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), dhcpv4.ClientPort)
}

// fromIP is ip as a netip.Addr, invalid where ip is no IPv4 address.
func fromIP(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip.To4())
	return a
}
