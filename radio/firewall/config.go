package firewall

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"photongate/gateway"
)

// Table is the name of our table, in the family inet.
const Table = "photongate"

// Config says what the firewall guards and whom it lets in.
type Config struct {
	// Interface is the segment's interface, as in "wlan0". It need not exist yet.
	Interface string
	// Gateway is the gateway's IPv4 address on the segment with its network,
	// as in 192.168.77.1/24.
	Gateway netip.Prefix
	// Pairs are the devices with their leased addresses, in any order.
	Pairs []Pair
	// RelayPort is where the relay listens at the gateway's address.
	RelayPort uint16
	// DNSPort is where the resolver listens, UDP and TCP; 0 means 53.
	DNSPort uint16
	// NTP tells whether the gateway answers NTP at UDP 123.
	NTP bool

	// Emit takes the events; nil drops them.
	Emit gateway.Sink
	// Log takes what a person should know; nil drops it.
	Log *slog.Logger
	// Run starts a program and returns its output; nil means run.Once. Tests set it.
	Run func(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error)
}

// Pair is a device and the only address that it may use.
type Pair struct {
	MAC  gateway.MAC
	Addr netip.Addr
}

// errInterface says what the name of an interface looks like (Linux: IFNAMSIZ
// is 16, with the final zero). The quotation mark would end nft's string.
var errInterface = errors.New("not the name of an interface: want 1 to 15 characters without space, slash, colon and quotation mark")

// check tells what is wrong with c.
func (c Config) check() error {
	if n := len(c.Interface); n == 0 || n > 15 || strings.ContainsFunc(c.Interface, badInName) {
		return fmt.Errorf("segment interface %q is %w", c.Interface, errInterface)
	}
	if g := c.Gateway; !g.IsValid() || !g.Addr().Is4() || g.Bits() > 30 {
		return fmt.Errorf("segment address %s is not an IPv4 address with a network of at least four addresses, as in 192.168.77.1/24", g)
	}
	if c.RelayPort == 0 || c.RelayPort == c.dnsPort() {
		return fmt.Errorf("relay port %d is not a port of its own", c.RelayPort)
	}
	return c.checkPairs(c.Pairs)
}

// badInName tells which characters an interface's name may not have. The
// kernel forbids space, slash and colon (dev_valid_name); an asterisk at the
// end would be nft's wildcard, and a backslash its escape.
func badInName(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`/:"*\`, r)
}

// checkPairs tells which of pairs cannot be let in.
func (c Config) checkPairs(pairs []Pair) error {
	addrs := make(map[netip.Addr]gateway.MAC, len(pairs))
	for _, p := range pairs {
		other, taken := addrs[p.Addr]
		switch {
		case p.MAC.IsZero() || p.MAC.IsGroup():
			return fmt.Errorf("admit %s: not the hardware address of one device", p.MAC)
		case !p.Addr.Is4() || !c.Gateway.Contains(p.Addr):
			return fmt.Errorf("admit %s: address %s is not in the segment %s", p.MAC, p.Addr, c.Gateway.Masked())
		case p.Addr == c.Gateway.Addr() || p.Addr == broadcast(c.Gateway) || p.Addr == c.Gateway.Masked().Addr():
			return fmt.Errorf("admit %s: address %s is not free for a device", p.MAC, p.Addr)
		case taken && other != p.MAC:
			return fmt.Errorf("admit %s: address %s belongs to %s", p.MAC, p.Addr, other)
		}
		addrs[p.Addr] = p.MAC
	}
	return nil
}

// broadcast is the broadcast address of an IPv4 network (RFC 919 section 7).
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := range b {
		b[i] |= byte(0xff >> min(8, max(0, p.Bits()-8*i)))
	}
	return netip.AddrFrom4(b)
}

// sorted is pairs in the order of their addresses, each once: the same
// whitelist is the same ruleset.
func sorted(pairs []Pair) []Pair {
	s := slices.SortedFunc(slices.Values(pairs), func(a, b Pair) int {
		return cmp.Or(a.Addr.Compare(b.Addr), bytes.Compare(a.MAC[:], b.MAC[:]))
	})
	return slices.Compact(s)
}
