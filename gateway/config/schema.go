package config

import (
	"fmt"
	"slices"
	"strings"
)

// table is what a section may hold.
type table struct {
	// name is the section's; list tells whether it is written [[name]].
	name string
	list bool
	// keys are the section's, in the order of the reference.
	keys []string
}

// header is the section's first line.
func (t table) header() string {
	if t.list {
		return "[[" + t.name + "]]"
	}
	return "[" + t.name + "]"
}

// schema lists every section and key there is.
func schema() []table {
	return []table{
		{name: "gateway", keys: []string{"name", "state_dir", "runtime_dir"}},
		{name: "segment", keys: []string{"interface", "address"}},
		{name: "ap", keys: []string{"mode", "ssid", "channel", "country", "hidden", "security"}},
		{name: "egress", keys: []string{"cloud", "names", "via", "approved", "resolvers", "source_address", "interface"}},
		{name: "usb", keys: []string{"policy"}},
		{name: "mqtt", keys: []string{"url", "username", "password_file", "ca_file", "cert_file", "key_file"}},
		{name: "http", keys: []string{"listen"}},
		{name: "device", list: true, keys: []string{"name", "mac", "id"}},
	}
}

// sectionHint advises on a section that does not exist.
func sectionHint(tables []table, name string) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.name
	}
	if i := slices.Index(names, nearest(names, name)); i >= 0 {
		return "did you mean " + tables[i].header() + "?"
	}
	return "the sections are " + strings.Join(names, ", ")
}

// keyHint advises on a key that t does not have; a t without a name stands
// for the lines above the first section.
func keyHint(tables []table, t table, key string) string {
	if near := nearest(t.keys, key); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	var homes []string
	for _, o := range tables {
		if slices.Contains(o.keys, key) {
			homes = append(homes, o.header())
		}
	}
	switch {
	case len(homes) > 0:
		return "it belongs to " + strings.Join(homes, " or ")
	case t.name == "":
		return "every key stands in a section"
	}
	return "the keys of " + t.header() + " are " + strings.Join(t.keys, ", ")
}

// nearest is the known name that a mistyped one is likely to mean, or nothing.
func nearest(known []string, name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	// No known name is longer than 14 letters, so a longer one is no typo.
	if len(name) < 2 || len(name) > 20 {
		return ""
	}
	best, least := "", 3
	for _, k := range known {
		// Two slips in a word of four leave nothing of it.
		if d := distance(k, name); d < least && d <= max(1, len(k)/3) {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	for _, k := range known {
		if len(name) >= 3 && strings.HasPrefix(k, name) {
			return k
		}
	}
	return ""
}

// distance counts the letters to insert, delete, change or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	// before, above and row are three neighbouring rows of the usual table.
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, above[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
