package site

import (
	"net/netip"
	"testing"
)

// addrText is an IPv4 address in words.
func addrText(a [4]byte) string { return netip.AddrFrom4(a).String() }

// TestParseFault reads words.
func TestParseFault(t *testing.T) {
	for _, f := range append(Faults(), NoFault) {
		if got, err := ParseFault(string(f)); got != f || err != nil {
			t.Errorf("%q: got %q, %v", f, got, err)
		}
	}
	_, err := ParseFault("flood")
	want := `"flood" is not a fault: want one of drop, refuse, dns-drop, cloud-mute, allow-then-kill, approve-one`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRuleset is the text that nft gets.
func TestRuleset(t *testing.T) {
	const head = "table inet site\ndelete table inet site\ntable inet site {\n\tchain forward {\n" +
		"\t\ttype filter hook forward priority 0; policy accept;\n"
	for _, tc := range []struct {
		fault Fault
		want  string
	}{
		{NoFault, ""},
		{CloudMute, ""},
		{Drop, "\t\ttcp dport 5683 tcp flags & (syn | ack) == syn drop\n"},
		{Refuse, "\t\ttcp dport 5683 tcp flags & (syn | ack) == syn reject with tcp reset\n"},
		{DNSDrop, "\t\tudp dport 53 drop\n\t\ttcp dport 53 drop\n"},
		{AllowThenKill, "\t\ttcp dport 5683 drop\n\t\ttcp sport 5683 drop\n"},
		{ApproveOne, "\t\ttcp dport 5683 tcp flags & (syn | ack) == syn ip daddr != 107.22.156.56 drop\n"},
	} {
		if got, want := ruleset(tc.fault), head+tc.want+"\t}\n}\n"; got != want {
			t.Errorf("%q: got\n%swant\n%s", tc.fault, got, want)
		}
	}
}
