package diagnose

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"photongate/gateway"
)

// record is one line of a device's log, taken apart.
type record struct {
	// line is where it stands, from 1.
	line int
	// text is the whole of it, cleaned.
	text string
	// stamped tells that ms is known: milliseconds since the device started.
	stamped bool
	ms      uint64
	// category is what stands in brackets, empty where nothing does.
	category string
	// level is the word of the level, empty for a bare message.
	level   string
	message string
	// code is the attribute behind the message, 0 where none is.
	code int
	// old marks the form of firmware 0.4 and 0.5.
	old bool
}

// levels are the words of photon.md 6.1, and DEBUG of firmware 0.5.
var levels = []string{"TRACE", "INFO", "WARN", "ERROR", "PANIC", "DEBUG"}

// bareMin is how long the fixed part of a message must be for a line that has
// neither stamp nor level to count as one: shorter ones occur in prose.
const bareMin = 18

// jsonRecord is a line of the JSON log handler (photon.md 6.1).
type jsonRecord struct {
	Message  string          `json:"m"`
	Category string          `json:"c"`
	Time     *uint64         `json:"t"`
	Level    string          `json:"l"`
	Code     json.RawMessage `json:"code"`
}

// parse takes a piece of a line apart. It tells false for what is not a
// device's log, and for JSON, of which a line can hold several records. The
// event is scratch.
func (r *record) parse(line int, s string, scratch *gateway.Event) bool {
	*r = record{line: line, text: s}
	if stampAt(s, 0) {
		r.parseStamped(s)
		return true
	}
	return r.parseUnstamped(s, scratch)
}

// unquote drops blanks around a piece, what a mail or a forum puts before a
// line that it quotes, and what a browser leaves behind it.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	for s != "" && (s[0] == '>' || s[0] == ' ') {
		s = s[1:]
	}
	for s != "" && strings.IndexByte(">`\"'", s[len(s)-1]) >= 0 {
		cut := s[:len(s)-1]
		for _, tag := range tags {
			if t, ok := strings.CutSuffix(s, tag); ok {
				cut = t
			}
		}
		s = strings.TrimSpace(cut)
	}
	return s
}

// tags are what browsers leave behind a line.
var tags = [...]string{"<br>", "<br/>", "<br />", "</p>", "</code>", "</pre>", "</div>", "</span>"}

// jsonStart is where JSON of the firmware's handler begins in s, -1 if nowhere.
func jsonStart(s string) int {
	i := strings.IndexByte(s, '{')
	if i < 0 || !strings.Contains(s[i:], `"m":`) {
		return -1
	}
	return i
}

// parseStamped reads a record that begins with its stamp.
func (r *record) parseStamped(s string) {
	r.stamped = true
	for i := range stampLen {
		r.ms = r.ms*10 + uint64(s[i]-'0')
	}
	if s[stampLen] == ':' {
		r.old = true
		r.level, r.message = cutLevel(s[stampLen+1:])
		r.message = afterSource(r.message)
		return
	}
	r.category, r.level, r.message = cutCategory(s[stampLen+1:])
	r.message, r.code = cutAttributes(r.message)
}

// maxPreface is how many bytes a terminal or a collector of logs may put
// before a record: a date, a host's name and a process.
const maxPreface = 64

// epoch tells whether a stamp is rather seconds since 1970, which others
// write: from 2014 to 2033, or after 16 to 23 days of a device's life.
func (r *record) epoch() bool { return r.ms >= 1_400_000_000 && r.ms < 2_000_000_000 }

// parseUnstamped reads a record whose stamp is missing or torn: a category of
// the system's with a level, or a message that cannot be mistaken. A terminal's
// date before it is dropped.
func (r *record) parseUnstamped(s string, scratch *gateway.Event) bool {
	for i := strings.IndexByte(s, '['); i >= 0 && i < maxPreface; {
		r.category, r.level, r.message = cutCategory(s[i:])
		if r.level != "" && rooted(r.category) {
			r.text = s[i:]
			r.message, r.code = cutAttributes(r.message)
			return true
		}
		next := strings.IndexByte(s[i+1:], '[')
		if next < 0 {
			break
		}
		i += next + 1
	}
	r.category = ""
	r.level, r.message = cutLevel(s)
	if r.level == "" {
		r.message = afterDate(s)
	}
	p := lookup(r, scratch)
	return p != nil && !p.common && (r.level != "" || len(p.prefix) >= bareMin)
}

// afterDate drops a terminal's date from the front of a line.
func afterDate(s string) string {
	for s != "" && (isDigit(s[0]) || strings.IndexByte(":.,-+/TZ[]() >", s[0]) >= 0) {
		s = s[1:]
	}
	return s
}

// parseJSON reads the objects on a line, up to the first that is torn.
func parseJSON(line int, s string) []record {
	var out []record
	d := json.NewDecoder(strings.NewReader(s))
	for {
		var j jsonRecord
		if d.Decode(&j) != nil || j.Message == "" {
			return out
		}
		r := record{line: line, text: j.Message, category: j.Category, level: strings.ToUpper(j.Level), message: j.Message}
		if !slices.Contains(levels, r.level) || j.Time == nil && !rooted(j.Category) {
			// Others write such objects too, with levels of their own.
			continue
		}
		if r.category != "" {
			r.text = "[" + j.Category + "] " + j.Message
		}
		if j.Time != nil {
			r.stamped, r.ms = true, *j.Time&0xffffffff
		}
		r.code, _ = strconv.Atoi(strings.Trim(string(j.Code), `"`))
		out = append(out, r)
	}
}

// cutCategory takes "[category] file.cpp:1, f(): LEVEL: message" apart.
func cutCategory(s string) (category, level, message string) {
	if strings.HasPrefix(s, "[") {
		if c, rest, ok := strings.Cut(s[1:], "]"); ok {
			category, s = c, strings.TrimPrefix(rest, " ")
		}
	}
	if level, message = cutLevel(s); level != "" {
		return category, level, message
	}
	// Where the source is logged too, it stands between category and level.
	if i := strings.Index(s, "): "); i >= 0 && i < 120 {
		if level, message = cutLevel(s[i+3:]); level != "" {
			return category, level, message
		}
	}
	return category, "", s
}

// cutLevel takes the level off the front, padded or not.
func cutLevel(s string) (level, message string) {
	for _, l := range levels {
		rest, ok := strings.CutPrefix(s, l)
		if !ok {
			continue
		}
		if m, ok := strings.CutPrefix(strings.TrimPrefix(rest, " "), ":"); ok {
			return l, strings.TrimSpace(m)
		}
	}
	return "", s
}

// afterSource drops "function (line):" from the front of a record of firmware 0.5.
func afterSource(s string) string {
	for i := 0; ; {
		n := strings.Index(s[i:], "):")
		if n < 0 {
			return s
		}
		end := i + n
		if open := strings.LastIndexByte(s[:end], '('); open >= 0 && isDigits(s[open+1:end]) {
			return strings.TrimSpace(s[end+2:])
		}
		i = end + 2
	}
}

// attributes begin what a record may carry behind its message (photon.md 6.1).
const attributes = " [code = "

// cutAttributes takes " [code = N, details = text]" off the end.
func cutAttributes(s string) (string, int) {
	if !strings.HasSuffix(s, "]") {
		return s, 0
	}
	i := strings.LastIndex(s, attributes)
	if i < 0 {
		return s, 0
	}
	n, _ := number(s[i+len(attributes):])
	return s[:i], n
}
