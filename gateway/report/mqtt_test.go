package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"photongate/gateway"
	"photongate/gateway/report"
)

// listing is a list of messages as a golden file: topic, flags, payload indented.
func listing(msgs []report.Message) []byte {
	var b bytes.Buffer
	for _, m := range msgs {
		flag := ""
		if m.Retain {
			flag = " (retained)"
		}
		fmt.Fprintf(&b, "%s%s\n", m.Topic, flag)
		switch {
		case len(m.Payload) == 0:
			b.WriteString("(empty)")
		case m.Payload[0] == '{':
			if err := json.Indent(&b, m.Payload, "", "  "); err != nil {
				fmt.Fprintf(&b, "not JSON: %v: %q", err, m.Payload)
			}
		default:
			b.Write(m.Payload)
		}
		b.WriteString("\n\n")
	}
	return b.Bytes()
}

func TestRetained(t *testing.T) {
	golden(t, "retained-healthy.txt", listing(report.Retained(healthy())))
	golden(t, "retained-broken.txt", listing(report.Retained(broken())))
	if a, b := report.Retained(broken()), report.Retained(broken()); !reflect.DeepEqual(a, b) {
		t.Error("the same snapshot gave different messages")
	}
}

func TestStrangersAreNoTopic(t *testing.T) {
	for _, m := range report.Retained(broken()) {
		if strings.Contains(m.Topic, guest.MAC.Compact()) {
			t.Errorf("topic %s names a stranger", m.Topic)
		}
	}
}

func TestWill(t *testing.T) {
	tests := []struct {
		got  report.Message
		want string
	}{
		{report.Will("lab-3"), "photongate/lab-3/state offline true"},
		{report.Online("lab-3"), "photongate/lab-3/state online true"},
		{report.Will("a/b+c#d e\x00"), "photongate/a-b-c-d-e-/state offline true"},
		{report.Will(""), "photongate/-/state offline true"},
		{report.ClearAlert("lab-3", "egress.path"), "photongate/lab-3/alert/egress.path  true"},
		{report.ClearAlert("lab-3", "../#"), "photongate/lab-3/alert/..--  true"},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf("%s %s %v", tt.got.Topic, tt.got.Payload, tt.got.Retain); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestHealthClock(t *testing.T) {
	for _, clock := range []bool{true, false} {
		want := fmt.Sprintf(`"clock_synced":%v`, clock)
		if m := report.Health(healthy(), &clock); !strings.Contains(string(m.Payload), want) {
			t.Errorf("payload %s, want %s in it", m.Payload, want)
		}
	}
}

func TestTransition(t *testing.T) {
	s := broken()
	ended := s.Alerts[2]
	ended.State, ended.Ended = gateway.AlertResolved, t0
	golden(t, "transition.txt", listing(append(report.Transition(s, s.Alerts[0]), report.Transition(s, ended)...)))
}

// every renders a snapshot into all messages that there are.
func every(s gateway.Snapshot) []report.Message {
	msgs := report.Retained(s)
	for _, a := range s.Alerts {
		msgs = append(msgs, report.Transition(s, a)...)
	}
	feed := report.NewFeed(s.Gateway)
	for _, ev := range []gateway.Event{
		{Time: t0, Kind: gateway.PartFailed, Part: gateway.Part(s.Version), Text: s.Version, Hint: s.Version},
		{Time: t0, Kind: gateway.SessionClosed, MAC: porch.MAC, Text: s.Version, Record: &gateway.SessionRecord{Phase: gateway.PhaseTalking, Detail: s.Version}},
	} {
		if m, ok := feed.Message(ev, gateway.Inventory{}); ok {
			msgs = append(msgs, m)
		}
	}
	return msgs
}

func TestPayloadRules(t *testing.T) {
	for name, s := range map[string]gateway.Snapshot{"zero": {}, "healthy": healthy(), "broken": broken(), "hostile": hostile()} {
		for _, m := range every(s) {
			checkTopic(t, name, m.Topic)
			if len(m.Payload) == 0 || m.Payload[0] != '{' {
				continue
			}
			if len(m.Payload) >= 4096 {
				t.Errorf("%s: %s has %d bytes, want fewer than 4096", name, m.Topic, len(m.Payload))
			}
			checkDocument(t, name, m)
		}
	}
}

// checkTopic checks that a topic can be published and subscribed to.
func checkTopic(t *testing.T, name, topic string) {
	t.Helper()
	if strings.ContainsAny(topic, "+# \x00\x1b") || !utf8.ValidString(topic) || len(topic) > 256 || strings.Contains(topic, "//") {
		t.Errorf("%s: topic %q is not fit for MQTT", name, topic)
	}
	if n := strings.Count(topic, "/"); n > 4 {
		t.Errorf("%s: topic %q has %d slashes, want at most 4", name, topic, n)
	}
}

// checkDocument checks what every document promises.
func checkDocument(t *testing.T, name string, m report.Message) {
	t.Helper()
	var doc struct {
		Schema int       `json:"schema"`
		TS     time.Time `json:"ts"`
	}
	if err := json.Unmarshal(m.Payload, &doc); err != nil {
		t.Errorf("%s: %s: %v in %s", name, m.Topic, err, m.Payload)
		return
	}
	if doc.Schema != 1 {
		t.Errorf("%s: %s has schema %d, want 1", name, m.Topic, doc.Schema)
	}
	if name != "zero" && !doc.TS.Equal(t0) {
		t.Errorf("%s: %s has ts %s, want %s", name, m.Topic, doc.TS, t0)
	}
	if n := bytes.Count(m.Payload, []byte(`,"ts":"`)); n != 1 {
		t.Errorf("%s: %s has %d members ts, want 1", name, m.Topic, n)
	}
	if bytes.ContainsAny(m.Payload, "\x1b\x00\n") || bytes.Contains(m.Payload, []byte("ssid")) {
		t.Errorf("%s: %s carries what it must not: %s", name, m.Topic, m.Payload)
	}
}

func FuzzPayload(f *testing.F) {
	f.Add("porch", "lab-3", "egress.path")
	f.Add("\xff\x00\"\\\u2028", "+/#", strings.Repeat("\U0001F525\"", 3000))
	f.Fuzz(func(t *testing.T, name, gw, text string) {
		s := broken()
		s.Gateway, s.Version, s.Egress.Reason = gw, name, text
		s.Devices[0].Name, s.Devices[0].Verdict.Summary, s.Alerts[0].Key, s.Alerts[0].Summary = name, text, name, text
		for _, m := range every(s) {
			checkTopic(t, "fuzz", m.Topic)
			if len(m.Payload) > 0 && m.Payload[0] == '{' {
				if len(m.Payload) >= 4096 || !json.Valid(m.Payload) {
					t.Errorf("%s: %d bytes: %s", m.Topic, len(m.Payload), m.Payload)
				}
			}
		}
		var b bytes.Buffer
		if err := report.Ladder(&b, s, report.LadderOptions{}); err != nil {
			t.Error(err)
		}
		if bytes.ContainsAny(b.Bytes(), "\x1b\x00\r") || !utf8.Valid(b.Bytes()) {
			t.Errorf("not safe to print: %.3000q", b.Bytes())
		}
	})
}
