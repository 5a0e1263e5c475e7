package firewall

import (
	"fmt"
	"net/netip"
	"strings"

	"photongate/gateway"
)

const (
	// cloudPort is where every Photon reaches its cloud (photon.md 4.1), and
	// the port of its presence datagram.
	cloudPort = 5683
	// presence is the multicast group of the presence datagram (photon.md 4.2).
	presence = "224.0.1.187"
	// synRate and synBurst bound new connections of one device to the relay,
	// per second and at once. A device holds one session and waits a second or
	// more between attempts (photon.md 4.1); ten times that never stops one, and
	// leaves room for a burst after a lost session.
	synRate, synBurst = 10, 20
	// askRate and askBurst bound the DHCP requests of one device, per second and
	// at once. A client waits four seconds before it repeats itself (RFC 2131
	// section 4.1), and an exchange is two requests.
	askRate, askBurst = 5, 20
	// callRate and callBurst bound the presence datagrams of one device: it
	// sends one after each handshake (photon.md 4.2), which is never twice a
	// second.
	callRate, callBurst = 2, 10
	// rateKept is how long a device's rates are remembered; a burst is long
	// refilled by then (20 at 5 a second). rateDevices bounds how many: more
	// than a /24 has addresses.
	rateKept, rateDevices = "1m", 1024
	// helloRate and helloBurst bound the DHCP requests of all strangers
	// together, per second and at once: enough to name each stranger in range,
	// too little to keep the server busy. RFC 2131 section 4.1 has a client
	// wait four seconds before it repeats, so this is forty strangers at once.
	helloRate, helloBurst = 10, 20
)

// The reasons of a drop: Text of gateway.Dropped.
const (
	// Stranger: the sender's MAC is not listed.
	Stranger = "stranger"
	// Spoofed: a listed MAC uses an address that is not leased to it.
	Spoofed = "spoofed-address"
	// ClosedPort: a device asked the gateway, or everybody, for a service that there is not.
	ClosedPort = "closed-port"
	// Forward: a packet was to cross the gateway.
	Forward = "forward"
	// IPv6: a packet from the segment was not IPv4.
	IPv6 = "ipv6"
	// Rate: a device opened connections, asked for addresses or announced
	// itself faster than a Photon does.
	Rate = "rate"
	// ARP: a station claimed an address that is not leased to it.
	ARP = "arp"
	// Outgoing: the gateway itself, not one of our services, wanted to send to the segment.
	Outgoing = "outgoing"
)

// Reasons lists the reasons of a drop.
func Reasons() []string {
	return []string{Stranger, Spoofed, ClosedPort, Forward, IPv6, Rate, ARP, Outgoing}
}

// counterPrefix keeps the names of counters apart from nft's reserved words;
// "rate" is one.
const counterPrefix = "drop-"

// Ruleset is the text for `nft -f -` that replaces our tables as a whole. The
// kernel takes all of it or nothing, and loading it twice gives the same. It
// uses what nft 0.9.8 and Linux 5.2 know: Debian 11, and OpenWrt 22.03 on. The
// config must be one that New accepts.
func Ruleset(c Config) string {
	w := &writer{c: c}
	w.b.WriteString(deletion())
	w.line(0, "table inet %s {", Table)
	for _, r := range Reasons() {
		if r != ARP {
			w.counter(r)
		}
	}
	w.sets()
	w.divert()
	w.arrive()
	w.dhcp()
	w.admitted()
	w.others()
	w.line(0, "}")
	w.arp()
	return w.b.String()
}

// families are those of nftables in which we have a table: one for all of IP,
// and one for ARP, which the other never sees.
func families() []string { return []string{"inet", "arp"} }

// deletion is the text that deletes our tables. Declaring each before deleting
// it makes the deletion work when there is none.
func deletion() string {
	var b strings.Builder
	for _, f := range families() {
		fmt.Fprintf(&b, "table %s %s\ndelete table %s %s\n", f, Table, f, Table)
	}
	return b.String()
}

// writer writes a ruleset.
type writer struct {
	c Config
	b strings.Builder
}

// line writes one line, indented by depth.
func (w *writer) line(depth int, format string, args ...any) {
	if format != "" {
		w.b.WriteString(strings.Repeat("\t", depth))
	}
	fmt.Fprintf(&w.b, format+"\n", args...)
}

// counter declares the counter of a reason.
func (w *writer) counter(reason string) { w.line(1, "counter %s%s { }", counterPrefix, reason) }

// arp writes that a station may claim only the address that is leased to it.
// Without that a stranger could draw a listed device's packets to itself: the
// kernel believes the last claim (arp(7)), whatever the rules for IP say.
func (w *writer) arp() {
	w.line(0, "table arp %s {", Table)
	w.counter(ARP)
	w.pairs()
	w.chain("claims",
		"type filter hook input priority filter; policy accept;",
		fmt.Sprintf("iifname %q arp saddr ether . arp saddr ip != @pairs %s", w.c.Interface, drop(ARP)))
	w.line(0, "}")
}

// chain writes a chain, after an empty line.
func (w *writer) chain(name string, rules ...string) {
	w.line(0, "")
	w.line(1, "chain %s {", name)
	for _, r := range rules {
		w.line(2, "%s", r)
	}
	w.line(1, "}")
}

// drop is the end of a rule that counts and drops.
func drop(reason string) string {
	return fmt.Sprintf("counter name %s%s drop", counterPrefix, reason)
}

// sets writes who is listed, with which address, and the memory of the rates.
func (w *writer) sets() {
	var macs []string
	seen := make(map[gateway.MAC]bool)
	for _, p := range sorted(w.c.Pairs) {
		if !seen[p.MAC] {
			seen[p.MAC] = true
			macs = append(macs, p.MAC.String())
		}
	}
	w.set("listed", "ether_addr", macs)
	w.pairs()
	for _, name := range memories() {
		w.line(0, "")
		w.line(1, "set %s {", name)
		w.line(2, "type ether_addr")
		w.line(2, "size %d", rateDevices)
		w.line(2, "flags dynamic,timeout")
		w.line(2, "timeout %s", rateKept)
		w.line(1, "}")
	}
}

// The sets in which the kernel remembers the rates of devices: of new
// connections, DHCP requests and presence datagrams.
const (
	syns  = "syns"
	asks  = "asks"
	calls = "calls"
)

// memories lists the sets that the kernel fills.
func memories() []string { return []string{syns, asks, calls} }

// tooFast matches and drops what a device sends faster than at a rate per
// second, beyond a burst.
func tooFast(memory string, rate, burst int) string {
	return fmt.Sprintf("update @%s { ether saddr limit rate over %d/second burst %d packets } %s", memory, rate, burst, drop(Rate))
}

// pairs writes which device has which address; a set belongs to one table.
func (w *writer) pairs() {
	var pairs []string
	for _, p := range sorted(w.c.Pairs) {
		pairs = append(pairs, fmt.Sprintf("%s . %s", p.MAC, p.Addr))
	}
	w.set("pairs", "ether_addr . ipv4_addr", pairs)
}

// set writes a set. nft refuses an empty list of elements, not an empty set.
func (w *writer) set(name, typ string, elements []string) {
	w.line(0, "")
	w.line(1, "set %s {", name)
	w.line(2, "type %s", typ)
	if len(elements) > 0 {
		w.line(2, "elements = {")
		for _, e := range elements {
			w.line(3, "%s,", e)
		}
		w.line(2, "}")
	}
	w.line(1, "}")
}

// divert writes what turns a device's connections to the gateway. It names the
// gateway's address: redirect would take the interface's first one, which in
// wired mode may be another's.
func (w *writer) divert() {
	from := fmt.Sprintf("iifname %q ether saddr . ip saddr @pairs ", w.c.Interface)
	to := func(port uint16) string {
		return " dnat ip to " + netip.AddrPortFrom(w.c.Gateway.Addr(), port).String()
	}
	rules := []string{
		"type nat hook prerouting priority dstnat; policy accept;",
		fmt.Sprintf("%stcp dport %d%s", from, cloudPort, to(w.c.RelayPort)),
		fmt.Sprintf("%stcp dport 53%s", from, to(w.c.dnsPort())),
		fmt.Sprintf("%sudp dport 53%s", from, to(w.c.dnsPort())),
	}
	if w.c.NTP {
		rules = append(rules, fmt.Sprintf("%sudp dport 123%s", from, to(123)))
	}
	w.chain("divert", rules...)
}

// arrive writes who is asked, and in which order.
func (w *writer) arrive() {
	w.chain("arrive",
		"type filter hook prerouting priority dstnat + 10; policy accept;",
		fmt.Sprintf("iifname %q goto segment", w.c.Interface))
	w.chain("segment",
		"meta nfproto ipv6 "+drop(IPv6),
		fmt.Sprintf("udp sport 68 udp dport 67 ip daddr { %s, 255.255.255.255 } goto dhcp", w.c.Gateway.Addr()),
		"ether saddr != @listed "+drop(Stranger),
		"ether saddr . ip saddr != @pairs "+drop(Spoofed),
		"goto admitted")
}

// dhcp writes who may ask for an address. A listed device may from any: one
// that rebinds an address of another network must hear that it is wrong (RFC
// 2131 section 4.3.2).
func (w *writer) dhcp() {
	w.chain("dhcp",
		"ether saddr @listed "+tooFast(asks, askRate, askBurst),
		"ether saddr @listed accept",
		fmt.Sprintf("limit rate %d/second burst %d packets accept", helloRate, helloBurst),
		drop(Stranger))
}

// admitted writes what a listed device with its own address may do.
func (w *writer) admitted() {
	gw := w.c.Gateway.Addr()
	udp := []string{fmt.Sprint(w.c.dnsPort())}
	if w.c.NTP {
		udp = append(udp, "123")
	}
	w.chain("admitted",
		"ip protocol igmp accept",
		fmt.Sprintf("ip daddr %s udp dport %d %s", presence, cloudPort, tooFast(calls, callRate, callBurst)),
		fmt.Sprintf("ip daddr %s udp dport %d accept", presence, cloudPort),
		fmt.Sprintf("ip daddr { 224.0.0.0/4, 255.255.255.255, %s } %s", broadcast(w.c.Gateway), drop(ClosedPort)),
		fmt.Sprintf("ip daddr != %s %s", gw, drop(Forward)),
		fmt.Sprintf("tcp dport %d tcp flags & (fin | syn | rst | ack) == syn %s", w.c.RelayPort, tooFast(syns, synRate, synBurst)),
		fmt.Sprintf("tcp dport { %d, %d } accept", w.c.RelayPort, w.c.dnsPort()),
		fmt.Sprintf("udp dport { %s } accept", strings.Join(udp, ", ")),
		"icmp type echo-request accept",
		// Answers to our own echo, and a device's errors about our answers.
		"ip protocol icmp ct state established,related accept",
		drop(ClosedPort))
}

// others writes the ways that do not begin at the segment: across the gateway,
// and from the gateway.
func (w *writer) others() {
	w.chain("forward",
		"type filter hook forward priority filter; policy accept;",
		fmt.Sprintf("iifname %q %s", w.c.Interface, drop(Forward)),
		fmt.Sprintf("oifname %q %s", w.c.Interface, drop(Forward)))
	w.chain("output",
		"type filter hook output priority filter; policy accept;",
		fmt.Sprintf("oifname %q goto leave", w.c.Interface))
	w.chain("leave",
		"meta nfproto ipv6 "+drop(Outgoing),
		// An offer goes to a client that no connection is known of.
		"udp sport 67 udp dport 68 accept",
		"ip protocol { icmp, igmp } accept",
		"ct state established,related accept",
		drop(Outgoing))
}

// dnsPort is where the resolver listens.
func (c Config) dnsPort() uint16 {
	if c.DNSPort == 0 {
		return 53
	}
	return c.DNSPort
}
