package dhcp

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"photongate/gateway"
)

// segment is the segment of most tests.
func segment() netip.Prefix { return netip.MustParsePrefix("192.168.77.1/24") }

// mac is the n-th device's address.
func mac(n byte) gateway.MAC { return gateway.MAC{0x6c, 0x0b, 0x84, 0, 0, n} }

// listing is a whitelist of the given MACs.
func listing(t testing.TB, macs ...gateway.MAC) gateway.Inventory {
	t.Helper()
	var ds []gateway.Device
	for _, m := range macs {
		ds = append(ds, gateway.Device{MAC: m})
	}
	inv, err := gateway.NewInventory(ds)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// table is a Table of p in a folder of its own.
func table(t testing.TB, p netip.Prefix) *Table {
	t.Helper()
	tab, err := NewTable(TableConfig{Prefix: p, Path: filepath.Join(t.TempDir(), "leases.json")})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// assigned is a Table of segment that lists macs.
func assigned(t testing.TB, macs ...gateway.MAC) *Table {
	t.Helper()
	tab := table(t, segment())
	if err := tab.Assign(listing(t, macs...)); err != nil {
		t.Fatal(err)
	}
	return tab
}

// request is a message of the n-th device.
func request(n byte, typ dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	m := mac(n)
	base := []dhcpv4.Modifier{
		dhcpv4.WithTransactionID(dhcpv4.TransactionID{1, 2, 3, n}),
		dhcpv4.WithHwAddr(m[:]),
		dhcpv4.WithMessageType(typ),
	}
	req, err := dhcpv4.New(append(base, mods...)...)
	if err != nil {
		panic(fmt.Sprintf("build request: %v", err))
	}
	return req
}

// asking puts the requested address, option 50, into a request.
func asking(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(netip.MustParseAddr(a).AsSlice()))
}

// choosing puts the server identifier, option 54, into a request.
func choosing(a string) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptServerIdentifier(netip.MustParseAddr(a).AsSlice()))
}

// having puts the client's own address, ciaddr, into a request.
func having(a string) dhcpv4.Modifier {
	return dhcpv4.WithClientIP(netip.MustParseAddr(a).AsSlice())
}
