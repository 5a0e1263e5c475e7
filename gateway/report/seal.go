package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxPayload bounds a document on MQTT, in bytes (users.md E3).
const maxPayload = 4096

// room is how much a document may hold of what has no bound of its own.
type room struct {
	// text bounds one text, in bytes; list bounds one list, in entries.
	text, list int
}

// rooms are tried in turn until a document fits. The last one fits whatever the
// content: the largest documents hold a dozen texts besides fixed members.
var rooms = [...]room{{512, 16}, {256, 8}, {128, 4}, {64, 2}}

// ample is the room of documents that do not go over MQTT.
var ample = room{text: 2048, list: 256}

// seal makes a retained message of the first document that fits.
func seal(topic string, build func(room) any) Message {
	var b []byte
	for _, r := range rooms {
		if b = encode(build(r), ""); len(b) < maxPayload {
			break
		}
	}
	return Message{Topic: topic, Payload: b, Retain: true}
}

// encode writes a document as JSON. Documents hold only what can be encoded, so
// there is no error to return; < and & stay readable, as no document meets HTML.
func encode(doc any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(doc); err != nil {
		return []byte("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// clean makes text of others safe to print and bounds it to n bytes: what is
// not printable (control characters, escape sequences, direction marks) becomes
// a space, and invalid UTF-8 a question mark.
func clean(s string, n int) string {
	// Nothing below makes a text longer, so what is cut here would be cut anyway.
	s = strings.ToValidUTF8(s[:min(len(s), n+utf8.UTFMax)], "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	return clip(strings.TrimSpace(s), n)
}

// ellipsis marks a text that was cut.
const ellipsis = "..."

// clip bounds s to n bytes, at least four, without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}

// cleanAll cleans a list and bounds it; it is never nil, so it is never null.
func cleanAll(list []string, r room) []string {
	out := make([]string, 0, min(len(list), r.list))
	for _, s := range list[:min(len(list), r.list)] {
		out = append(out, clean(s, r.text))
	}
	return out
}

// stamp is a time as documents write it. The zero stamp is left out by omitzero.
type stamp struct{ time.Time }

// MarshalJSON writes RFC 3339 in UTC with milliseconds (users.md E3).
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(s.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// seconds is how long ago t was, in whole seconds, and nil when t is not known
// or, by a clock that was set, in the future.
func seconds(now, t time.Time) *int64 {
	if t.IsZero() || now.Before(t) {
		return nil
	}
	n := int64(now.Sub(t) / time.Second)
	return &n
}

// millis is a duration in milliseconds to the microsecond, and nil when it is not known.
func millis(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	f := math.Round(float64(d)/float64(time.Microsecond)) / 1000
	return &f
}
