package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"photongate/gateway"
)

// Widths of a doctor's page, in characters.
const (
	// doctorWidth is used where the caller knows none: a mail's line.
	doctorWidth = 78
	// doctorNarrow is the narrowest page that keeps its columns apart.
	doctorNarrow = 40
	// doctorLabel is the width of the labels' column.
	doctorLabel = 14
)

// Doctor writes a verdict as a page of plain text that a person can send to
// the network team: the verdict first, then whose job it is, what is fine, the
// evidence and the next step. Lines are at most width characters, where words
// allow; 0 takes the width of a mail. An empty part of the verdict is left out.
func Doctor(w io.Writer, v gateway.Verdict, width int) error {
	if width <= 0 {
		width = doctorWidth
	}
	p := doctorPage{width: max(width, doctorNarrow)}
	p.wrap("", v.Summary)
	p.b.WriteByte('\n')
	p.field("outcome", string(v.Outcome))
	p.field("where", whereWords(v))
	p.field("whose job", string(v.Owner))
	p.field("confidence", string(v.Confidence))
	p.field("got as far as", v.Stage.String())
	p.field("light", v.LED)
	p.list("Not the problem", v.Fine)
	p.list("Evidence", evidenceLines(v.Evidence))
	if v.Next != "" {
		p.list("Next step", []string{v.Next})
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	return nil
}

// doctorPage lays out text.
type doctorPage struct {
	b     strings.Builder
	width int
}

// field writes a label and its value.
func (p *doctorPage) field(label, value string) {
	if value == "" {
		return
	}
	p.wrap(fmt.Sprintf("  %-*s", doctorLabel, label), value)
}

// list writes a headline and its entries.
func (p *doctorPage) list(head string, entries []string) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(&p.b, "\n%s\n", head)
	for _, e := range entries {
		p.wrap("  - ", e)
	}
}

// wrap writes text behind a prefix, and its further lines indented as deep.
func (p *doctorPage) wrap(prefix, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	p.b.WriteString(prefix)
	col, first := len(indent), true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case first:
		case col+1+n > p.width:
			p.b.WriteString("\n" + indent)
			col = len(indent)
		default:
			p.b.WriteByte(' ')
			col++
		}
		p.b.WriteString(word)
		col, first = col+n, false
	}
	p.b.WriteByte('\n')
}

// whereWords names the hop and the code.
func whereWords(v gateway.Verdict) string {
	if v.Hop == gateway.HopNone {
		return string(v.Code)
	}
	return fmt.Sprintf("%s (%s)", v.Hop, v.Code)
}

// evidenceLines are the facts with where or when they were seen.
func evidenceLines(es []gateway.Evidence) []string {
	out := make([]string, 0, len(es))
	for _, e := range es {
		switch {
		case e.Line > 0:
			out = append(out, fmt.Sprintf("line %d: %s", e.Line, e.Text))
		case !e.Time.IsZero():
			out = append(out, fmt.Sprintf("%s %s: %s", e.Time.UTC().Format(time.RFC3339), e.Witness, e.Text))
		default:
			out = append(out, fmt.Sprintf("%s: %s", e.Witness, e.Text))
		}
	}
	return out
}

// DoctorJSON is the verdict for programs: one object with the members of
// gateway.Verdict, indented, with a line feed at the end. Its arrays are never null.
func DoctorJSON(v gateway.Verdict) ([]byte, error) {
	if v.Evidence == nil {
		v.Evidence = []gateway.Evidence{}
	}
	if v.Fine == nil {
		v.Fine = []string{}
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode verdict: %w", err)
	}
	return append(b, '\n'), nil
}
