package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what one file can make us print. A person fixes a
// handful at a time; a file that is not a configuration has thousands.
const maxProblems = 100

// Problem is one thing that is wrong with a file.
type Problem struct {
	// File is the name of the file as given to Parse.
	File string
	// Line counts from 1.
	Line int
	// Where is "section: key", or "section", or empty for the file as a whole.
	Where string
	// Text says what is wrong.
	Text string
	// Hint says what to do about it, and may be empty.
	Hint string
}

// String is one line, and a second, indented one where there is a hint.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// Problems is everything that is wrong with a file, in the order of its lines.
type Problems []Problem

// Error is the problems below each other.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.String()
	}
	return strings.Join(all, "\n")
}

// note is a problem before the labels of its section are known: the name of a
// device may stand below its faulty key.
type note struct {
	// line is where it stands.
	line int
	// sec is the section, or nil for the file as a whole.
	sec *section
	// key is the key as it should be printed, or empty.
	key string
	// text and hint are those of the Problem.
	text, hint string
}

// where is the Where of the problem.
func (n note) where() string {
	switch {
	case n.sec == nil:
		return n.key
	case n.key == "":
		return n.sec.label()
	}
	return n.sec.label() + ": " + n.key
}

// notes collects what is wrong, in the order in which it is found.
type notes []note

// add takes one more.
func (ns *notes) add(n note) { *ns = append(*ns, n) }

// problems puts the notes in the order of the file. It is nil when there are none.
func (ns notes) problems(file string) Problems {
	slices.SortStableFunc(ns, func(a, b note) int { return cmp.Compare(a.line, b.line) })
	var ps Problems
	for i, n := range ns {
		if i == maxProblems {
			ps = append(ps, Problem{File: file, Line: n.line, Text: fmt.Sprintf("%d more problems follow", len(ns)-i)})
			break
		}
		ps = append(ps, Problem{File: file, Line: n.line, Where: n.where(), Text: n.text, Hint: n.hint})
	}
	return ps
}
