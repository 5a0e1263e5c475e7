package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"photongate/cmd/photonlab/site"
	"photongate/gateway/config"
)

// TestSettings lets photongate's own parser read the configuration.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	path, err := writeSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Devices) != 2 || c.Devices[0].Name != "porch" || c.Gateway.RuntimeDir != filepath.Join(dir, "run") {
		t.Errorf("got %+v", c)
	}
}

// TestPlan writes and reads the stage's plan.
func TestPlan(t *testing.T) {
	want := plan{Dir: t.TempDir(), Gateway: "/g", Config: "/c", Control: "/s", Broker: "/b", Fault: site.Drop}
	path, err := writePlan(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readPlan(path); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	gone := filepath.Join(want.Dir, "gone")
	if _, err := readPlan(gone); err == nil || err.Error() != "read plan: open "+gone+": no such file or directory" {
		t.Errorf("no plan: got %v", err)
	}
}

// TestNote takes alerts from the broker: a change of state is news, a cleared
// alert stays known, and what is not JSON is trouble.
func TestNote(t *testing.T) {
	var out bytes.Buffer
	d := newDemo(options{}, t.TempDir(), "", &out, &out)
	const fired = `{"key":"egress.path","state":"firing","hop":"egress","summary":"nothing answers"}`
	for _, p := range []published{
		{"egress.path", []byte(fired)}, {"egress.path", []byte(fired)}, {"egress.path", nil}, {"part.dns", []byte("{")},
	} {
		d.note(p)
	}
	if got := d.out.alerts["egress.path"]; got.State != "resolved" || got.Hop != "egress" {
		t.Errorf("got %+v, want it resolved with its hop", got)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
		lines = append(lines, line)
	}
	want := "alert firing egress.path: nothing answers|alert resolved egress.path: nothing answers|" +
		"read alert part.dns: unexpected end of JSON input"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if len(d.out.troubles) != 1 {
		t.Errorf("troubles: got %q, want one", d.out.troubles)
	}
}

// TestBroker publishes an alert over TCP's neighbour, the inline client, and
// takes a free port where the wanted one is taken.
func TestBroker(t *testing.T) {
	dir := t.TempDir()
	first, err := openBroker("127.0.0.1:0", true, filepath.Join(dir, "a.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	second, err := openBroker(first.addr.String(), true, filepath.Join(dir, "b.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if first.addr.Port == second.addr.Port {
		t.Errorf("both brokers have port %d", first.addr.Port)
	}
	_, err = openBroker(first.addr.String(), false, filepath.Join(dir, "c.sock"))
	want := "open broker on " + first.addr.String() + ": listen tcp " + first.addr.String() + ": bind: address already in use"
	if err == nil || err.Error() != want {
		t.Errorf("taken and chosen: got %v, want %s", err, want)
	}
	heard := make(chan string, 1)
	if err := first.alerts(func(key string, document []byte) { heard <- key + " " + string(document) }); err != nil {
		t.Fatal(err)
	}
	if err := first.server.Publish("photongate/lab/alert/egress.path", []byte("{}"), true, 1); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "egress.path {}" {
		t.Errorf("got %q, want egress.path {}", got)
	}
}

// TestTail follows a file that grows.
func TestTail(t *testing.T) {
	var out bytes.Buffer
	f := &tail{path: filepath.Join(t.TempDir(), "porch.log"), out: &out}
	f.follow()
	for _, text := range []string{"one\r\n", "one\r\ntwo"} {
		if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f.follow()
		if got := out.String(); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

// TestScreen says each change once, and draws only on a terminal.
func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.open("head")
	st := status{Devices: seen("leased", "dns", "seen").status.Devices}
	s.compare(struck, st)
	s.compare(struck, st)
	s.draw("ladder")
	want := "head\n12:00:10 porch leased: as the gateway has it\n12:00:10 gate leased: as the gateway has it\n" +
		"12:00:10 the stranger seen: as the gateway has it\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	s.live, s.size = true, func() (int, int) { return 0, 0 }
	s.tell(struck, "news")
	s.draw("ladder\n")
	s.close()
	if got, want := out.String(), "\x1b[Hhead\x1b[K\n\x1b[K\nladder\x1b[K\n\x1b[K\n12:00:10 news\x1b[K\x1b[J\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPage fits terminals of several sizes.
func TestPage(t *testing.T) {
	s := &screen{head: []string{"head"}, news: []string{"old", "new"}}
	for _, tc := range []struct {
		rows, cols int
		want       string
	}{
		{0, 0, "head||one||two||old|new"},
		{8, 80, "head||one||two||old|new"},
		{7, 80, "head|one|two|old|new"},
		{5, 3, "head|one|two|new"},
		{4, 80, "head|one|two|new"},
		{3, 80, "head|one|new"},
		{2, 80, "head|new"},
		{1, 80, "head"},
		{1, 2, "head"},
	} {
		s.size = func() (int, int) { return tc.rows, tc.cols }
		if got := strings.Join(s.page([]string{"one", "", "two"}), "|"); got != tc.want {
			t.Errorf("%d x %d: got %s, want %s", tc.rows, tc.cols, got, tc.want)
		}
	}
}

// TestHead tells a stranger how to end the demo.
func TestHead(t *testing.T) {
	b, err := openBroker("127.0.0.1:0", true, filepath.Join(t.TempDir(), "a.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, tc := range []struct {
		opt       options
		want, not string
	}{
		{options{}, "|ends:        with Ctrl-C|try next:    bin/photonlab demo --fault drop ", "fault:  "},
		{options{length: time.Minute}, "|ends:        after 1m0s, or with Ctrl-C|try next:", "fault:  "},
		{options{fault: site.Drop}, "|fault:       drop, from the start", "try next"},
		{options{fault: site.Drop, at: time.Second}, "|fault:       drop, at 1s", "try next"},
	} {
		d := newDemo(tc.opt, "/dir", "", io.Discard, io.Discard)
		got := strings.Join(d.head(b, "bin/photonlab"), "|")
		if !strings.Contains(got, tc.want) || strings.Contains(got, tc.not) {
			t.Errorf("%+v: got %s, want %q and no %q", tc.opt, got, tc.want, tc.not)
		}
	}
}

// TestDispatch finds commands.
func TestDispatch(t *testing.T) {
	for _, tc := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"help"}, exitOK, helpText(), ""},
		{nil, exitUsage, "", helpText()},
		{[]string{"dance"}, exitUsage, "", "photonlab: \"dance\" is not a command\nhint: photonlab help\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := dispatch(tc.args, &stdout, &stderr)
		if code != tc.code || stdout.String() != tc.stdout || stderr.String() != tc.stderr {
			t.Errorf("%q: got %d, %q, %q", tc.args, code, stdout.String(), stderr.String())
		}
	}
}
