package config

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// document is a file as sections and keys, before anything is made of it.
type document struct {
	// sections holds those that the file has, by name.
	sections map[string]*section
	// devices are the [[device]] sections in order.
	devices []*section
	// cut tells that a syntax error ended the file early, so that what seems
	// to be missing may stand below it.
	cut bool
	// lint collects what is unwise.
	lint notes
}

// section returns the section of that name, or an empty one: an absent
// section is one whose keys all have their defaults.
func (d *document) section(name string) *section {
	if s, ok := d.sections[name]; ok {
		return s
	}
	return &section{name: name, line: 1}
}

// section is one table of the file.
type section struct {
	// name is the table's.
	name string
	// table is what it may hold.
	table table
	// number counts [[device]] sections from 1; it is 0 for the others.
	number int
	// line is that of the header.
	line int
	// dotted tells that it was opened by a key such as ap.mode.
	dotted bool
	// entries holds the keys that the file has.
	entries map[string]entry
}

// label names the section in a problem.
func (s *section) label() string {
	if s.number == 0 {
		return s.name
	}
	if e := s.entries["name"]; e.kind == unstable.String && CheckName(e.text) == nil {
		return fmt.Sprintf("device %q", e.text)
	}
	return fmt.Sprintf("device %d", s.number)
}

// entry is one value of the file.
type entry struct {
	// line is where it stands.
	line int
	// kind is its TOML type.
	kind unstable.Kind
	// text is a string's content, or a number or boolean as written.
	text string
	// list holds an array's values.
	list []entry
}

// typeName is a TOML type in words.
func typeName(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Bool:
		return "true or false"
	case unstable.Integer:
		return "a whole number"
	case unstable.Float:
		return "a fraction"
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}
