package incident

import (
	"net/netip"
	"slices"
	"strings"

	"photongate/gateway"
)

// network stands in the place of a network's name.
const network = "(network)"

// mask replaces what is not to be given away.
type mask struct {
	// seen holds the replacement of every address met so far.
	seen map[netip.Addr]netip.Addr
	// v4 and v6 count those given out.
	v4, v6 int
	// names are the networks' names, longest first.
	names []string
}

// newMask learns the names of networks from events.
func newMask(evs []gateway.Event) *mask {
	m := &mask{seen: map[netip.Addr]netip.Addr{}}
	for _, ev := range evs {
		if ev.Kind == gateway.Joining && ev.Name != "" && !slices.Contains(m.names, ev.Name) {
			m.names = append(m.names, ev.Name)
		}
	}
	slices.SortFunc(m.names, func(a, b string) int { return len(b) - len(a) })
	return m
}

// ranges4 are the ranges for documentation (RFC 5737), and behind them the one
// for benchmarks (RFC 2544), in which no more than one address in 256 is left out.
var ranges4 = []netip.Prefix{
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
}

// public tells the addresses that say whose network it is.
func public(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	return a.IsValid() && a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// addr is the replacement of an address, the same for the same.
func (m *mask) addr(a netip.Addr) netip.Addr {
	if !public(a.Unmap()) {
		return a
	}
	a = a.Unmap().WithZone("")
	if r, ok := m.seen[a]; ok {
		return r
	}
	var r netip.Addr
	if a.Is4() {
		r = fourth(m.v4)
		m.v4++
	} else {
		m.v6++
		// 2001:db8::/32 (RFC 3849).
		r = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 12: byte(m.v6 >> 24), 13: byte(m.v6 >> 16), 14: byte(m.v6 >> 8), 15: byte(m.v6)})
	}
	m.seen[a] = r
	return r
}

// fourth is the nth IPv4 address to give out, from 0; no more than 2^17 are
// different, and a bundle does not hold as many.
func fourth(n int) netip.Addr {
	for _, p := range ranges4 {
		size := 1<<(32-p.Bits()) - 2
		if n < size || p.Bits() < 24 {
			n = n%size + 1
			b := p.Addr().As4()
			return netip.AddrFrom4([4]byte{b[0], b[1] + byte(n>>16), b[2] + byte(n>>8), b[3] + byte(n)})
		}
		n -= size
	}
	return netip.Addr{}
}

// peer is the replacement of an address with a port.
func (m *mask) peer(p netip.AddrPort) netip.AddrPort {
	if !p.IsValid() {
		return p
	}
	return netip.AddrPortFrom(m.addr(p.Addr()), p.Port())
}

// text masks the addresses and networks' names that stand in a text.
func (m *mask) text(s string) string {
	for _, name := range m.names {
		s = replaceWord(s, name, network)
	}
	s = hideNames(s)
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, inAddr)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
		n = strings.IndexFunc(s, func(r rune) bool { return !inAddr(r) })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(m.token(s[:n]))
		s = s[n:]
	}
	return b.String()
}

// maxToken is longer than any address with a port.
const maxToken = 64

// token masks a run of characters that may be an address, with a port or a colon behind it.
func (m *mask) token(s string) string {
	bare := strings.TrimRight(s, ".:")
	if len(bare) <= maxToken {
		if a, err := netip.ParseAddr(bare); err == nil {
			return m.addr(a).String() + s[len(bare):]
		}
	}
	if !strings.Contains(s, ".") {
		return s
	}
	pieces := strings.Split(s, ":")
	for i, p := range pieces {
		bare := strings.TrimRight(p, ".")
		if a, err := netip.ParseAddr(bare); err == nil {
			pieces[i] = m.addr(a).String() + p[len(bare):]
		}
	}
	return strings.Join(pieces, ":")
}

// inAddr tells the characters of addresses.
func inAddr(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' || r == '.' || r == ':'
}

// replaceWord replaces a word where it stands alone.
func replaceWord(s, word, by string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, word)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := i + len(word)
		alone := (i == 0 || !wordByte(s[i-1])) && (end == len(s) || !wordByte(s[end]))
		b.WriteString(s[:i])
		if alone {
			b.WriteString(by)
		} else {
			b.WriteString(word)
		}
		s = s[end:]
	}
}

// wordByte tells the bytes of which words are made.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// hideNames hides what a line of a log gives as the name of a network
// (log/slog's text form: ssid=name or ssid="a name").
func hideNames(s string) string {
	const key = "ssid="
	var b strings.Builder
	for {
		i := strings.Index(s, key)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+len(key)])
		b.WriteString(network)
		s = s[i+len(key):]
		s = s[valueLen(s):]
	}
}

// valueLen is the length of a value of log/slog's text form.
func valueLen(s string) int {
	if strings.HasPrefix(s, `"`) {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			case '\n':
				return i
			}
		}
		return len(s)
	}
	if i := strings.IndexAny(s, " \n"); i >= 0 {
		return i
	}
	return len(s)
}
