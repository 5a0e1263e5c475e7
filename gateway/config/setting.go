package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"photongate/gateway"
)

// setting is one key on its way into the Config: as the file has it, or as it
// defaults.
type setting struct {
	// b collects the problems.
	b *builder
	// sec, key and line are its place; line is the section's where the file
	// does not have the key.
	sec  *section
	key  string
	line int
	// set tells that the file gives a value of the right type; wrong, that it
	// gives one of a wrong type, which is noted already.
	set, wrong bool
	// text, number, flag and list hold the value, by its type.
	text   string
	number int
	flag   bool
	list   []setting
}

// find looks a key up and checks its type. It is not set where the key is
// absent, empty or of a wrong type.
func (b *builder) find(sec *section, key string, want unstable.Kind) (setting, entry) {
	s := setting{b: b, sec: sec, key: key, line: sec.line}
	e, ok := sec.entries[key]
	if !ok {
		return s, e
	}
	s.line = e.line
	if e.kind != want {
		s.wrongType(e.kind, want)
		s.wrong = true
		return s, e
	}
	s.set = (want != unstable.String || e.text != "") && (want != unstable.Array || len(e.list) > 0)
	return s, e
}

// text finds a string.
func (b *builder) text(sec *section, key, fallback string) setting {
	s, e := b.find(sec, key, unstable.String)
	s.text = fallback
	if s.set {
		s.text = e.text
	}
	return s
}

// integer finds a whole number.
func (b *builder) integer(sec *section, key string, fallback int) setting {
	s, e := b.find(sec, key, unstable.Integer)
	s.number = fallback
	if !s.set {
		return s
	}
	// No key wants more than 16 bits, and base 0 knows TOML's prefixes and underscores.
	n, err := strconv.ParseInt(e.text, 0, 32)
	if err != nil {
		s.set, s.wrong = false, true
		s.refuse(fmt.Errorf("%s is out of range", clip(e.text)))
		return s
	}
	s.number = int(n)
	return s
}

// boolean finds true or false.
func (b *builder) boolean(sec *section, key string, fallback bool) setting {
	s, e := b.find(sec, key, unstable.Bool)
	s.flag = fallback
	if s.set {
		s.flag = e.text == "true"
	}
	return s
}

// maxList bounds a list. A person approves a handful of networks; a list that
// a program made belongs into a wider network.
const maxList = 256

// texts finds a list of strings; entries of other types are noted and left out.
func (b *builder) texts(sec *section, key string) setting {
	s, e := b.find(sec, key, unstable.Array)
	if len(e.list) > maxList {
		s.refuse(fmt.Errorf("%d entries, and at most %d are taken", len(e.list), maxList))
		return s
	}
	for _, v := range e.list {
		item := setting{b: b, sec: sec, key: key, line: v.line, set: true, text: v.text}
		if v.kind != unstable.String {
			item.wrongType(v.kind, unstable.String)
			continue
		}
		s.list = append(s.list, item)
	}
	return s
}

// wrongType notes that a value has another type than the key wants.
func (s setting) wrongType(got, want unstable.Kind) {
	hint := ""
	switch {
	case want == unstable.String && (got == unstable.Integer || got == unstable.Float || got == unstable.Bool):
		hint = "put it in double quotes"
	case got == unstable.String && want == unstable.Array:
		hint = "put it in brackets, as in [\"...\"]"
	case want == unstable.Bool:
		hint = "write true or false, without quotes"
	case got == unstable.String:
		hint = "write it without quotes"
	}
	s.refuse(gateway.Hint(fmt.Errorf("want %s, not %s", typeName(want), typeName(got)), hint))
}

// refuse notes what is wrong with the value; a nil error is nothing wrong.
func (s setting) refuse(err error) {
	if err != nil {
		s.b.notes.add(s.note(err))
	}
}

// lint notes what is unwise about the value.
func (s setting) lint(err error) {
	s.b.doc.lint.add(s.note(err))
}

// note is an error at the place of the setting.
func (s setting) note(err error) note {
	n := note{line: s.line, sec: s.sec, key: s.key, text: err.Error()}
	var h *gateway.Hinted
	if errors.As(err, &h) {
		n.hint = h.Hint
	}
	return n
}

// lacks notes an error that another key, or this one, could heal by being
// there: it is not known where a syntax error hides the rest of the file.
func (s setting) lacks(err error) {
	if !s.b.doc.cut {
		s.refuse(err)
	}
}

// required notes that the key is missing.
func (s setting) required(hint string) {
	if !s.wrong {
		s.lacks(gateway.Hint(errors.New("the key is required"), hint))
	}
}

// choose checks that the value is one of a few words.
func (s setting) choose(words ...string) bool {
	if slices.Contains(words, s.text) {
		return true
	}
	s.refuse(gateway.Hint(fmt.Errorf("%q is not a choice", clip(s.text)), "choose "+orList(words)))
	return false
}

// path checks that the value is an absolute path. It is not printed: people
// mistake such keys for the place of the secret itself.
func (s setting) path() string {
	if !s.set && s.text == "" {
		return ""
	}
	if !filepath.IsAbs(s.text) || strings.ContainsFunc(s.text, unprintable) {
		s.refuse(gateway.Hint(errors.New("not an absolute path"), "a path starts with /; a secret itself never stands here"))
		return ""
	}
	return filepath.Clean(s.text)
}
