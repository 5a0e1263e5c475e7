package egress

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"photongate/gateway"
)

// port is that of the book's tests; nobody listens there.
const port = 5683

// entry is the n-th address with the port.
func entry(n byte) netip.AddrPort { return netip.AddrPortFrom(addr(n), port) }

// newBook is a book that approves everything and knows the addresses 1 to n.
func newBook(n int) *book {
	b := &book{approves: func(netip.Addr, bool) bool { return true }}
	b.learn(addrs(n), port)
	return b
}

func TestCandidates(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	type note struct {
		n   byte
		how gateway.Outcome
	}
	for _, tt := range []struct {
		name  string
		notes []note // a second apart
		now   int    // how many of the four are current
		want  []byte
	}{
		{"untried, as the server ordered them", nil, 4, []byte{1, 2, 3, 4}},
		{"the one that answered", []note{{3, gateway.Accepted}}, 4, []byte{3, 1, 2, 4}},
		{"the last that answered", []note{{3, gateway.Spoke}, {2, gateway.Accepted}}, 4, []byte{2, 3, 1, 4}},
		{"failed ones last, the oldest failure first", []note{{1, gateway.TimedOut}, {2, gateway.Refused}}, 4, []byte{3, 4, 1, 2}},
		{"good once, failed since", []note{{1, gateway.Spoke}, {2, gateway.Refused}, {1, gateway.Mute}}, 4, []byte{3, 4, 1, 2}},
		{"good and no longer current is good", []note{{4, gateway.Spoke}}, 2, []byte{4, 1, 2, 3}},
		{"untried and no longer current", nil, 1, []byte{1, 2, 3, 4}},
	} {
		b := newBook(4)
		for i, n := range tt.notes {
			b.note(entry(n.n), n.how, time.Millisecond, at.Add(time.Duration(i)*time.Second))
		}
		b.learn(addrs(tt.now), port)
		var got []byte
		for _, ap := range b.candidates() {
			got = append(got, ap.Addr().As4()[3])
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestNews(t *testing.T) {
	b := newBook(1)
	for i, tt := range []struct {
		how  gateway.Outcome
		news bool
	}{
		{gateway.Accepted, true}, {gateway.Accepted, false}, {gateway.Spoke, true}, {gateway.Accepted, false},
		{gateway.Mute, true}, {gateway.Mute, false}, {gateway.Accepted, true},
	} {
		if got := b.note(entry(1), tt.how, 0, time.Now()); got != tt.news {
			t.Errorf("note %d, %s: got news %v, want %v", i, tt.how, got, tt.news)
		}
	}
	if e := b.find(entry(1)); e.Good != 5 || e.Bad != 2 {
		t.Errorf("counted %d good and %d bad, want 5 and 2", e.Good, e.Bad)
	}
	if b.note(entry(9), gateway.Spoke, 0, time.Now()) {
		t.Error("an address of no book is news")
	}
}

// The book is bounded, and what is forgotten first answered longest ago.
func TestBookIsBounded(t *testing.T) {
	b := newBook(maxBook)
	b.note(entry(1), gateway.Spoke, 0, time.Now())
	var next []netip.Addr
	for i := range maxBook - 1 {
		next = append(next, netip.AddrFrom4([4]byte{127, 0, 10, byte(i)}))
	}
	if !b.learn(next, port) || len(b.entries) != maxBook {
		t.Errorf("%d entries, want %d", len(b.entries), maxBook)
	}
	if b.find(entry(1)) == nil {
		t.Error("the one that answered is forgotten")
	}
	if b.learn(next, port) {
		t.Error("the same answer again changed the book")
	}
	next = nil
	for i := range 2 * maxBook {
		next = append(next, netip.AddrFrom4([4]byte{127, 1, 10, byte(i)}))
	}
	if b.learn(next, port); len(b.entries) != maxBook {
		t.Errorf("%d entries, want %d", len(b.entries), maxBook)
	}
}

func TestUsable(t *testing.T) {
	for in, want := range map[string]bool{
		"52.91.48.237": true, "10.0.0.1": true, "100.64.0.1": true,
		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.8.9.1": false, "169.254.1.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::1": false, "2001:db8::1": false, "::ffff:52.91.48.237": false,
	} {
		if got := usable(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
	if usable(netip.Addr{}) {
		t.Error("the zero address is usable")
	}
}
