package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// maxShown bounds how much of a value or key a problem repeats, in runes.
const maxShown = 64

// printable is a key as a problem shows it: bounded, and quoted where it could
// break the line or drive a terminal. Plain words stand for themselves.
func printable(s string) string {
	s = clip(s)
	if s != "" && word(s, "_-.") && !digit(s[0]) {
		return s
	}
	return strconv.Quote(s)
}

// unprintable tells runes that do not belong into a name or path.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// digit tells the ASCII digits.
func digit(c byte) bool { return c >= '0' && c <= '9' }

// word tells whether s is made of ASCII letters, digits and the extra bytes.
func word(s, extra string) bool {
	for i := range len(s) {
		c := s[i]
		if !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

// orList joins quoted words as in a sentence.
func orList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// later refuses a word that a later version will know.
func later(s string) error { return fmt.Errorf("%q is not in this version", s) }

// CheckName checks a device's name. It stands in command lines and on the
// page, so it is kept to what needs no quoting there.
func CheckName(s string) error {
	if s == "" || len(s) > 32 || !word(s, "._-") {
		return fmt.Errorf("%q is not a name: want 1 to 32 letters, digits, '.', '_' or '-'", clip(s))
	}
	return nil
}

// clip bounds a value for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "..."
	}
	return s
}

// interfaceName checks a name of a network interface: at most 15 bytes
// (IFNAMSIZ of linux/if.h less its NUL). The kernel takes more characters than
// we do; nftables gives '*' and quotes a meaning, so they are left out.
func interfaceName(s string) error {
	switch {
	case len(s) > 15:
		return fmt.Errorf("%q is longer than 15 bytes, which no interface name is", clip(s))
	case s == "" || s == "." || s == ".." || !word(s, "._-"):
		return fmt.Errorf("%q is not an interface name: want letters, digits, '.', '_' or '-'", s)
	case s == "lo":
		return errors.New(`"lo" reaches nothing but this machine`)
	}
	return nil
}

// topicLevel checks one level of an MQTT topic (MQTT 3.1.1, 4.7.1). The space
// is left out for the sake of the people who subscribe in a shell, and 64
// bytes keep topics short.
func topicLevel(s string) error {
	if s == "" || len(s) > 64 || strings.ContainsAny(s, "+#/ ") || strings.ContainsFunc(s, unprintable) {
		return fmt.Errorf("%q is not one level of an MQTT topic: want 1 to 64 bytes without '+', '#', '/' and spaces", clip(s))
	}
	return nil
}
