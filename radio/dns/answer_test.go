package dns

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// gatewayAddr is the address that every served name has.
func gatewayAddr() [4]byte { return [4]byte{192, 168, 77, 1} }

// served is the zone of the tests.
func served(t testing.TB) zone {
	t.Helper()
	z, err := newZone([]string{"device.spark.io", "Device.TCP.particle.io."}, []string{"pool.ntp.org"})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// ask is a question of class IN.
func ask(name string, typ dnsmessage.Type, mods ...func(*dnsmessage.Message)) []byte {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 0xbeef, RecursionDesired: true},
		Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET,
		}},
	}
	for _, mod := range mods {
		mod(&m)
	}
	b, err := m.Pack()
	if err != nil {
		panic(fmt.Sprintf("pack question: %v", err))
	}
	return b
}

// withEDNS adds n OPT records of a version.
func withEDNS(version uint32, n int) func(*dnsmessage.Message) {
	return func(m *dnsmessage.Message) {
		for range n {
			m.Additionals = append(m.Additionals, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{
					Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeOPT, Class: 4096, TTL: version << ednsVersionShift,
				},
				Body: &dnsmessage.OPTResource{Options: []dnsmessage.Option{{Code: 10, Data: make([]byte, 8)}}},
			})
		}
	}
}

// show is a reply in one line: code, flags, question, address and OPT.
func show(t *testing.T, r reply) string {
	t.Helper()
	if r.msg == nil {
		return "silence"
	}
	var m dnsmessage.Message
	if err := m.Unpack(r.msg); err != nil {
		t.Fatalf("the reply %x cannot be read: %v", r.msg, err)
	}
	if !m.Response || m.ID != 0xbeef {
		t.Errorf("the reply is no reply to the question: %+v", m.Header)
	}
	out := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
	if m.Authoritative && m.RecursionAvailable {
		out = append(out, "aa")
	}
	for _, q := range m.Questions {
		out = append(out, q.Name.String())
	}
	for _, a := range m.Answers {
		out = append(out, fmt.Sprint(a.Header.TTL, a.Body.(*dnsmessage.AResource).A))
	}
	for _, o := range m.Additionals {
		out = append(out, fmt.Sprint("opt", o.Header.TTL))
	}
	return strings.Join(out, " ")
}

// TestAnswer holds what every kind of question gets.
func TestAnswer(t *testing.T) {
	class := func(c dnsmessage.Class) func(*dnsmessage.Message) {
		return func(m *dnsmessage.Message) { m.Questions[0].Class = c }
	}
	opcode := func(m *dnsmessage.Message) { m.OpCode = 5 }
	response := func(m *dnsmessage.Message) { m.Response = true }
	none := func(m *dnsmessage.Message) { m.Questions = nil }
	two := func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }
	const a, aaaa = dnsmessage.TypeA, dnsmessage.TypeAAAA
	const told = " 60 [192 168 77 1]"
	for _, c := range []struct {
		name   string
		in     []byte
		want   string
		result result
	}{
		{"cloud", ask("device.spark.io.", a), "Success aa device.spark.io." + told, answered},
		{"second cloud", ask("device.tcp.particle.io.", a), "Success aa device.tcp.particle.io." + told, answered},
		{"0x20", ask("dEvIce.SPARK.io.", a), "Success aa dEvIce.SPARK.io." + told, answered},
		{"below cloud", ask("x.device.spark.io.", a), "Refused x.device.spark.io.", refused},
		{"no AAAA", ask("device.spark.io.", aaaa), "Success aa device.spark.io.", answered},
		{"no ANY", ask("device.spark.io.", dnsmessage.TypeALL), "Success aa device.spark.io.", answered},
		{"time", ask("pool.ntp.org.", a), "Success aa pool.ntp.org." + told, answered},
		{"below time", ask("2.POOL.ntp.org.", a), "Success aa 2.POOL.ntp.org." + told, answered},
		{"beside time", ask("whirlpool.ntp.org.", a), "Refused whirlpool.ntp.org.", refused},
		{"other", ask("example.com.", a), "Refused example.com.", refused},
		{"root", ask(".", dnsmessage.TypeNS), "Refused .", refused},
		{"kelvin", ask("device.spar\u212a.io.", a), "Refused device.spar\u212a.io.", refused},
		{"chaos", ask("device.spark.io.", a, class(dnsmessage.ClassCHAOS)), "Refused device.spark.io.", refused},
		{"edns", ask("device.spark.io.", a, withEDNS(0, 1)), "Success aa device.spark.io." + told + " opt0", answered},
		{"edns refused", ask("example.com.", a, withEDNS(0, 1)), "Refused example.com. opt0", refused},
		{"edns 1", ask("device.spark.io.", a, withEDNS(1, 1)), "Success device.spark.io. opt16777216", rejected},
		{"edns twice", ask("device.spark.io.", a, withEDNS(0, 2)), "FormatError", rejected},
		{"update", ask("device.spark.io.", a, opcode), "NotImplemented", rejected},
		{"no question", ask("device.spark.io.", a, none), "FormatError", rejected},
		{"two questions", ask("device.spark.io.", a, two), "FormatError", rejected},
		{"a response", ask("device.spark.io.", a, response), "silence", silent},
		{"empty", nil, "silence", silent},
		{"header cut", ask("device.spark.io.", a)[:11], "silence", silent},
		{"name cut", ask("device.spark.io.", a)[:20], "silence", silent},
		{"additional cut", ask("device.spark.io.", a, withEDNS(0, 1))[:40], "silence", silent},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := served(t).answer(c.in, gatewayAddr(), make([]byte, queryLimit))
			if got := show(t, r); got != c.want || r.result != c.result {
				t.Errorf("answer: %q, result %d; want %q, %d", got, r.result, c.want, c.result)
			}
		})
	}
}

// TestAnswerLongestName holds that the longest name that there is gets its reply.
func TestAnswerLongestName(t *testing.T) {
	label := strings.Repeat("a", 63) + "."
	name := label + label + label + strings.Repeat("b", 61) + "."
	r := served(t).answer(ask(name, dnsmessage.TypeA, withEDNS(0, 1)), gatewayAddr(), make([]byte, queryLimit))
	if got, want := show(t, r), "Refused "+name+" opt0"; got != want {
		t.Errorf("answer: %q, want %q", got, want)
	}
}

// TestNewZone holds which names cannot be served.
func TestNewZone(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct{ name, want string }{
		{"", `answer for "": not a name of 1 to 253 bytes`},
		{".", `answer for ".": not a name of 1 to 253 bytes`},
		{"a..b", `answer for "a..b": a label is not of 1 to 63 bytes`},
		{long, `answer for "` + long + `": a label is not of 1 to 63 bytes`},
		{strings.Repeat("a.", 127) + "b", `answer for "` + strings.Repeat("a.", 127) + `b": not a name of 1 to 253 bytes`},
	} {
		for _, lists := range [][2][]string{{{c.name}, nil}, {nil, {c.name}}} {
			if _, err := newZone(lists[0], lists[1]); err == nil || err.Error() != c.want {
				t.Errorf("newZone(%q): %v, want %q", lists, err, c.want)
			}
		}
	}
}

// TestPrintable holds that what goes into events prints.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":         "example.com",
		"":                    ".",
		"a\x1b[2J b\\c\"\xff": `a\027[2J\032b\092c\034\255`,
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q): %q, want %q", in, got, want)
		}
	}
}

// BenchmarkAnswer is one question for the cloud's name.
func BenchmarkAnswer(b *testing.B) {
	z, in, buf := served(b), ask("device.spark.io.", dnsmessage.TypeA), make([]byte, queryLimit)
	b.ReportAllocs()
	for b.Loop() {
		if r := z.answer(in, gatewayAddr(), buf); r.result != answered {
			b.Fatal("not answered")
		}
	}
}

// FuzzAnswer holds that no bytes make the resolver panic, and that its reply
// is one to the question and not much longer.
func FuzzAnswer(f *testing.F) {
	f.Add(ask("device.spark.io.", dnsmessage.TypeA))
	f.Add(ask("2.pool.ntp.org.", dnsmessage.TypeAAAA, withEDNS(0, 1)))
	f.Add(ask("example.com.", dnsmessage.TypeTXT, withEDNS(1, 2)))
	// A name that points at itself.
	f.Add([]byte("\xbe\xef\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"))
	z := served(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		r := z.answer(in, gatewayAddr(), make([]byte, queryLimit))
		if r.msg == nil {
			if r.result != silent {
				t.Errorf("%x has result %d and no reply", in, r.result)
			}
			return
		}
		if binary.BigEndian.Uint16(r.msg) != binary.BigEndian.Uint16(in) || r.msg[2]&0x80 == 0 {
			t.Errorf("%x is answered by %x", in, r.msg)
		}
		// A compressed question may point at one name of 255 bytes; else 16 of address and 11 of OPT come on top.
		if len(r.msg) > max(len(in)+27, headerSize+255+4+27) {
			t.Errorf("%d bytes are answered by %d", len(in), len(r.msg))
		}
		printable(r.name)
	})
}
