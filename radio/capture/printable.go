//go:build !nowatch

package capture

// printable is b as text of at most limit bytes, with a question mark for what
// is not printable ASCII.
func printable(b []byte, limit int) string {
	out := make([]byte, 0, min(len(b), limit))
	for _, c := range b[:min(len(b), limit)] {
		if c < ' ' || c > '~' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}
