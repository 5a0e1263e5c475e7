package dns

import (
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// nameLimit is the longest name as people write it (RFC 1035 2.3.4: 255
// bytes on the wire, which are a length and the root's zero more).
const nameLimit = 253

// zone is the set of names that are answered. Its names are lower case and
// have no dot at the end.
type zone struct {
	// cloud are answered exactly as they stand.
	cloud map[string]struct{}
	// time are answered with everything below them: pools are asked for by
	// number, as in 2.pool.ntp.org.
	time []string
}

// newZone checks both lists.
func newZone(cloud, times []string) (zone, error) {
	z := zone{cloud: make(map[string]struct{}, len(cloud))}
	for _, n := range cloud {
		n, err := normal(n)
		if err != nil {
			return zone{}, err
		}
		z.cloud[n] = struct{}{}
	}
	for _, n := range times {
		n, err := normal(n)
		if err != nil {
			return zone{}, err
		}
		z.time = append(z.time, n)
	}
	return z, nil
}

// holds tells whether a name, as lower makes it, is answered, and whether it
// is the cloud's.
func (z zone) holds(name string) (ours, cloud bool) {
	if _, ok := z.cloud[name]; ok {
		return true, true
	}
	for _, t := range z.time {
		rest, ok := strings.CutSuffix(name, t)
		if ok && (rest == "" || strings.HasSuffix(rest, ".")) {
			return true, false
		}
	}
	return false, false
}

// normal is a configured name as zone keeps it.
func normal(name string) (string, error) {
	n := strings.TrimSuffix(name, ".")
	if n == "" || len(n) > nameLimit {
		return "", fmt.Errorf("answer for %q: not a name of 1 to %d bytes", name, nameLimit)
	}
	for label := range strings.SplitSeq(n, ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("answer for %q: a label is not of 1 to 63 bytes", name)
		}
	}
	d, err := dnsmessage.NewName(n + ".")
	if err != nil {
		return "", fmt.Errorf("answer for %q: %w", name, err)
	}
	return lower(d), nil
}

// lower is a name for comparison: without the dot at the end, and A to Z in
// lower case and nothing else changed (RFC 4343 3); Unicode's idea of case
// would find the Kelvin sign in device.spark.io.
func lower(n dnsmessage.Name) string {
	b := n.Data[:n.Length]
	if len(b) > 0 && b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	out := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return string(out)
}

// printable is a name as events show it: bytes that do not print, and the
// backslash, as \DDD (RFC 1035 5.1), and the root as a dot.
func printable(name string) string {
	if name == "" {
		return "."
	}
	var w strings.Builder
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '\\' || c == '"' {
			fmt.Fprintf(&w, `\%03d`, c)
		} else {
			w.WriteByte(c)
		}
	}
	return w.String()
}
