package config

import (
	"errors"
	"fmt"
	"strings"

	"photongate/gateway"
)

// defaultChannel is the middle one of those that do not overlap.
const defaultChannel = 6

// ap makes the section about the access point.
func (b *builder) ap(sec *section) {
	mode := b.text(sec, "mode", string(ModeWired))
	if mode.choose(string(ModeHostapd), string(ModeAttach), string(ModeWired)) && mode.text != string(ModeWired) {
		mode.refuse(gateway.Hint(later(mode.text), `set mode = "wired" and let an access point of its own carry the segment`))
	}
	hidden := b.boolean(sec, "hidden", true)
	security := b.text(sec, "security", string(SecurityOpen))
	security.choose(string(SecurityOpen), string(SecurityWPA2))
	b.c.AP = AP{
		Mode:     APMode(mode.text),
		SSID:     b.ssid(sec),
		Channel:  b.channel(sec, hidden),
		Country:  b.country(sec),
		Hidden:   hidden.flag,
		Security: Security(security.text),
	}
}

// ssid finds the network's name (IEEE 802.11-2020, 9.4.2.2: at most 32 bytes).
func (b *builder) ssid(sec *section) string {
	s := b.text(sec, "ssid", "")
	switch {
	case len(s.text) > 32:
		s.refuse(fmt.Errorf("%q has %d bytes, and a network's name at most 32", clip(s.text), len(s.text)))
	case strings.ContainsFunc(s.text, unprintable):
		s.refuse(fmt.Errorf("%q has characters that cannot be printed", s.text))
	case !word(s.text, "-_"):
		// Names with '&' and spaces are suspected in the field (users.md B).
		s.lint(gateway.Hint(fmt.Errorf("%q has more than letters, digits, '-' and '_', which some firmware stumbles over", s.text),
			"choose a plainer name where you can"))
	}
	return s.text
}

// channel finds the channel. Only those that every country has and that do
// not overlap are taken (photon.md 8.1, users.md B).
func (b *builder) channel(sec *section, hidden setting) int {
	s := b.integer(sec, "channel", defaultChannel)
	const hint = "choose 1, 6 or 11"
	switch n := s.number; {
	case n == 1 || n == 6 || n == 11:
	case n >= 12 && n <= 14 && hidden.flag:
		s.refuse(gateway.Hint(fmt.Errorf("a station only listens on channel %d and never asks there for a hidden network", n), hint))
	case n >= 12 && n <= 14:
		s.refuse(gateway.Hint(fmt.Errorf("a device set to a country without channel %d does not hear it", n), hint))
	case n >= 2 && n <= 10:
		s.refuse(gateway.Hint(fmt.Errorf("channel %d overlaps with its neighbours' networks", n), hint))
	default:
		s.refuse(gateway.Hint(fmt.Errorf("%d is not a channel of the 2.4 GHz band", n), hint))
	}
	return s.number
}

// country finds the country code.
func (b *builder) country(sec *section) string {
	s := b.text(sec, "country", "")
	if c := s.text; s.set && (len(c) != 2 || !word(c, "") || strings.ToUpper(c) != c || digit(c[0]) || digit(c[1])) {
		s.refuse(gateway.Hint(errors.New("not a country code: want two capital letters"), `as in "US" or "DE"`))
	}
	return s.text
}
