package dhcp

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"photongate/gateway"
)

// TestNewTable holds what a table refuses to deal out.
func TestNewTable(t *testing.T) {
	for _, c := range []struct{ prefix, path, want string }{
		{"192.168.77.1/24", "leases.json", ""},
		{"10.1.2.3/16", "leases.json", ""},
		{"10.0.0.1/30", "leases.json", ""},
		{"10.0.0.1/8", "leases.json", "deal out addresses of 10.0.0.1/8: the length is not between /16 and /30"},
		{"10.0.0.1/31", "leases.json", "deal out addresses of 10.0.0.1/31: the length is not between /16 and /30"},
		{"fd00::1/64", "leases.json", "deal out addresses of fd00::1/64: not an IPv4 address with a length"},
		{"10.0.0.0/24", "leases.json", "deal out addresses of 10.0.0.0/24: the gateway cannot have the first or last address"},
		{"10.0.0.255/24", "leases.json", "deal out addresses of 10.0.0.255/24: the gateway cannot have the first or last address"},
		{"10.0.0.1/24", "", "deal out addresses: no file to keep them in"},
	} {
		_, err := NewTable(TableConfig{Prefix: netip.MustParsePrefix(c.prefix), Path: c.path})
		if got := text(err); got != c.want {
			t.Errorf("NewTable(%s, %q): %q, want %q", c.prefix, c.path, got, c.want)
		}
	}
}

// text is an error's text, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestAssignIsStable holds that addresses stay through additions, removals and restarts.
func TestAssignIsStable(t *testing.T) {
	tab := assigned(t, mac(5), mac(9))
	want := map[gateway.MAC]string{mac(5): "192.168.77.2", mac(9): "192.168.77.3"}
	check := func(when string, tab *Table, listed ...gateway.MAC) {
		t.Helper()
		for _, m := range listed {
			if a, ok := tab.Addr(m); !ok || a.String() != want[m] {
				t.Errorf("%s: %s has %v, want %s", when, m, a, want[m])
			}
			if got, ok := tab.MAC(netip.MustParseAddr(want[m])); !ok || got != m {
				t.Errorf("%s: %s belongs to %s, want %s", when, want[m], got, m)
			}
		}
		if got := len(tab.Pairs()); got != len(listed) {
			t.Errorf("%s: %d pairs, want %d", when, got, len(listed))
		}
	}
	check("at first", tab, mac(5), mac(9))

	want[mac(1)] = "192.168.77.4"
	if err := tab.Assign(listing(t, mac(1), mac(9))); err != nil {
		t.Fatal(err)
	}
	check("5 replaced by 1", tab, mac(1), mac(9))
	if a, ok := tab.Addr(mac(5)); ok {
		t.Errorf("a removed device still has %s", a)
	}

	again, err := NewTable(TableConfig{Prefix: segment(), Path: tab.path})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	check("loaded, before the whitelist is known", again)
	if err := again.Assign(listing(t, mac(1), mac(5), mac(9))); err != nil {
		t.Fatal(err)
	}
	check("after a restart", again, mac(1), mac(5), mac(9))
	if got, want := again.Pairs()[0], (Pair{mac(1), netip.MustParseAddr("192.168.77.4")}); got != want {
		t.Errorf("first pair is %v, want %v", got, want)
	}
}

// TestAssignFull holds what happens with more devices than addresses.
func TestAssignFull(t *testing.T) {
	tab := table(t, netip.MustParsePrefix("10.0.0.2/29"))
	if err := tab.Assign(listing(t, mac(1), mac(2), mac(3), mac(4), mac(5))); err != nil {
		t.Fatal(err)
	}
	for _, m := range []gateway.MAC{mac(1), mac(2), mac(3), mac(4), mac(5)} {
		if a, ok := tab.Addr(m); !ok || !assignable(tab.prefix, a) {
			t.Errorf("%s has %v of 10.0.0.2/29", m, a)
		}
	}
	err := tab.Assign(listing(t, mac(1), mac(2), mac(3), mac(4), mac(5), mac(6), mac(7)))
	want := "assign addresses: 2 of 7 devices get none: 10.0.0.0/29 has 5 addresses"
	if text(err) != want {
		t.Fatalf("Assign: %q, want %q", text(err), want)
	}
	var h *gateway.Hinted
	if !errors.As(err, &h) {
		t.Error("a full table gives no advice")
	}
	if a, listed := tab.lookup(mac(7)); a.IsValid() || !listed {
		t.Errorf("the seventh device has %v, listed %v, want none and listed", a, listed)
	}
	if err := tab.Assign(listing(t, mac(2), mac(3), mac(4), mac(5), mac(7))); err != nil {
		t.Fatal(err)
	}
	if a, _ := tab.Addr(mac(7)); a.String() != "10.0.0.1" {
		t.Errorf("the newcomer has %s, want the address of the removed device, 10.0.0.1", a)
	}
}

// TestSave holds that the file is written when something changes, and only then.
func TestSave(t *testing.T) {
	tab := assigned(t, mac(1), mac(2))
	b, err := os.ReadFile(tab.path)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"leases\": [\n" +
		"  {\"mac\": \"6c:0b:84:00:00:01\", \"addr\": \"192.168.77.2\"},\n" +
		"  {\"mac\": \"6c:0b:84:00:00:02\", \"addr\": \"192.168.77.3\"}\n]}\n"
	if string(b) != want {
		t.Errorf("the file is\n%s\nwant\n%s", b, want)
	}
	if err := os.Remove(tab.path); err != nil {
		t.Fatal(err)
	}
	if err := tab.Assign(listing(t, mac(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tab.path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file was written although nothing changed")
	}
}

// TestSaveRefused holds that addresses are in force without a file, and that
// the next Assign writes what the last one could not.
func TestSaveRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	tab, err := NewTable(TableConfig{Prefix: segment(), Path: filepath.Join(dir, "leases.json")})
	if err != nil {
		t.Fatal(err)
	}
	err = tab.Assign(listing(t, mac(1)))
	want := "write leases: open " + tab.path + ".tmp: no such file or directory"
	if text(err) != want {
		t.Errorf("Assign: %q, want %q", text(err), want)
	}
	if _, ok := tab.Addr(mac(1)); !ok {
		t.Error("the device has no address because the file could not be written")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := tab.Assign(listing(t, mac(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tab.path); err != nil {
		t.Errorf("the second Assign left no file: %v", err)
	}
}

// TestLoad holds what becomes of files that are not ours as written.
func TestLoad(t *testing.T) {
	const m = `"mac": "6c:0b:84:00:00:01"`
	for _, c := range []struct{ name, content, want string }{
		{"torn", `{"leases": [{` + m, "unexpected end of JSON input"},
		{"empty", "", "unexpected end of JSON input"},
		{"MAC twice", `{"leases": [{` + m + `, "addr": "10.0.0.2"}, {` + m + `, "addr": "10.0.0.3"}]}`,
			"6c:0b:84:00:00:01 or 10.0.0.3 stands twice"},
		{"no address", `{"leases": [{` + m + `}]}`, "6c:0b:84:00:00:01 has invalid IP, not an IPv4 address"},
		{"group", `{"leases": [{"mac": "ff:ff:ff:ff:ff:ff", "addr": "10.0.0.2"}]}`,
			"ff:ff:ff:ff:ff:ff is not the address of one device"},
		{"of another segment", `{"leases": [{` + m + `, "addr": "10.0.0.2"}]}`, ""},
		{"the gateway's", `{"leases": [{` + m + `, "addr": "192.168.77.1"}]}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := table(t, segment())
			if err := os.WriteFile(tab.path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := tab.Load()
			want := ""
			if c.want != "" {
				want = "read leases " + tab.path + ", now " + tab.path + ".bad: " + c.want
				if _, err := os.Stat(tab.path + ".bad"); err != nil {
					t.Errorf("not moved aside: %v", err)
				}
			}
			if text(err) != want {
				t.Errorf("Load: %q, want %q", text(err), want)
			}
			if err := tab.Assign(listing(t, mac(1))); err != nil {
				t.Fatal(err)
			}
			if a, _ := tab.Addr(mac(1)); a.String() != "192.168.77.2" {
				t.Errorf("after Load the device gets %s, want 192.168.77.2", a)
			}
		})
	}
	if err := table(t, segment()).Load(); err != nil {
		t.Errorf("a missing file: %v, want nothing", err)
	}
}

// FuzzLeases holds that any content is an error or a file that reads back the same.
func FuzzLeases(f *testing.F) {
	f.Add([]byte(`{"leases": [{"mac": "6c:0b:84:00:00:01", "addr": "192.168.77.2"}]}`))
	f.Add([]byte(strings.Repeat("[", 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		held, err := parseLeases(b)
		if err != nil {
			return
		}
		out := encodeLeases(held)
		again, err := parseLeases(out)
		if err != nil || !bytes.Equal(encodeLeases(again), out) {
			t.Errorf("%q reads back as %q: %v", b, out, err)
		}
	})
}
