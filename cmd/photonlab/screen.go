package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// screen shows a demo to a person: redrawn on a terminal, else a line per change.
type screen struct {
	// out takes it all.
	out io.Writer
	// live tells that out is a terminal; size asks it for its rows and columns,
	// 0 where it does not know.
	live bool
	size func() (rows, cols int)
	// head stands above all: how to end it, how to subscribe, where the logs are.
	head []string
	// news are the last things that happened.
	news []string
	// known is the last that was said of each device.
	known map[string]string
}

// newsShown is how many lines of news a terminal shows where it has the room.
const newsShown = 6

// newScreen makes a screen on out.
func newScreen(out io.Writer) *screen {
	s := &screen{out: out, known: make(map[string]string)}
	f, isFile := out.(interface{ Fd() uintptr })
	if !isFile {
		return s
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	s.live = err == nil
	s.size = func() (rows, cols int) {
		w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return 0, 0
		}
		return int(w.Row), int(w.Col)
	}
	return s
}

// open shows the head: for good where nothing is redrawn, else until the first draw.
func (s *screen) open(head ...string) {
	s.head = head
	fmt.Fprintln(s.out, strings.Join(head, "\n"))
	if s.live {
		fmt.Fprintln(s.out, "\nsetting up: namespaces, firewall, cloud, photongate, Photons")
	}
}

// tell adds a line of news.
func (s *screen) tell(now time.Time, format string, args ...any) {
	line := now.Format(time.TimeOnly) + " " + fmt.Sprintf(format, args...)
	if !s.live {
		fmt.Fprintln(s.out, line)
		return
	}
	s.news = append(s.news, line)
	s.news = s.news[max(0, len(s.news)-newsShown):]
}

// draw shows ladder, the gateway's own status, on a terminal.
func (s *screen) draw(ladder string) {
	if !s.live {
		return
	}
	lines := s.page(strings.Split(strings.TrimRight(ladder, "\n"), "\n"))
	// Home, each line cleared behind its end, then the rest of the screen: no
	// flicker. No line end after the last: a full terminal would scroll.
	fmt.Fprintf(s.out, "\x1b[H%s\x1b[K\x1b[J", strings.Join(lines, "\x1b[K\n"))
}

// page is what fits on the terminal: empty lines go first, then the oldest
// news but one, then the end of the ladder, which explains its signs.
func (s *screen) page(ladder []string) []string {
	rows, cols := s.size()
	news := s.news
	all := func() []string {
		lines := append(append([]string{}, s.head...), "")
		lines = append(append(lines, ladder...), "")
		return append(lines, news...)
	}
	lines := all()
	fits := func() bool { return rows == 0 || height(lines, cols) <= rows }
	if fits() {
		return lines
	}
	for lines = solid(all()); !fits() && len(news)+len(ladder) > 0; lines = solid(all()) {
		if len(news) > 1 || len(ladder) == 0 {
			news = news[1:]
		} else {
			ladder = ladder[:len(ladder)-1]
		}
	}
	return lines
}

// solid is lines without the empty ones.
func solid(lines []string) []string {
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
}

// height is how many rows of a terminal lines take; cols is 0 where nobody knows.
func height(lines []string, cols int) int {
	rows := len(lines)
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); cols > 0 && n > cols {
			rows += (n - 1) / cols
		}
	}
	return rows
}

// clear empties a terminal before the first draw.
func (s *screen) clear() {
	if s.live {
		fmt.Fprint(s.out, "\x1b[H\x1b[2J")
	}
}

// close leaves the last draw on a terminal, and goes to the line below.
func (s *screen) close() {
	if s.live {
		fmt.Fprintln(s.out)
	}
}

// nameOf is what the lab calls a device that the gateway has no name for.
func nameOf(m gateway.MAC) string {
	for _, p := range site.Photons() {
		if p.MAC == m {
			return "the " + p.Name
		}
	}
	return m.String()
}

// compare tells what changed of the devices since the last status.
func (s *screen) compare(now time.Time, st status) {
	for _, d := range st.Devices {
		name := d.Name
		if name == "" {
			name = nameOf(d.MAC)
		}
		line := d.Stage
		if d.Verdict.Summary != "" {
			line += ": " + d.Verdict.Summary
		}
		if s.known[name] != line {
			s.known[name] = line
			s.tell(now, "%s %s", name, line)
		}
	}
}
