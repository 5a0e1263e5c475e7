package site

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// question is a query as a client sends it.
func question(tb testing.TB, name string, typ dnsmessage.Type) []byte {
	tb.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}}
	m.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}}
	b, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestResolver asks for what is known and what is not.
func TestResolver(t *testing.T) {
	r := &Resolver{Name: CloudName, Addrs: CloudAddrs()}
	for _, tc := range []struct {
		name  string
		typ   dnsmessage.Type
		code  dnsmessage.RCode
		first string
		n     int
	}{
		{"device.spark.io.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, "52.90.98.3", 6},
		{"Device.Spark.IO.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, "54.175.227.173", 6},
		{"device.spark.io.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, "", 0},
		{"example.com.", dnsmessage.TypeA, dnsmessage.RCodeNameError, "", 0},
		{"device.spark.io.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, "107.22.28.43", 6},
	} {
		b, err := r.answer(question(t, tc.name, tc.typ))
		if err != nil {
			t.Fatal(err)
		}
		var m dnsmessage.Message
		if err := m.Unpack(b); err != nil {
			t.Fatal(err)
		}
		if m.RCode != tc.code || len(m.Answers) != tc.n || m.ID != 7 || !m.Response {
			t.Errorf("%s %s: got %v with %d records, want %v with %d", tc.name, tc.typ, m.RCode, len(m.Answers), tc.code, tc.n)
		}
		if tc.n == 0 || len(m.Answers) == 0 {
			continue
		}
		if got := m.Answers[0].Body.(*dnsmessage.AResource).A; tc.first != addrText(got) {
			t.Errorf("%s: first address %s, want %s", tc.name, addrText(got), tc.first)
		}
		if got := m.Answers[0].Header.TTL; got != cloudTTL {
			t.Errorf("%s: TTL %d, want %d", tc.name, got, cloudTTL)
		}
	}
}

// FuzzResolver feeds it what is not a question.
func FuzzResolver(f *testing.F) {
	f.Add(question(f, "device.spark.io.", dnsmessage.TypeA))
	f.Add([]byte{0, 7, 0x80, 0, 0, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, query []byte) {
		r := &Resolver{Name: CloudName, Addrs: CloudAddrs()}
		reply, err := r.answer(query)
		if err == nil && len(reply) < 12 {
			t.Errorf("answer of %d bytes, want at least a header", len(reply))
		}
	})
}
