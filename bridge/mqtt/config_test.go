package mqtt

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parse is url.Parse for URLs that are right.
func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestNewErrors(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, nil }
	tests := []struct {
		name   string
		url    string
		change func(*Config)
		want   string
	}{
		{"no url", "", func(c *Config) { c.URL = nil }, "no broker url"},
		{"scheme", "http://b", nil, `broker url scheme "http" is not tcp, ssl, ws or wss`},
		{"credentials", "tcp://me:secret@b", nil, "broker url holds credentials"},
		{"no host", "tcp://:1883", nil, "broker url tcp://:1883 names no host"},
		{"websocket with dial", "ws://b", func(c *Config) { c.Dial = dial }, "broker url ws://b: a websocket cannot use a dial function"},
		{"no id", "tcp://b", func(c *Config) { c.ClientID = "" }, "client id is empty or longer than 65535 bytes"},
		{"password alone", "tcp://b", func(c *Config) { c.PasswordFile = "/p" }, "password file without a user name"},
		{"certificate alone", "ssl://b", func(c *Config) { c.CertFile = "/c" }, "certificate file and key file need each other"},
		{"certificates without TLS", "tcp://b", func(c *Config) { c.CAFile = "/c" }, "certificates do nothing for tcp"},
		{"will topic", "tcp://b", func(c *Config) { c.Will = Message{Topic: "a/#"} }, `"a/#" is not a topic: want UTF-8 without +, # and NUL, 1 to 65535 bytes`},
		{"offline topic", "tcp://b", func(c *Config) { c.Offline.Payload = []byte("x") }, `"" is not a topic: want UTF-8 without +, # and NUL, 1 to 65535 bytes`},
		{"will payload", "tcp://b", func(c *Config) { c.Will = Message{Topic: "a", Payload: make([]byte, 65536)} }, "will is longer than 65535 bytes"},
		{"two at once", "http://b", func(c *Config) { c.PasswordFile = "/p" }, "broker url scheme \"http\" is not tcp, ssl, ws or wss\npassword file without a user name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{URL: parse(t, tt.url), ClientID: "g"}
			if tt.change != nil {
				tt.change(&cfg)
			}
			_, err := New(cfg)
			if err == nil || err.Error() != "set up mqtt: "+tt.want {
				t.Errorf("got  %v\nwant set up mqtt: %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells a secret", err)
			}
		})
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{
		"tcp://b":         "mqtt to tcp://b:1883",
		"mqtt://b:1":      "mqtt to mqtt://b:1",
		"ssl://[::1]":     "mqtt to ssl://[::1]:8883",
		"wss://b/mqtt":    "mqtt to wss://b:443/mqtt",
		"ws://b:9001/a/b": "mqtt to ws://b:9001/a/b",
	} {
		c, err := New(Config{URL: parse(t, in), ClientID: "g"})
		if err != nil {
			t.Fatal(err)
		}
		if c.String() != want {
			t.Errorf("got %q, want %q", c, want)
		}
	}
}

func TestPassword(t *testing.T) {
	dir := t.TempDir()
	good, long := filepath.Join(dir, "good"), filepath.Join(dir, "long")
	for path, content := range map[string]string{good: " s3 cret \r\n", long: strings.Repeat("x", maxFile+1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ path, want, err string }{
		{"", "", ""},
		{good, " s3 cret ", ""},
		{long, "", "read password: read " + long + ": longer than 1048576 bytes"},
		{dir + "/none", "", "read password: open " + dir + "/none: no such file or directory"},
	}
	for _, tt := range tests {
		got, err := (&Config{PasswordFile: tt.path}).password()
		if got != tt.want || (err == nil) != (tt.err == "") || (err != nil && err.Error() != tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %s", tt.path, got, err, tt.want, tt.err)
		}
	}
}
