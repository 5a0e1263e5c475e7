package incident

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"photongate/gateway"
)

// TestReadJournal: every line that is an event is given, whatever stands between.
func TestReadJournal(t *testing.T) {
	const ev = `{"t":"2026-03-01T12:00:00Z","by":"air","kind":"leased","mac":"6c:0b:84:59:72:95","later":true}`
	for _, tt := range []struct {
		name, text string
		n, bad     int
	}{
		{"nothing", "", 0, 0},
		{"one", ev + "\n", 1, 0},
		{"no end", ev + "\n" + ev, 2, 0},
		{"other line ends", ev + "\r\n\r\n" + ev + "\r\n", 2, 0},
		{"torn", ev + "\n" + ev[:40] + "\n" + ev, 2, 1},
		{"no event", "{}\n[]\nnull\n42\n" + ev, 1, 4},
		{"too long", strings.Repeat("x", 3*maxLine) + "\n" + ev + "\n" + strings.Repeat(" ", 2*maxLine), 1, 2},
		{"just too long", `{"kind":"` + strings.Repeat("k", maxLine) + "\"}\n" + ev, 1, 1},
		{"bytes", "\x00\xff\xfe\n" + ev, 1, 1},
	} {
		got := 0
		n, bad, err := ReadJournal(iotest.HalfReader(strings.NewReader(tt.text)), func(ev gateway.Event) {
			got++
			if ev.MAC != porch {
				t.Errorf("%s: got %+v", tt.name, ev)
			}
		})
		if n != tt.n || bad != tt.bad || got != n || err != nil {
			t.Errorf("%s: got %d, %d, %v, want %d, %d", tt.name, n, bad, err, tt.n, tt.bad)
		}
	}
}

// TestReadJournalFails: an error of reading keeps what was read.
func TestReadJournalFails(t *testing.T) {
	r := io.MultiReader(strings.NewReader("{\"kind\":\"leased\"}\n"), iotest.ErrReader(errors.New("disk on fire")))
	n, bad, err := ReadJournal(r, func(gateway.Event) {})
	if n != 1 || bad != 0 || err == nil || err.Error() != "read journal: disk on fire" {
		t.Errorf("got %d, %d, %v", n, bad, err)
	}
}

// FuzzReadJournal: no text makes it panic, and events are bounded.
func FuzzReadJournal(f *testing.F) {
	f.Add("{\"kind\":\"leased\",\"mac\":\"6c:0b:84:59:72:95\",\"phase\":\"hello\",\"record\":{\"reached_ns\":[1,2]}}\n")
	f.Add("{\"kind\":\"egress-book\",\"book\":[{\"addr\":\"1.2.3.4:5\"}]}\n\n{")
	f.Add(fmt.Sprintf("{\"kind\":\"x\",\"text\":%q}", strings.Repeat("é", 600)))
	f.Fuzz(func(t *testing.T, text string) {
		r := NewRecorder(0)
		n, bad, err := ReadJournal(strings.NewReader(text), func(ev gateway.Event) {
			if len(ev.Text) > maxText || len(ev.Book) > maxBook || ev.Kind == "" {
				t.Errorf("got %+v", ev)
			}
			r.Add(ev)
		})
		if err != nil || n+bad > strings.Count(text, "\n")+1 {
			t.Errorf("got %d, %d, %v", n, bad, err)
		}
		Replay(Bundle{Events: r.Events(), Devices: listed})
	})
}
