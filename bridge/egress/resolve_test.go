package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// reply changes what a name server answers a query with.
type reply func(m *dnsmessage.Message)

// header is of a record of the cloud's name.
func header(typ dnsmessage.Type, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("cloud.test."), Type: typ, Class: dnsmessage.ClassINET, TTL: ttl}
}

// a adds an address.
func a(s string, ttl uint32) reply {
	return func(m *dnsmessage.Message) {
		body := &dnsmessage.AResource{A: netip.MustParseAddr(s).As4()}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(dnsmessage.TypeA, ttl), Body: body})
	}
}

// cname adds an alias.
func cname(to string, ttl uint32) reply {
	return func(m *dnsmessage.Message) {
		body := &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(dnsmessage.TypeCNAME, ttl), Body: body})
	}
}

// code sets the response code.
func code(c dnsmessage.RCode) reply { return func(m *dnsmessage.Message) { m.RCode = c } }

// truncated sets the TC bit.
func truncated(m *dnsmessage.Message) { m.Truncated = true }

// otherID answers another query.
func otherID(m *dnsmessage.Message) { m.ID++ }

// otherName answers another question.
func otherName(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("other.test.") }

// upper changes the case of the question, as servers may.
func upper(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("CLOUD.Test.") }

// hundred adds a hundred addresses, and the first of them a second time.
func hundred(m *dnsmessage.Message) {
	for i := range 100 {
		a(fmt.Sprintf("198.51.100.%d", i), 60)(m)
	}
	a("198.51.100.0", 60)(m)
}

// packed is the answer to a query.
func packed(t testing.TB, q []byte, rs []reply) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(q); err != nil {
		t.Errorf("the query is malformed: %v", err)
		return nil
	}
	m.Response = true
	for _, r := range rs {
		r(&m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return b
}

// nameServer answers every query over UDP with the messages of udp, one after
// the other, and over TCP with tcp; nil leaves it unanswered.
func nameServer(t testing.TB, udp [][]reply, tcp []reply) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	u, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); u.Close() })
	go func() {
		q := make([]byte, 512)
		for {
			n, from, err := u.ReadFrom(q)
			if err != nil {
				return
			}
			for _, rs := range udp {
				b := []byte("garbage")
				if rs != nil {
					b = packed(t, q[:n], rs)
				}
				u.WriteTo(b, from)
			}
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serveTCP(t, c, tcp)
		}
	}()
	return at
}

// serveTCP answers one query over TCP.
func serveTCP(t testing.TB, c net.Conn, rs []reply) {
	defer c.Close()
	var size [2]byte
	io.ReadFull(c, size[:])
	q := make([]byte, binary.BigEndian.Uint16(size[:]))
	io.ReadFull(c, q)
	if rs != nil {
		b := packed(t, q, rs)
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	}
}

func TestLookup(t *testing.T) {
	const one, two = "198.51.100.1", "198.51.100.2"
	for _, tt := range []struct {
		name string
		udp  [][]reply
		tcp  []reply
		want string // addresses, or how many
		ttl  time.Duration
		err  string
	}{
		{"good", [][]reply{{a(one, 60), a(two, 30)}}, nil, one + " " + two, 30 * time.Second, ""},
		{"TTL of days", [][]reply{{a(one, 1<<31)}}, nil, one, maxRefresh, ""},
		{"TTL 0", [][]reply{{a(one, 0)}}, nil, one, 0, ""},
		{"behind an alias", [][]reply{{cname("x.test.", 20), a(one, 60)}}, nil, one, 20 * time.Second, ""},
		{"other case", [][]reply{{upper, a(one, 60)}}, nil, one, time.Minute, ""},
		{"truncated", [][]reply{{truncated}}, []reply{a(one, 60), a(two, 60)}, one + " " + two, time.Minute, ""},
		{"truncated twice", [][]reply{{truncated}}, []reply{truncated}, "", 0, "the answer is truncated even over TCP"},
		{"truncated and no TCP", [][]reply{{truncated}}, nil, "", 0, "the server closed the connection in place of an answer"},
		{"NXDOMAIN", [][]reply{{code(dnsmessage.RCodeNameError)}}, nil, "", 0, "the server answered that the name does not exist (NXDOMAIN)"},
		{"SERVFAIL", [][]reply{{code(dnsmessage.RCodeServerFailure)}}, nil, "", 0, "the server answered that it failed (SERVFAIL)"},
		{"REFUSED", [][]reply{{code(dnsmessage.RCodeRefused)}}, nil, "", 0, "the server answered that it refuses (REFUSED)"},
		{"code 4", [][]reply{{code(dnsmessage.RCodeNotImplemented)}}, nil, "", 0, "the server answered with code 4"},
		{"sinkhole", [][]reply{{a("0.0.0.0", 60), a("127.0.0.1", 60)}}, nil, "", 0, "the server answered only addresses that no cloud has, as a DNS filter does"},
		{"half a sinkhole", [][]reply{{a("0.0.0.0", 60), a(one, 60)}}, nil, one, time.Minute, ""},
		{"a hundred addresses", [][]reply{{hundred}}, nil, "64 addresses", time.Minute, ""},
		{"alias loop", [][]reply{{cname("a.test.", 60), cname("b.test.", 60)}}, nil, "", 0, "the server answered without an address"},
		{"nothing", [][]reply{{}}, nil, "", 0, "the server answered without an address"},
		{"another id, then the answer", [][]reply{{otherID, a(two, 60)}, {a(one, 60)}}, nil, one, time.Minute, ""},
		{"garbage, then the answer", [][]reply{nil, {a(one, 60)}}, nil, one, time.Minute, ""},
		{"another question", [][]reply{{otherName, a(one, 60)}}, nil, "", 0, "the answer is to another question"},
		{"another id only", [][]reply{{otherID, a(one, 60)}}, nil, "", 0, "no answer in 150ms"},
		{"silence", nil, nil, "", 0, "no answer in 150ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := nameServer(t, tt.udp, tt.tcp)
			r := &resolver{name: "cloud.test", servers: []netip.AddrPort{at}, limit: 150 * time.Millisecond}
			ans, err := r.lookup(t.Context())
			var got []string
			for _, a := range ans.Addrs {
				got = append(got, a.String())
			}
			if s := strings.Join(got, " "); s != tt.want && fmt.Sprint(len(got), " addresses") != tt.want || ans.TTL != tt.ttl {
				t.Errorf("got %s for %s, want %s for %s", s, ans.TTL, tt.want, tt.ttl)
			}
			if want := "resolve cloud.test at " + at.String() + ": " + tt.err; err == nil != (tt.err == "") || err != nil && err.Error() != want {
				t.Errorf("got the error %v, want %s", err, want)
			}
		})
	}
}

// A server that is dead costs its time, and the next one answers.
func TestLookupAsksTheNext(t *testing.T) {
	bad, good := nameServer(t, nil, nil), nameServer(t, [][]reply{{a("198.51.100.1", 60)}}, nil)
	r := &resolver{name: "cloud.test", servers: []netip.AddrPort{bad, good}, limit: 50 * time.Millisecond}
	if ans, err := r.lookup(t.Context()); err != nil || len(ans.Addrs) != 1 {
		t.Errorf("got %v, %v; want one address", ans, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.lookup(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestSystemServers(t *testing.T) {
	for _, tt := range []struct{ name, file, want, err string }{
		{"usual", "# comment\nsearch x\nnameserver 192.0.2.1\noptions rotate\nnameserver 2001:db8::1\n", "[192.0.2.1:53 [2001:db8::1]:53]", ""},
		{"four", "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4", "[192.0.2.1:53 192.0.2.2:53 192.0.2.3:53]", ""},
		{"garbage", "nameserver\nnameserver x\n\x00\xff", "[]", "find the system's resolvers: PATH names none"},
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := systemServers(path)
		want := strings.ReplaceAll(tt.err, "PATH", path)
		if fmt.Sprint(got) != tt.want || err == nil != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, %v; want %s, %s", tt.name, got, err, tt.want, want)
		}
	}
	r := &resolver{name: "cloud.test", conf: "/nonexistent"}
	if _, err := r.lookup(t.Context()); err == nil || err.Error() != "find the system's resolvers: open /nonexistent: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// How soon the name is asked for again.
func TestRefresh(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		0: minRefresh, time.Second: minRefresh, time.Minute: time.Minute, 24 * time.Hour: maxRefresh,
	} {
		s := newSite(t, Config{})
		s.egress.state = up
		s.egress.lookup = func(context.Context) (Answer, error) { return Answer{Addrs: addrs(1), TTL: ttl}, nil }
		if got := s.egress.resolve(t.Context(), &gateway.Backoff{}); got != want {
			t.Errorf("TTL %s: again in %s, want %s", ttl, got, want)
		}
		s.waitFor(gateway.ResolverOK)
	}
}

// A name that never resolved is an outage; one that did once is not.
func TestResolverFails(t *testing.T) {
	for _, known := range []int{0, 1} {
		s := newSite(t, Config{})
		s.on(func() { s.egress.book.learn(addrs(known), s.port) })
		s.egress.lookup = func(context.Context) (Answer, error) { return Answer{}, errors.New("no answer in 3s") }
		if d := s.egress.resolve(t.Context(), &gateway.Backoff{}); d <= 0 || d > time.Second {
			t.Errorf("again in %s, want half a second or so", d)
		}
		if ev := s.waitFor(gateway.ResolverFailed); ev.Name != "cloud.test" || ev.Text != "no answer in 3s" {
			t.Errorf("got %+v", ev)
		}
		s.on(func() {})
		ev, down := s.events.Find(func(ev gateway.Event) bool { return ev.Kind == gateway.EgressDown })
		if down != (known == 0) || down && ev.Text != "cloud.test could not be resolved, and no address of it is known from before" {
			t.Errorf("with %d addresses known: down %v, %q", known, down, ev.Text)
		}
	}
}

// An address in place of a name is not looked up.
func TestHostIsAnAddress(t *testing.T) {
	gatewaytest.Leaks(t)
	s := newSite(t, Config{Host: "127.0.9.1"})
	s.serve(1, false, nonce(0xa5))
	s.run()
	s.egress.lookup = nil
	ev := s.waitFor(gateway.EgressBook)
	if len(ev.Book) != 1 || ev.Book[0].Addr != s.at(1) || !ev.Book[0].Current {
		t.Errorf("the book is %+v, want the address", ev.Book)
	}
	s.waitFor(gateway.EgressUp)
	if want := fmt.Sprintf("egress to 127.0.9.1:%d", s.port); s.egress.String() != want {
		t.Errorf("named %q, want %q", s.egress, want)
	}
}

func FuzzParseAnswer(f *testing.F) {
	const id = 0x1234
	q, err := question("cloud.test", id)
	if err != nil {
		f.Fatal(err)
	}
	for _, rs := range [][]reply{{a("198.51.100.1", 60)}, {hundred}, {truncated}, {otherName}, {cname("x.test.", 0), a("0.0.0.0", 0)}, {code(2)}} {
		b := packed(f, q, rs)
		f.Add(b)
		f.Add(b[:len(b)-3])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		ans, again, err := parseAnswer(b, id, "cloud.test")
		switch {
		case err != nil || again:
			if len(ans.Addrs) > 0 {
				t.Errorf("%v came with addresses %v", err, ans.Addrs)
			}
		case len(ans.Addrs) == 0 || len(ans.Addrs) > maxBook || ans.TTL < 0 || ans.TTL > maxRefresh:
			t.Errorf("got %d addresses for %s", len(ans.Addrs), ans.TTL)
		case slices.ContainsFunc(ans.Addrs, func(a netip.Addr) bool { return !usable(a) }):
			t.Errorf("got an address that is not usable: %v", ans.Addrs)
		}
	})
}
