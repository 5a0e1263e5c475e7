package diagnose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain tells whether a line needs no cleaning: printable ASCII, and nothing
// that begins an entity of HTML.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-' ' > '~'-' ' || c == '&' {
			return false
		}
	}
	return true
}

// clean drops escape sequences and what cannot be printed, and undoes what
// word processors, forums and browsers do to a log that is pasted through them.
func clean(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == 0x1b:
			i += escapeLen(s[i:])
		case c == '&':
			text, n := entity(s[i:])
			b.WriteString(text)
			i += n
		case c == '\t':
			b.WriteByte(' ')
			i++
		case c < utf8.RuneSelf:
			if c >= ' ' && c <= '~' {
				b.WriteByte(c)
			}
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			if r != utf8.RuneError || n > 1 {
				writeRune(&b, r)
			}
		}
	}
	return b.String()
}

// writeRune writes a character beyond ASCII, as the one that the firmware
// wrote where a word processor replaced it.
func writeRune(b *strings.Builder, r rune) {
	switch {
	case unicode.IsSpace(r):
		b.WriteByte(' ')
	case r >= '\u2010' && r <= '\u2015', r == '\u2212':
		b.WriteByte('-')
	case r >= '\u201c' && r <= '\u201f':
		b.WriteByte('"')
	case r >= '\u2018' && r <= '\u201b':
		b.WriteByte('\'')
	case r == '\u2026':
		b.WriteString("...")
	case unicode.IsPrint(r):
		b.WriteRune(r)
	}
}

// entities are those that a browser writes for what a log holds. The last one
// stands for an ampersand alone.
var entities = [...]struct{ name, text string }{
	{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", `"`}, {"&#34;", `"`},
	{"&#39;", "'"}, {"&apos;", "'"}, {"&nbsp;", " "}, {"&#160;", " "}, {"&", "&"},
}

// entity reads the entity of HTML at the start of s, and tells its length.
func entity(s string) (string, int) {
	for _, e := range entities {
		if strings.HasPrefix(s, e.name) {
			return e.text, len(e.name)
		}
	}
	return "", 1
}

// escapeLen is the length of the escape sequence at the start of s (ECMA-48
// 5.4: control sequences end at a byte of 0x40 to 0x7e).
func escapeLen(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	if s[1] != '[' {
		return 2
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
		if s[i] < 0x20 {
			return i
		}
	}
	return len(s)
}
