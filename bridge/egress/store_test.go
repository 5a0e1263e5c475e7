package egress

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// A book outlives the program: what was good once is a candidate again, and
// nothing else of the past counts.
func TestBookIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.json")
	s := newSite(t, Config{Path: path})
	good := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	known := []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")}
	s.egress.state = up // no probe of these
	s.run(known...)
	s.on(func() {
		e := s.egress.book.find(netip.AddrPortFrom(known[1], s.port))
		e.LastGood, e.Last, e.Bad = good, gateway.Refused, 7
	})
	s.stop()

	later := newSite(t, Config{Path: path})
	later.egress.cfg.Port = s.port
	later.egress.restore()
	later.on(func() {
		es := later.egress.book.list()
		want := []gateway.Address{
			{Addr: netip.AddrPortFrom(known[0], s.port), Approved: true},
			{Addr: netip.AddrPortFrom(known[1], s.port), Approved: true, LastGood: good},
		}
		if len(es) != 2 || es[0] != want[0] || es[1] != want[1] {
			t.Errorf("restored %+v, want %+v", es, want)
		}
	})
	if fi, err := os.Stat(path); err != nil || fi.Mode() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", fi, err)
	}
}

// What the file says is not trusted further than the resolver.
func TestRestore(t *testing.T) {
	entry := func(s string) gateway.Address {
		return gateway.Address{Addr: netip.MustParseAddrPort(s), Approved: true}
	}
	many := make([]gateway.Address, 0, 3*maxBook)
	for i := range 3 * maxBook {
		many = append(many, gateway.Address{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), port)})
	}
	text := func(as ...gateway.Address) string {
		b, err := json.Marshal(as)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct {
		name, file string
		want       int
	}{
		{"empty", "", 0},
		{"cut off", text(entry("198.51.100.1:5683"))[:30], 0},
		{"not a list", `{"addr":"198.51.100.1:5683"}`, 0},
		{"good", text(entry("198.51.100.1:5683")), 1},
		{"twice", text(entry("198.51.100.1:5683"), entry("198.51.100.1:5683")), 1},
		{"another port", text(entry("198.51.100.1:22")), 0},
		{"this machine", text(entry("127.0.0.1:5683")), 0},
		{"no address", `[{}]`, 0},
		{"too many", text(many...), maxBook},
		{"too large", text(entry("198.51.100.1:5683")) + strings.Repeat(" ", maxStored), 0},
	} {
		path := filepath.Join(t.TempDir(), "book.json")
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newSite(t, Config{Path: path, Approved: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		s.egress.cfg.Port = port
		s.egress.restore()
		s.on(func() {
			if n := len(s.egress.book.entries); n != tt.want {
				t.Errorf("%s: %d entries, want %d", tt.name, n, tt.want)
			}
			if n := len(s.egress.book.candidates()); n != 0 {
				t.Errorf("%s: the file approved %d addresses", tt.name, n)
			}
		})
	}
}

// A disk that refuses is told of when that begins and when it ends.
func TestBookCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "book.json")
	s := newSite(t, Config{Path: path})
	s.egress.state = up
	s.run(addr(1))
	ev := s.waitFor(gateway.PartFailed)
	if want := "write the address book: open " + path + ".new: no such file or directory"; ev.Part != gateway.PartStorage || ev.Text != want {
		t.Errorf("got %s %q, want storage %q", ev.Part, ev.Text, want)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.events.Wait(t, wait, func(ev gateway.Event) bool { return ev.Kind == gateway.PartOK && ev.Part == gateway.PartStorage })
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
