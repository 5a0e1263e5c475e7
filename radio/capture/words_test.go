//go:build !nowatch

package capture

import (
	"testing"

	"github.com/google/gopacket/layers"
)

// TestWords holds the words that people read.
func TestWords(t *testing.T) {
	const unreachable, exceeded = layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4TypeTimeExceeded
	tests := []struct{ got, want string }{
		{icmpWords(exceeded, 0), "time to live exceeded, a routing loop"},
		{icmpWords(unreachable, 0), "network unreachable"},
		{icmpWords(unreachable, 1), "host unreachable"},
		{icmpWords(unreachable, 3), "port unreachable"},
		{icmpWords(unreachable, 10), "administratively prohibited (code 10)"},
		{icmpWords(unreachable, 7), "destination unreachable (code 7)"},
		{rcodeWord(1), "FORMERR"},
		{rcodeWord(2), "SERVFAIL"},
		{rcodeWord(3), "NXDOMAIN"},
		{rcodeWord(4), "NOTIMP"},
		{rcodeWord(5), "REFUSED"},
		{rcodeWord(9), "code 9"},
		{impostor([]byte("HTTP")), "an HTTP server or captive portal"},
		{impostor([]byte("SSH-")), "an SSH server"},
		{impostor([]byte("<htm")), "a web page"},
		{impostor([]byte{0x15, 3, 1, 0}), "a TLS endpoint"},
		{impostor([]byte{0x15, 3}), ""},
		{impostor([]byte{1, 2, 3, 4}), ""},
		{statusWords(18), " (the rates do not fit)"},
		{statusWords(30), " (try again later)"},
		{statusWords(5), ""},
		{LinkSLL2.String(), "276 (Linux cooked 2)"},
		{LinkType(0).String(), "0 (BSD loopback)"},
		{LinkType(192).String(), "192 (PPI)"},
		{LinkType(999).String(), "999"},
		{printable([]byte("a\x1bb\xff"), 3), "a?b"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
