package diagnose

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"photongate/gateway"
)

// update rewrites golden files.
var update = flag.Bool("update", false, "write the golden files anew")

// TestSerialGolden judges the logs of testdata and compares the verdicts.
func TestSerialGolden(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outcome gateway.Result
		hop     gateway.Hop
		code    gateway.Code
		says    []string
	}{
		{"seed-1-first", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, nil},
		{"seed-1", gateway.ResultLostRecovered, gateway.HopLink, gateway.CodeLinkLost, []string{"code -9: its Wi-Fi interface is down"}},
		{"seed-2", gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, []string{"TCP 5683 to device.spark.io", "5.0 s"}},
		{"seed-3", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, nil},
		{"seed-4", gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, []string{"25 s = 15 s + 10 s", "had answered before"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", tt.name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			v, st, err := Serial(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || v.Hop != tt.hop || v.Code != tt.code {
				t.Errorf("got %s, %q, %s; want %s, %q, %s", v.Outcome, v.Hop, v.Code, tt.outcome, tt.hop, tt.code)
			}
			for _, s := range tt.says {
				if !strings.Contains(v.Summary+v.Next, s) {
					t.Errorf("%q does not say %q", v.Summary+" "+v.Next, s)
				}
			}
			if st.Firmware != Firmware06 {
				t.Errorf("firmware: got %s, want %s", st.Firmware, Firmware06)
			}
			golden(t, tt.name+".json", v)
		})
	}
}

// TestOddGolden judges logs of other platforms, of odd ends and of odd ways
// of recording, and compares the verdicts.
func TestOddGolden(t *testing.T) {
	for _, tt := range []struct {
		name       string
		platform   Platform
		outcome    gateway.Result
		confidence gateway.Confidence
	}{
		{"argon-online", PlatformArgon, gateway.ResultOnline, gateway.High},
		{"argon-stuck", PlatformArgon, gateway.ResultHandshakeFailed, gateway.Low},
		{"boron-stuck", PlatformCellular, gateway.ResultUndetermined, gateway.Low},
		{"electron-online", PlatformElectron, gateway.ResultOnline, gateway.High},
		{"p2-online", PlatformP2, gateway.ResultOnline, gateway.High},
		{"warn-only-killed", PlatformUnknown, gateway.ResultLostBlocked, gateway.High},
		{"warn-only-drop", PlatformUnknown, gateway.ResultTCPTimeout, gateway.High},
		{"crash-loop", PlatformUnknown, gateway.ResultUndetermined, gateway.Low},
		{"two-devices", PlatformPhoton, gateway.ResultUndetermined, gateway.Low},
		{"several-boots", PlatformPhoton, gateway.ResultTCPTimeout, gateway.Low},
		{"custom-server", PlatformUnknown, gateway.ResultTCPTimeout, gateway.High},
		{"fail-then-online", PlatformUnknown, gateway.ResultOnline, gateway.High},
		{"handshake-0.6.0", PlatformPhoton, gateway.ResultHandshakeFailed, gateway.Low},
		{"clock-wraps", PlatformUnknown, gateway.ResultLostBlocked, gateway.High},
		{"built-in-address", PlatformUnknown, gateway.ResultDNSFailed, gateway.High},
		{"out-of-memory", PlatformUnknown, gateway.ResultNotNetwork, gateway.Medium},
		{"credentials-cleared", PlatformPhoton, gateway.ResultNotNetwork, gateway.Medium},
		{"forum", PlatformPhoton, gateway.ResultTCPTimeout, gateway.High},
		{"monitor", PlatformPhoton, gateway.ResultHandshakeFailed, gateway.High},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "odd-"+tt.name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			v, st := judged(t, string(b))
			if v.Outcome != tt.outcome || v.Confidence != tt.confidence || st.Platform != tt.platform {
				t.Errorf("got %s, %s, %q; want %s, %s, %q: %s", v.Outcome, v.Confidence, st.Platform, tt.outcome, tt.confidence, tt.platform, v.Summary)
			}
			golden(t, "odd-"+tt.name+".json", v)
		})
	}
}

// TestOthers: what other programs write is no Photon's log, even where a line
// has its form or its words.
func TestOthers(t *testing.T) {
	files, err := filepath.Glob("testdata/other-*.log")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if v, st := judged(t, string(b)); v.Outcome != gateway.ResultUnrecognised {
			t.Errorf("%s: got %s (%+v): %s", name, v.Outcome, st, v.Summary)
		}
	}
}

// TestNewestFirst: a log that runs backwards is not read as a story.
func TestNewestFirst(t *testing.T) {
	b, err := os.ReadFile("testdata/seed-4.log")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	slices.Reverse(lines)
	v, st := judged(t, strings.Join(lines, "\n"))
	if v.Outcome != gateway.ResultUndetermined || st.Order != OrderDown || !strings.Contains(v.Summary, "newest line first") {
		t.Errorf("got %s, order %d: %s", v.Outcome, st.Order, v.Summary)
	}
}

// golden compares a verdict with its file.
func golden(t *testing.T, name string, v gateway.Verdict) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got: %s\nwant: %s", name, got, want)
	}
}

// TestMangled: the same log in every shape that a paste can have is the same story.
func TestMangled(t *testing.T) {
	b, err := os.ReadFile("testdata/seed-4.log")
	if err != nil {
		t.Fatal(err)
	}
	log := string(b)
	lines := strings.Split(strings.TrimSpace(log), "\n")
	each := func(f func(int, string) string) string {
		var out strings.Builder
		for i, l := range lines {
			out.WriteString(f(i, l))
		}
		return out.String()
	}
	for _, tt := range []struct{ name, log string }{
		{"CRLF", strings.ReplaceAll(log, "\n", "\r\n")},
		{"CR CR LF", strings.ReplaceAll(log, "\n", "\r\r\n")},
		{"lone CR", strings.ReplaceAll(log, "\n", "\r")},
		{"one line", strings.ReplaceAll(log, "\n", " ")},
		{"one line, nothing between", strings.ReplaceAll(log, "\n", "")},
		{"colours", each(func(_ int, l string) string { return "\x1b[32m" + l + "\x1b[0m\r\n" })},
		{"NULs", each(func(_ int, l string) string { return l[:1] + "\x00" + l[1:] + "\x00\n" })},
		{"UTF-16", utf16LE(log)},
		{"quoted", each(func(_ int, l string) string { return "> > " + l + "\n" })},
		{"clock", each(func(_ int, l string) string { return "[12:00:01] " + l + "\n" })},
		{"date", each(func(_ int, l string) string { return "2017-06-09 12:01:02.123 " + l + "\n" })},
		{"arrow", each(func(_ int, l string) string { return "12:00:01.123 -> " + l + "\n" })},
		{"doubled", each(func(_ int, l string) string { return l + "\n" + l + "\n" })},
		{"wrapped at 60", each(func(_ int, l string) string {
			if len(l) > 60 {
				return l[:60] + "\n" + l[60:] + "\n"
			}
			return l + "\n"
		})},
		{"interleaved", each(func(i int, l string) string { return l + "\ntemperature=21.5\n" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, st, err := Serial(strings.NewReader(tt.log))
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != gateway.ResultLostBlocked || v.Code != gateway.CodeFlowKilled {
				t.Errorf("got %s, %s (%+v): %s", v.Outcome, v.Code, st, v.Summary)
			}
			if st.Recognised < 40 {
				t.Errorf("recognised %d of 40", st.Recognised)
			}
		})
	}
}

// utf16LE encodes as a Windows shell saves.
func utf16LE(s string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// TestNoStamps: without stamps the outcome is the same, without the numbers.
func TestNoStamps(t *testing.T) {
	for name, want := range map[string]gateway.Code{"seed-1": gateway.CodeLinkLost, "seed-2": gateway.CodeEgressDropAll, "seed-4": gateway.CodeFlowKilled} {
		b, err := os.ReadFile("testdata/" + name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for l := range strings.Lines(string(b)) {
			if len(l) > 11 && stampAt(l, 0) {
				l = l[11:]
			}
			out.WriteString(l)
		}
		if v, _, err := Serial(strings.NewReader(out.String())); err != nil || v.Code != want {
			t.Errorf("%s: got %s, %v; want %s: %s", name, v.Code, err, want, v.Summary)
		}
	}
}

// TestUnrecognised: what is no device's log is said to be none.
func TestUnrecognised(t *testing.T) {
	for _, tt := range []struct{ name, log string }{
		{"empty", ""},
		{"binary", string([]byte{0, 1, 2, 0xff, 0xfe, 0x80, 10, 13, 27, 91})},
		{"prose", "It does not work.\nThe cloud is not connected [sic] INFO desk says no.\n"},
		{"esp", "I (2345) wifi: connected with ssid, channel 6\nI (3456) esp_netif_handlers: sta ip: 192.168.1.5\n"},
		{"syslog", "Jun  9 12:00:01 host dhcpd[123]: DHCPACK on 10.0.0.1\n"},
		{"epoch stamps", "1497029895 [main] started\n1497029896 [main] ready\n"},
		{"log4j", "2024-01-01 12:00:00 [main] INFO: Connected to 10.0.0.1:80\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, _, err := Serial(strings.NewReader(tt.log))
			if err != nil || v.Outcome != gateway.ResultUnrecognised {
				t.Errorf("got %s, %v; want unrecognised", v.Outcome, err)
			}
			if v.Evidence == nil || v.Fine == nil {
				t.Error("an array is null")
			}
		})
	}
}

// TestReadSerialError: an error of reading names the line.
func TestReadSerialError(t *testing.T) {
	r := io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(errors.New("unplugged")))
	_, err := ReadSerial(r, func(gateway.Event) {})
	if err == nil || err.Error() != "read serial log: line 3: unplugged" {
		t.Errorf("got %v, want read serial log: line 3: unplugged", err)
	}
}

// TestReadDirectory: what cannot be read at all is said plainly.
func TestReadDirectory(t *testing.T) {
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, _, err := Serial(f)
	if want := "read the log: is a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if v.Outcome != gateway.ResultUnrecognised {
		t.Errorf("got %s", v.Outcome)
	}
}

// TestClockWraps: after 49.7 days time goes on.
func TestClockWraps(t *testing.T) {
	var at []time.Time
	log := "4294967290 [system] INFO: Cloud: connecting\n0000000010 [system] INFO: Cloud connected\n"
	if _, err := ReadSerial(strings.NewReader(log), func(e gateway.Event) { at = append(at, e.Time) }); err != nil {
		t.Fatal(err)
	}
	if d := at[1].Sub(at[0]); d != 16*time.Millisecond {
		t.Errorf("got %v, want 16ms", d)
	}
}

// TestLongLine: a line without an end takes no memory and loses no record.
func TestLongLine(t *testing.T) {
	n := 0
	log := strings.Repeat("0000003058 [system] INFO: Cloud: connecting ", 5000)
	st, err := ReadSerial(strings.NewReader(log), func(e gateway.Event) {
		n++
		if e.Kind != gateway.Connecting || e.Line != 1 {
			t.Fatalf("got %+v", e)
		}
	})
	if err != nil || n != 5000 || st.Lines != 1 || st.Recognised != 5000 {
		t.Errorf("got %d events, %+v, %v; want 5000", n, st, err)
	}
}

// FuzzReadSerial: no input makes it panic, and counts are consistent.
func FuzzReadSerial(f *testing.F) {
	files, err := filepath.Glob("testdata/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x1b[3"))
	f.Add([]byte(`{"l":"INFO","m":"Cloud connected","c":"system","t":5,"code":-3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		s := NewStory()
		st, err := ReadSerial(bytes.NewReader(b), func(e gateway.Event) {
			n++
			if e.Line < 1 || len(e.Text) > maxText {
				t.Errorf("event %+v", e)
			}
			s.Apply(e)
		})
		if err != nil || n != st.Records || st.Recognised > st.Records {
			t.Errorf("%d events, %+v, %v", n, st, err)
		}
		if v := s.Verdict(); v.Outcome == "" || len(v.Evidence) > maxEvidence {
			t.Errorf("verdict %+v", v)
		}
	})
}
