package diagnose

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"photongate/gateway"
)

// Addresses of the cloud in the matrix.
const (
	textA = "52.90.98.3"
	textB = "107.22.156.56"
)

// plot is a story that a log of any era can tell.
type plot struct {
	name string
	tell func(*teller)
	// since is the first era whose lines tell it.
	since   era
	outcome gateway.Result
	hop     gateway.Hop
	code    gateway.Code
}

// plots are stories of every outcome.
var plots = []plot{
	{"online", func(t *teller) { t.through(textA) }, era05, gateway.ResultOnline, gateway.HopNone, gateway.CodeOK},
	{"online, quiet", func(t *teller) { t.through(textA).later(40_000_000).say("app", info, "tick") }, era05, gateway.ResultOnline, gateway.HopNone, gateway.CodeOK},
	{"join refused", func(t *teller) { t.join().refusedJoin(1006).join() }, era07, gateway.ResultAssocFailed, gateway.HopAdmission, gateway.CodeAssocFailed},
	{"join unheard", func(t *teller) { t.join().refusedJoin(1024).join() }, era07, gateway.ResultAssocFailed, gateway.HopRadio, gateway.CodeAssocFailed},
	{"no lease", func(t *teller) { t.join().joined().leaseless().join() }, era06, gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone},
	{"no name", func(t *teller) { t.join().joined().leased().dial().nameless().join() }, era05, gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone},
	{"dropped", func(t *teller) {
		t.join().joined().leased().dial().resolved(textA).unconnected(textA, -2)
		t.join().joined().leased().dial().resolved(textB).unconnected(textB, -2).join()
	}, era05, gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll},
	{"refused", func(t *teller) { t.join().joined().leased().dial().resolved(textA).unconnected(textA, -18).join() }, era05,
		gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject},
	{"no route", func(t *teller) { t.join().joined().leased().dial().resolved(textA).unconnected(textA, -14) }, era05,
		gateway.ResultNoInternet, gateway.HopEgress, gateway.CodeNoRoute},
	{"mute", func(t *teller) {
		t.join().joined().leased().dial().resolved(textA).connected(textA).later(20000)
		t.givenUp("Could not receive nonce: ", "Could not receive nonce: ", -1, 25, -160)
	}, era05, gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing},
	{"rejected", func(t *teller) {
		t.join().joined().leased().dial().resolved(textA).connected(textA).nonce().later(60)
		t.givenUp("Unable to receive key ", "Unable to receive key ", -19, 26, -201)
	}, era06, gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected},
	{"wrong key", func(t *teller) {
		t.join().joined().leased().dial().resolved(textA).connected(textA).nonce().later(160)
		t.givenUp("Could not set key, ", "Could not set key, ", 8, 8, -130)
	}, era06, gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeServerKeyWrong},
	{"Wi-Fi lost, back", func(t *teller) { t.through(textA).later(60000).lost(-9).join().joined().leased().again(textA) }, era06,
		gateway.ResultLostRecovered, gateway.HopLink, gateway.CodeLinkLost},
	{"closed, back", func(t *teller) { t.through(textA).later(60000).lost(-19).later(1000).again(textB) }, era06,
		gateway.ResultLostRecovered, gateway.HopCloud, gateway.CodeCloudClosed},
	{"pings lost", func(t *teller) { t.through(textA).later(25000).lost(-100) }, era06,
		gateway.ResultKeepaliveLost, gateway.HopSession, gateway.CodePingLost},
	{"killed", func(t *teller) {
		t.through(textA).later(25000).lost(-100).dial().resolved(textA).unconnected(textA, -2)
		t.join().joined().leased().dial().resolved(textA).unconnected(textA, -2)
	}, era06, gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled},
	{"again and again", func(t *teller) {
		t.through(textA)
		for range 4 {
			t.later(25000).lost(-100).later(1000).again(textA)
		}
	}, era06, gateway.ResultIntermittent, gateway.HopSession, gateway.CodePingLost},
	{"cut", func(t *teller) { t.join().joined().leased().dial() }, era06, gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined},
}

// TestMatrix: every story in the words of every era.
func TestMatrix(t *testing.T) {
	for _, p := range plots {
		for e := p.since; e < eras; e++ {
			tell := &teller{era: e, ms: 1200}
			p.tell(tell)
			v, st := judged(t, tell.String())
			if v.Outcome != p.outcome || v.Hop != p.hop || v.Code != p.code {
				t.Errorf("%s, %s: got %s, %q, %s: %s\nwant %s, %q, %s\n%s", p.name, firmware[e], v.Outcome, v.Hop, v.Code, v.Summary, p.outcome, p.hop, p.code, tell)
			}
			if want := firmware[e]; st.Firmware != want && st.Firmware != FirmwareLate && v.Stage >= gateway.StageConnected {
				t.Errorf("%s: firmware %s, want %s", p.name, st.Firmware, want)
			}
		}
	}
}

// judged is the verdict on a log.
func judged(t *testing.T, log string) (gateway.Verdict, SerialStats) {
	t.Helper()
	v, st, err := Serial(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return v, st
}

// lineShape makes a shape of what happens to each line.
func lineShape(f func(i int, l string) string) func(string) string {
	return func(log string) string {
		var out strings.Builder
		i := 0
		for l := range strings.Lines(log) {
			out.WriteString(f(i, strings.TrimSuffix(l, "\n")))
			i++
		}
		return out.String()
	}
}

// wrapAt breaks every line at a width.
func wrapAt(width int, sep string) func(string) string {
	return lineShape(func(_ int, l string) string {
		var out strings.Builder
		for len(l) > width {
			out.WriteString(l[:width] + sep)
			l = l[width:]
		}
		return out.String() + l + "\n"
	})
}

// shape is what a recording or a paste does to a log.
type shape struct {
	name string
	bend func(string) string
}

// shapes are those seen in forums, mails and terminals.
var shapes = []shape{
	{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"CR CR LF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\r\n") }},
	{"LF CR", func(s string) string { return strings.ReplaceAll(s, "\n", "\n\r") }},
	{"CR", func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }},
	{"one line", func(s string) string { return strings.ReplaceAll(s, "\n", " ") }},
	{"one line, glued", func(s string) string { return strings.ReplaceAll(s, "\n", "") }},
	{"blank lines", func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") }},
	{"colours", lineShape(func(_ int, l string) string { return "\x1b[0;32m" + l + "\x1b[0m\r\n" })},
	{"quoted", lineShape(func(_ int, l string) string { return "> " + l + "\n" })},
	{"indented", lineShape(func(_ int, l string) string { return "    \t" + l + "  \n" })},
	{"PuTTY", func(s string) string {
		return "=~=~=~=~=~=~=~=~=~=~=~= PuTTY log 2017.06.09 12:01:02 =~=~=~=~=~=~=~=~=~=~=~=\r\n" + strings.ReplaceAll(s, "\n", "\r\n")
	}},
	{"Arduino", lineShape(func(i int, l string) string { return fmt.Sprintf("12:01:%02d.123 -> %s\r\n", i%60, l) })},
	{"minicom", lineShape(func(i int, l string) string { return fmt.Sprintf("[2017-06-09 12:01:%02d] %s\n", i%60, l) })},
	{"ts", lineShape(func(i int, l string) string { return fmt.Sprintf("Jun 09 12:01:%02d %s\n", i%60, l) })},
	{"journal", lineShape(func(i int, l string) string { return fmt.Sprintf("Jun 09 12:01:%02d pi picocom[411]: %s\n", i%60, l) })},
	{"table", lineShape(func(i int, l string) string { return fmt.Sprintf("%d\t%s\n", i+1, l) })},
	{"torn head", func(s string) string { return s[17:] }},
	{"torn first stamp", func(s string) string { return s[4:] }},
	{"no line end", func(s string) string { return strings.TrimSuffix(s, "\n") }},
	{"doubled", lineShape(func(_ int, l string) string { return l + "\n" + l + "\n" })},
	{"application between", lineShape(func(i int, l string) string { return fmt.Sprintf("%s\ntemperature=21.%d\n", l, i) })},
	{"application glued", lineShape(func(i int, l string) string { return fmt.Sprintf("temperature=21.%d%s\n", i, l) })},
	{"application log", lineShape(func(i int, l string) string {
		return l + "\n" + l[:10] + " [app] INFO: Cloud: connecting, Internet Test Failed! 6\n"
	})},
	{"follow", func(s string) string {
		head := "Polling for available serial device...\r\nOpening serial monitor for com port: \"/dev/tty.usbmodem1411\"\r\nSerial monitor opened successfully:\r\n"
		return head + s + "Serial connection closed.  Attempting to reconnect...\r\nSerial monitor opened successfully:\r\n"
	}},
	{"HTML", lineShape(func(_ int, l string) string { return "<p>" + l + "<br>\n" })},
	{"backticks", lineShape(func(_ int, l string) string { return "`" + l + "`\n" })},
	{"application behind", lineShape(func(_ int, l string) string { return l + "temp=21 C\n" })},
	{"entities", func(s string) string {
		return "&gt; &lt;pre&gt;\n" + strings.ReplaceAll(s, " ", "&nbsp;") + "&lt;/pre&gt;\n"
	}},
	{"word processor", func(s string) string { return strings.NewReplacer("-", "–", " [", "\u00a0[").Replace(s) }},
	{"markdown", func(s string) string { return "Here is my log:\n```\n" + s + "```\nAny idea? Thanks [sic]\n" }},
	{"UTF-16", utf16LE},
	{"BOM", func(s string) string { return "\ufeff" + s }},
	{"wrapped at 80", wrapAt(80, "\n")},
	{"wrapped at 72", wrapAt(72, "\r\n")},
	{"wrapped at 40", wrapAt(40, "\n")},
	{"wrapped, quoted", wrapAt(60, "\n> ")},
	{"JSON", lineShape(func(_ int, l string) string { return asJSON(l) })},
	{"noise", func(s string) string {
		r := rand.New(rand.NewPCG(1, 2))
		return lineShape(func(_ int, l string) string {
			return l + "\n" + string([]byte{byte(r.Uint32()), byte(r.Uint32()) | 0x80, 0xff, 0x1b}) + "\n"
		})(s)
	}},
}

// asJSON is a line as the JSON handler writes it; older eras have none.
func asJSON(l string) string {
	category, rest, ok := strings.Cut(strings.TrimPrefix(l[10:], " ["), "] ")
	if !ok {
		return l + "\n"
	}
	level, m, _ := strings.Cut(rest, ": ")
	return fmt.Sprintf("{\"l\":%q,\"m\":%q,\"c\":%q,\"t\":%s}\r\n", strings.ToLower(level), m, category, strings.TrimLeft(l[:10], "0"))
}

// TestShapes: whatever happened to a log on its way, its story is the same.
func TestShapes(t *testing.T) {
	for _, p := range plots {
		for e := p.since; e < eras; e++ {
			tell := &teller{era: e, ms: 1200}
			p.tell(tell)
			for _, s := range shapes {
				v, _ := judged(t, s.bend(tell.String()))
				if v.Outcome != p.outcome || v.Hop != p.hop || v.Code != p.code {
					t.Errorf("%s, %s, %s: got %s, %q, %s: %s", p.name, firmware[e], s.name, v.Outcome, v.Hop, v.Code, v.Summary)
				}
			}
		}
	}
}

// astray tells whether a verdict is confident of a hop that is not the story's.
// A firewall on the way out that drops all and one that has blocked a session
// are the same team's.
func astray(v gateway.Verdict, p plot) bool {
	if v.Confidence != gateway.High || v.Hop == p.hop || v.Hop == gateway.HopNone {
		return false
	}
	return p.hop != gateway.HopMiddlebox || v.Hop != gateway.HopEgress
}

// TestCut: a log that is cut at both ends never points at a wrong hop.
func TestCut(t *testing.T) {
	for _, p := range plots {
		for e := p.since; e < eras; e++ {
			tell := &teller{era: e, ms: 1200}
			p.tell(tell)
			lines := strings.SplitAfter(tell.String(), "\n")
			for i := range lines {
				for j := i + 1; j < len(lines); j += 2 {
					if v, _ := judged(t, strings.Join(lines[i:j], "")); astray(v, p) {
						t.Errorf("%s, %s, lines %d to %d: got %s, %q: %s", p.name, firmware[e], i, j, v.Outcome, v.Hop, v.Summary)
					}
				}
			}
		}
	}
}

// TestFiltered: a log handler that leaves out levels or categories hides much,
// but what is left never points at a wrong hop.
func TestFiltered(t *testing.T) {
	for _, p := range plots {
		for e := p.since; e < eras; e++ {
			tell := &teller{era: e, ms: 1200}
			p.tell(tell)
			for _, keep := range [][]string{{warn, fail}, {fail}, {info}, {"[system]"}, {"[comm."}, {"[hal."}, {"[system]", "[comm."}} {
				var log strings.Builder
				for l := range strings.Lines(tell.String()) {
					if slices.ContainsFunc(keep, func(k string) bool { return strings.Contains(l, k) }) {
						log.WriteString(l)
					}
				}
				if v, _ := judged(t, log.String()); astray(v, p) {
					t.Errorf("%s, %s, only %v: got %s, %q: %s", p.name, firmware[e], keep, v.Outcome, v.Hop, v.Summary)
				}
			}
		}
	}
}
