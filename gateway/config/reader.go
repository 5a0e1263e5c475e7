package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// reader turns TOML into a document. It uses go-toml's parser rather than its
// decoder, because only the parser knows the line of every value.
type reader struct {
	// p is the parser, src its input.
	p   unstable.Parser
	src []byte
	// starts are the offsets at which the lines of src begin.
	starts []int
	// tables is the schema.
	tables []table
	// doc is what has been read, notes what was wrong with it.
	doc   *document
	notes *notes
	// at is the section that keys now belong to. It is nil above the first
	// header, and below an unknown one, where skip is set.
	at   *section
	skip bool
}

// readDocument reads src up to its end or the first syntax error.
func readDocument(src []byte, ns *notes) *document {
	r := &reader{
		src: src, starts: lineStarts(src), tables: schema(), notes: ns,
		doc: &document{sections: make(map[string]*section)},
	}
	r.p.Reset(src)
	for r.p.NextExpression() {
		switch n := r.p.Expression(); n.Kind {
		case unstable.KeyValue:
			r.keyValue(n)
		case unstable.Table, unstable.ArrayTable:
			r.header(n)
		}
	}
	if err := r.p.Error(); err != nil {
		r.syntax(err)
	}
	return r.doc
}

// lineStarts lists the offsets of the first bytes of all lines.
func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// line is the number of the line that holds an offset.
func (r *reader) line(offset int) int {
	i, found := slices.BinarySearch(r.starts, offset)
	if found {
		return i + 1
	}
	return i
}

// key is the dotted key of a header or a key-value, and its line.
func (r *reader) key(n *unstable.Node) (path []string, line int) {
	for it := n.Key(); it.Next(); {
		if path == nil {
			line = r.line(int(it.Node().Raw.Offset))
		}
		path = append(path, string(it.Node().Data))
	}
	return path, line
}

// header enters a section.
func (r *reader) header(n *unstable.Node) {
	path, line := r.key(n)
	r.at = r.open(strings.Join(path, "."), line, n.Kind == unstable.ArrayTable)
	r.skip = r.at == nil
}

// table is what the section of that name may hold, or nil.
func (r *reader) table(name string) *table {
	i := slices.IndexFunc(r.tables, func(t table) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return &r.tables[i]
}

// open starts a section, or returns nil where it must not exist.
func (r *reader) open(name string, line int, list bool) *section {
	t := r.table(name)
	if t == nil {
		r.notes.add(note{line: line, key: printable(name), text: "unknown section", hint: sectionHint(r.tables, name)})
		return nil
	}
	if t.list != list {
		r.notes.add(note{line: line, key: name, text: "wrong kind of section", hint: "write " + t.header()})
		return nil
	}
	s := &section{name: name, table: *t, line: line, entries: make(map[string]entry)}
	if list {
		r.doc.devices = append(r.doc.devices, s)
		s.number = len(r.doc.devices)
		return s
	}
	if old, dup := r.doc.sections[name]; dup {
		r.notes.add(note{line: line, key: name, text: fmt.Sprintf("the section stands already at line %d", old.line)})
		return old
	}
	r.doc.sections[name] = s
	return s
}

// keyValue takes one key with its value.
func (r *reader) keyValue(n *unstable.Node) {
	path, line := r.key(n)
	switch {
	case r.skip:
	case r.at != nil:
		r.put(r.at, path, line, n.Value())
	default:
		r.root(path, line, n.Value())
	}
}

// root takes a key above the first header: a whole section in braces, a list
// of devices in brackets, a dotted key, or something that belongs elsewhere.
func (r *reader) root(path []string, line int, v *unstable.Node) {
	name := path[0]
	switch {
	case len(path) > 1:
		s := r.doc.sections[name]
		if s == nil || !s.dotted {
			s = r.open(name, line, false)
		}
		if s != nil {
			s.dotted = true
			r.put(s, path[1:], line, v)
		}
	case v.Kind == unstable.InlineTable:
		r.inline(r.open(name, line, false), v)
	case v.Kind == unstable.Array && name == "device":
		r.devices(v, line)
	case r.table(name) != nil:
		r.notes.add(note{line: line, key: name, text: "want a section, not " + typeName(v.Kind), hint: "write " + r.table(name).header()})
	default:
		r.notes.add(note{line: line, key: printable(name), text: "unknown key", hint: keyHint(r.tables, table{}, name)})
	}
}

// devices takes a list of sections in brackets.
func (r *reader) devices(list *unstable.Node, line int) {
	for it := list.Children(); it.Next(); {
		v := it.Node()
		if v.Kind != unstable.InlineTable {
			r.notes.add(note{line: line, key: "device", text: "want tables in the list, not " + typeName(v.Kind), hint: "write [[device]]"})
			return
		}
		r.inline(r.open("device", r.line(int(v.Raw.Offset)), true), v)
	}
}

// inline takes the keys of a section in braces; a nil section was refused.
func (r *reader) inline(s *section, v *unstable.Node) {
	for it := v.Children(); s != nil && it.Next(); {
		path, line := r.key(it.Node())
		r.put(s, path, line, it.Node().Value())
	}
}

// put stores a key in its section.
func (r *reader) put(s *section, path []string, line int, v *unstable.Node) {
	key := path[0]
	if !slices.Contains(s.table.keys, key) {
		r.notes.add(note{line: line, sec: s, key: printable(key), text: "unknown key", hint: keyHint(r.tables, s.table, key)})
		return
	}
	if old, dup := s.entries[key]; dup {
		r.notes.add(note{line: line, sec: s, key: key, text: fmt.Sprintf("the key stands already at line %d", old.line)})
		return
	}
	if len(path) > 1 {
		s.entries[key] = entry{line: line, kind: unstable.InlineTable}
		return
	}
	s.entries[key] = r.entry(v, line)
}

// entry copies a value out of the parser, which reuses its memory. Lists in
// lists are never wanted, so their content is left out.
func (r *reader) entry(v *unstable.Node, line int) entry {
	e := entry{line: line, kind: v.Kind, text: string(v.Data)}
	if v.Kind != unstable.Array {
		return e
	}
	for it := v.Children(); it.Next(); {
		n := it.Node()
		// The parser gives lists no place of their own: take that of what is
		// in them, or of what stands before.
		inner := n
		for inner.Kind == unstable.Array && inner.Child() != nil {
			inner = inner.Child()
		}
		if inner.Kind != unstable.Array {
			line = r.line(int(inner.Raw.Offset))
		}
		e.list = append(e.list, entry{line: line, kind: n.Kind, text: string(n.Data)})
	}
	return e
}

// syntax notes the error that ended the file.
func (r *reader) syntax(err error) {
	r.doc.cut = true
	offset := 0
	var pe *unstable.ParserError
	if errors.As(err, &pe) {
		// The highlight is a slice of src, and slicing keeps the end of the
		// capacity: the difference is where it begins.
		offset = min(max(cap(r.src)-cap(pe.Highlight), 0), len(r.src))
	}
	line := r.line(offset)
	r.notes.add(note{line: line, text: "not TOML: " + err.Error(), hint: r.quoteHint(line)})
}

// quoteHint advises on a line whose value starts like a text without quotes.
func (r *reader) quoteHint(line int) string {
	rest := r.src[r.starts[line-1]:]
	if line < len(r.starts) {
		rest = r.src[r.starts[line-1]:r.starts[line]]
	}
	_, value, _ := strings.Cut(string(rest), "=")
	value = strings.TrimLeft(value, " \t")
	if value != "" && strings.IndexByte("\"'[{#\r\n", value[0]) < 0 {
		return "a text stands in double quotes"
	}
	return ""
}
