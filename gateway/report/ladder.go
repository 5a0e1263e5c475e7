package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"photongate/gateway"
)

// LadderOptions say how the ladder is drawn.
type LadderOptions struct {
	// Width is the number of columns: 0 means 80, and fewer than 60 mean 60,
	// below which a row has no room for its reason.
	Width int
	// Color marks good and bad with ANSI colours (ECMA-48 SGR).
	Color bool
}

// Widths of the columns of a row.
const (
	// nameColumns holds most names; a longer one is cut.
	nameColumns = 17
	// addrColumns holds an IPv4 address.
	addrColumns = 15
	// rowHead is all of a row in front of its text.
	rowHead = 2 + nameColumns + 2 + stageColumns + 2 + addrColumns + 2
	// stageColumns is one mark for each stage.
	stageColumns = int(gateway.StageOnline)
	// indent stands in front of what belongs to a heading.
	indent = "  "
)

// maxParagraph bounds one text of a page, in bytes: eight lines of 80 columns.
const maxParagraph = 640

// Marks of a stage.
const (
	markDone  = "*"
	markFails = "x"
	markOpen  = "."
)

// SGR codes of the colours.
const (
	green  = "32"
	yellow = "33"
	red    = "31"
)

// Ladder writes a snapshot for people: first the sentence that matters, then the
// gateway, the way out, one line per device, the alerts and the parts that are
// not well. Text of others is made safe to print. The error is the writer's.
func Ladder(w io.Writer, s gateway.Snapshot, opt LadderOptions) error {
	if opt.Width == 0 {
		opt.Width = 80
	}
	p := &page{s: s, width: max(opt.Width, 60), color: opt.Color}
	p.top()
	p.egress()
	p.devices()
	p.alerts()
	p.parts()
	_, err := w.Write(p.b.Bytes())
	return err
}

// page is a ladder that is being drawn.
type page struct {
	// b is what is drawn so far.
	b bytes.Buffer
	// s is what to draw.
	s gateway.Snapshot
	// width is the number of columns.
	width int
	// color says whether paint has an effect.
	color bool
}

// line writes one line, without spaces at its end.
func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	p.b.WriteByte('\n')
}

// fold writes a text of ours or others in as many lines as it takes, the first
// behind lead and the others below it.
func (p *page) fold(lead, text string) {
	for _, l := range broken(clean(text, maxParagraph), p.width-len(lead)) {
		p.line("%s%s", lead, l)
		lead = strings.Repeat(" ", len(lead))
	}
}

// headed is fold for a text that begins with a word in a colour.
func (p *page) headed(lead, sgr, word, rest string) {
	width := utf8.RuneCountInString(lead)
	for i, l := range broken(clean(word+rest, maxParagraph), p.width-width) {
		if after, ok := strings.CutPrefix(l, word); ok && i == 0 {
			l = p.paint(sgr, word) + after
		}
		p.line("%s%s", lead, l)
		lead = strings.Repeat(" ", width)
	}
}

// paint colours s.
func (p *page) paint(sgr, s string) string {
	if !p.color || sgr == "" || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// statusColor is the colour of a status.
func statusColor(st gateway.Status) string {
	switch st {
	case gateway.StatusOK:
		return green
	case gateway.StatusFailed:
		return red
	}
	return yellow
}

// top writes the sentence that matters, what to do about it, and the gateway.
func (p *page) top() {
	p.fold("", Headline(p.s))
	if next := nextStep(p.s); next != "" {
		p.fold("next: ", next)
	}
	st := p.s.Overall()
	about := ""
	if p.s.Gateway != "" {
		about = ", " + clean(p.s.Gateway, maxLevel)
	}
	if up := ago(p.s.Time, p.s.Started); up != "" {
		about += ", up " + up
	}
	if p.s.Version != "" {
		about += ", version " + clean(p.s.Version, nameColumns)
	}
	p.line("")
	p.headed("gateway  ", statusColor(st), string(st), about)
}

// nextStep is what to do about the sentence that matters, when it is an alert's
// or a device's.
func nextStep(s gateway.Snapshot) string {
	firing := firingAlerts(s.Alerts)
	for _, a := range firing {
		if a.Severity == gateway.Critical {
			return a.Fix
		}
	}
	if len(firing) > 0 {
		return firing[0].Fix
	}
	for _, part := range s.Parts {
		if part.Status == gateway.StatusFailed {
			return part.Hint
		}
	}
	for _, d := range s.Devices {
		if d.Listed && !d.Online() && d.Verdict.Hop != gateway.HopNone && d.Verdict.Summary != "" {
			return d.Verdict.Next
		}
	}
	return ""
}

// alerts writes what fires and what may be about to.
func (p *page) alerts() {
	firing := firingAlerts(p.s.Alerts)
	if len(p.s.Alerts) == 0 {
		return
	}
	p.line("")
	p.line("alerts   %d firing, %d pending", len(firing), len(p.s.Alerts)-len(firing))
	for _, a := range firing {
		head := fmt.Sprintf(": %s for %s", clean(a.Key, maxLevel), ago(p.s.Time, a.Since))
		if a.Silences > 0 {
			head += ", explains " + plural(a.Silences, "other", "others")
		}
		sev := red
		if a.Severity != gateway.Critical {
			sev = yellow
		}
		p.headed(indent, sev, string(a.Severity), head)
		p.fold(indent+indent, a.Summary)
		if a.Owner != gateway.OwnerNone {
			p.fold(indent+indent+"whose job: ", string(a.Owner))
		}
		p.fold(indent+indent+"fix: ", a.Fix)
	}
}

// parts writes the parts of the gateway that are not well.
func (p *page) parts() {
	first := true
	for _, part := range p.s.Parts {
		if part.Status == gateway.StatusOK || part.Status == gateway.StatusOff {
			continue
		}
		if first {
			p.line("")
			p.line("parts")
			first = false
		}
		p.line("%s%-9s %s for %s", indent, clean(string(part.Part), nameColumns), p.paint(statusColor(part.Status), string(part.Status)), ago(p.s.Time, part.Since))
		p.fold(indent+indent, part.Reason)
		p.fold(indent+indent+"hint: ", part.Hint)
	}
}
