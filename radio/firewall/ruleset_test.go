package firewall

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
	"photongate/radio/internal/run"
)

// porch and attic are two Photons with their leases.
var (
	porch = Pair{MAC: gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}, Addr: netip.MustParseAddr("192.168.77.10")}
	attic = Pair{MAC: gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x96}, Addr: netip.MustParseAddr("192.168.77.9")}
)

// config is a segment with pairs.
func config(pairs ...Pair) Config {
	return Config{Interface: "seg0", Gateway: netip.MustParsePrefix("192.168.77.1/24"), RelayPort: 5683, NTP: true, Pairs: pairs}
}

// rulesets are configs of every shape, by the name of their golden file.
func rulesets() map[string]Config {
	other := config(porch)
	other.Interface, other.Gateway = "br-lan.20@x", netip.MustParsePrefix("192.168.77.129/25")
	other.Pairs[0].Addr = netip.MustParseAddr("192.168.77.200")
	other.RelayPort, other.DNSPort, other.NTP = 15683, 5353, false
	full := config()
	for i := range 252 {
		p := Pair{MAC: porch.MAC, Addr: netip.AddrFrom4([4]byte{192, 168, 77, byte(254 - i)})}
		p.MAC[5] = byte(i)
		full.Pairs = append(full.Pairs, p)
	}
	return map[string]Config{"empty": config(), "two": config(porch, attic), "ports": other, "full": full}
}

// TestRuleset compares with golden files, and lets nft check each.
func TestRuleset(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	for name, c := range rulesets() {
		t.Run(name, func(t *testing.T) {
			if err := c.check(); err != nil {
				t.Fatal(err)
			}
			got := Ruleset(c)
			if name != "full" {
				gatewaytest.Golden(t, filepath.Join("testdata", name+".nft"), got)
			}
			if _, err := run.Once(t.Context(), []byte(got), "nft", "-c", "-f", "-"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRulesetOrder wants the same text for the same whitelist.
func TestRulesetOrder(t *testing.T) {
	if a, b := Ruleset(config(porch, attic)), Ruleset(config(attic, porch, attic)); a != b {
		t.Errorf("the order of pairs shows:\n%s\n%s", a, b)
	}
}

// TestListingIsStable wants the kernel to list a table the same way when it is
// loaded again, and when devices have been counted meanwhile.
func TestListingIsStable(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	for name, c := range rulesets() {
		t.Run(name, func(t *testing.T) {
			var first string
			for range 3 {
				if _, err := run.Once(t.Context(), []byte(Ruleset(c)), "nft", "-f", "-"); err != nil {
					t.Fatal(err)
				}
				for _, name := range memories() {
					gatewaytest.Sh(t, "nft add element inet photongate "+name+" '{ 6c:0b:84:59:72:95 limit rate over 10/second burst 20 packets, 6c:0b:84:59:72:96 limit rate over 10/second burst 20 packets }'")
				}
				l := parseListing(gatewaytest.Sh(t, "nft list table inet photongate", "nft list table arp photongate"))
				if first == "" {
					first = l.shape
				}
				if l.shape != first || strings.Contains(l.shape, "expires") {
					t.Fatalf("listed as\n%s\nand then as\n%s", first, l.shape)
				}
				if len(l.drops) != len(Reasons()) {
					t.Errorf("counters %v, want one for each of %v", l.drops, Reasons())
				}
			}
		})
	}
}

// TestNewRefuses wants every wrong config refused, in words.
func TestNewRefuses(t *testing.T) {
	pair := func(p Pair, addr string) Pair {
		p.Addr = netip.MustParseAddr(addr)
		return p
	}
	badName := " is not the name of an interface: want 1 to 15 characters without space, slash, colon and quotation mark"
	tests := []struct {
		name   string
		change func(c *Config)
		want   string
	}{
		{"no interface", func(c *Config) { c.Interface = "" }, `segment interface ""` + badName},
		{"long interface", func(c *Config) { c.Interface = "0123456789abcdef" }, `segment interface "0123456789abcdef"` + badName},
		{"injection", func(c *Config) { c.Interface = `x" accept` }, `segment interface "x\" accept"` + badName},
		{"wildcard", func(c *Config) { c.Interface = "wlan*" }, `segment interface "wlan*"` + badName},
		{"IPv6", func(c *Config) { c.Gateway = netip.MustParsePrefix("fd00::1/64") }, "segment address fd00::1/64 is not an IPv4 address with a network of at least four addresses, as in 192.168.77.1/24"},
		{"host", func(c *Config) { c.Gateway = netip.MustParsePrefix("192.168.77.1/31") }, "segment address 192.168.77.1/31 is not an IPv4 address with a network of at least four addresses, as in 192.168.77.1/24"},
		{"no port", func(c *Config) { c.RelayPort = 0 }, "relay port 0 is not a port of its own"},
		{"one port", func(c *Config) { c.RelayPort = 53 }, "relay port 53 is not a port of its own"},
		{"no MAC", func(c *Config) { c.Pairs = []Pair{{Addr: porch.Addr}} }, "admit 00:00:00:00:00:00: not the hardware address of one device"},
		{"group", func(c *Config) { c.Pairs = []Pair{{MAC: gateway.MAC{1}, Addr: porch.Addr}} }, "admit 01:00:00:00:00:00: not the hardware address of one device"},
		{"no address", func(c *Config) { c.Pairs = []Pair{{MAC: porch.MAC}} }, "admit 6c:0b:84:59:72:95: address invalid IP is not in the segment 192.168.77.0/24"},
		{"elsewhere", func(c *Config) { c.Pairs = []Pair{pair(porch, "10.0.0.1")} }, "admit 6c:0b:84:59:72:95: address 10.0.0.1 is not in the segment 192.168.77.0/24"},
		{"gateway", func(c *Config) { c.Pairs = []Pair{pair(porch, "192.168.77.1")} }, "admit 6c:0b:84:59:72:95: address 192.168.77.1 is not free for a device"},
		{"broadcast", func(c *Config) { c.Pairs = []Pair{pair(porch, "192.168.77.255")} }, "admit 6c:0b:84:59:72:95: address 192.168.77.255 is not free for a device"},
		{"taken", func(c *Config) { c.Pairs = []Pair{porch, pair(attic, "192.168.77.10")} }, "admit 6c:0b:84:59:72:96: address 192.168.77.10 belongs to 6c:0b:84:59:72:95"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config()
			tt.change(&c)
			if _, err := New(c); err == nil || err.Error() != "set up the firewall: "+tt.want {
				t.Errorf("error %v\n want %s", err, tt.want)
			}
		})
	}
}

// TestBroadcast computes broadcast addresses.
func TestBroadcast(t *testing.T) {
	for in, want := range map[string]string{"192.168.77.1/24": "192.168.77.255", "10.1.2.3/8": "10.255.255.255", "192.168.77.129/25": "192.168.77.255", "192.168.77.5/30": "192.168.77.7", "172.16.5.1/20": "172.16.15.255"} {
		if got := broadcast(netip.MustParsePrefix(in)).String(); got != want {
			t.Errorf("broadcast of %s is %s, want %s", in, got, want)
		}
	}
}

// FuzzParseListing wants no panic, and no shape for counts, whatever nft says.
func FuzzParseListing(f *testing.F) {
	f.Add("table inet photongate {\n\tcounter drop-rate {\n\t\tpackets 3 bytes 180\n\t}\n}\n")
	f.Add("set asks {\nelements = { a }\n}\nset other {\nelements = { a,\n b }\n}\n")
	f.Add("set syns {\nelements = { a,\n b }\n}\ncounter drop-x {\n packets 99999999999999999999 bytes 1\n}")
	f.Fuzz(func(t *testing.T, text string) {
		l := parseListing(text)
		if len(l.shape) > len(text) {
			t.Errorf("shape of %d bytes out of %d", len(l.shape), len(text))
		}
		var kept []string
		for line := range strings.Lines(text) {
			kept = append(kept, line)
		}
		if len(l.drops) > len(kept) {
			t.Errorf("%d counters in %d lines", len(l.drops), len(kept))
		}
		_ = fmt.Sprint(grown(nil, l.drops))
	})
}
