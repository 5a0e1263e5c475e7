package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"photongate/gateway"
)

// outcome is a value, or the error with its hint, on one line.
func outcome(v any, err error) string {
	if err == nil {
		return fmt.Sprint(v)
	}
	var h *gateway.Hinted
	if errors.As(err, &h) {
		return fmt.Sprintf("error: %v (%s)", err, h.Hint)
	}
	return "error: " + err.Error()
}

func TestParseSegment(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"192.168.77.1/24", "192.168.77.1/24"},
		{"10.1.0.1/16", "10.1.0.1/16"},
		{"10.0.0.6/29", "10.0.0.6/29"},
		{"192.168.77.1", `error: "192.168.77.1" has no prefix length (as in "192.168.77.1/24")`},
		{"wlan0", `error: "wlan0" is not an address with a prefix length (as in "192.168.77.1/24")`},
		{"10.0.0.1/15", "error: /15 is not between /16 and /29"},
		{"10.0.0.1/30", "error: /30 is not between /16 and /29"},
		{"10.0.0.0/24", `error: 10.0.0.0 is the network, not a host in it (as in "10.0.0.1/24")`},
		{"10.0.0.255/24", `error: 10.0.0.255 is the broadcast address, not a host (as in "10.0.0.1/24")`},
		{"127.0.0.1/24", `error: 127.0.0.1 is not an address for a network of one's own (as in "192.168.77.1/24")`},
		{"169.254.0.1/16", `error: 169.254.0.1 is not an address for a network of one's own (as in "192.168.77.1/24")`},
		{"240.0.0.1/24", `error: 240.0.0.1 is not an address for a network of one's own (as in "192.168.77.1/24")`},
		{"2001:db8::1/64", `error: 2001:db8::1/64 is not IPv4, and a Photon knows nothing else (as in "192.168.77.1/24")`},
		{"::ffff:10.0.0.1/120", `error: ::ffff:10.0.0.1/120 is not IPv4, and a Photon knows nothing else (as in "192.168.77.1/24")`},
	} {
		p, err := parseSegment(tt.in)
		if got := outcome(p, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseHostPort(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"device.spark.io", "device.spark.io:5683"},
		{"Device.Spark.IO.:1", "device.spark.io:1"},
		{"192.0.2.1", "192.0.2.1:5683"},
		{"2001:db8::1", "[2001:db8::1]:5683"},
		{"[2001:db8::1]:99", "[2001:db8::1]:99"},
		{"::ffff:192.0.2.1", "192.0.2.1:5683"},
		{"a:b:c", `error: "a:b:c" is not a host and a port (as in "device.spark.io:5683")`},
		{"x:65536", `error: "65536" is not a port: want 1 to 65535`},
		{"x:", `error: "" is not a port: want 1 to 65535`},
		{":1", `error: "" is not a host name`},
		{"1.2.3.4.5", `error: "1.2.3.4.5" is not a host name`},
		{"a..b", `error: "a..b" is not a host name`},
		{"0.0.0.0:1", "error: 0.0.0.0 is not the address of a host"},
		{strings.Repeat("a", 64), `error: "` + strings.Repeat("a", 64) + `" is not a host name`},
	} {
		hp, err := parseHostPort(tt.in, cloudPort)
		if got := outcome(hp, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseURL(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"tcp://broker", "tcp://broker:1883"},
		{"mqtt://broker/", "tcp://broker:1883"},
		{"SSL://Broker:1", "ssl://broker:1"},
		{"mqtts://192.0.2.1", "ssl://192.0.2.1:8883"},
		{"ws://broker/mqtt", "ws://broker:80/mqtt"},
		{"wss://broker", "wss://broker:443"},
		{"broker:1883", `error: not a URL (as in "tcp://host.example:1883")`},
		{"broker", `error: not a URL (as in "tcp://host.example:1883")`},
		{"tcp://", `error: not a URL (as in "tcp://host.example:1883")`},
		{"tcp://a b", `error: not a URL (as in "tcp://host.example:1883")`},
		{"http://broker", `error: "http" is not a scheme for this (choose "tcp", "ssl", "ws", "wss", "mqtt" or "mqtts")`},
		{"tcp://ann@broker", "error: the URL carries a user name or a password"},
		{"ann:hunter2@broker:1883", "error: the URL carries a user name or a password"},
		{"tcp://ann:hun/ter2@broker", "error: the URL carries a user name or a password"},
		{"tcp://broker:0", `error: "0" is not a port: want 1 to 65535`},
		{"ssl://broker/x", `error: a URL of scheme "ssl" has no path`},
		{"wss://broker/x?token=hunter2", "error: the URL has more than scheme, host, port and path"},
	} {
		u, err := parseURL(tt.in, brokers())
		if got := outcome(u, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseListen(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"127.0.0.1:9585", "127.0.0.1:9585"},
		{"[::1]:80", "[::1]:80"},
		{":80", `error: ":80" listens on every address, the segment's too (as in "127.0.0.1:9585")`},
		{"[::]:80", `error: "[::]:80" listens on every address, the segment's too (as in "127.0.0.1:9585")`},
		{"localhost:80", `error: "localhost" is not an address (as in "127.0.0.1:9585")`},
		{"127.0.0.1", `error: "127.0.0.1" is not an address and a port (as in "127.0.0.1:9585")`},
		{"127.0.0.1:0", `error: "0" is not a port: want 1 to 65535`},
	} {
		a, err := parseListen(tt.in)
		if got := outcome(a, err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestChannels(t *testing.T) {
	wants := map[string]string{
		"channel = 1":                  "",
		"channel = 11":                 "",
		"channel = 3":                  "channel 3 overlaps with its neighbours' networks",
		"channel = 12":                 "a station only listens on channel 12 and never asks there for a hidden network",
		"channel = 14\nhidden = false": "a device set to a country without channel 14 does not hear it",
		"channel = 36":                 "36 is not a channel of the 2.4 GHz band",
		"channel = -1":                 "-1 is not a channel of the 2.4 GHz band",
		"channel = 99999999999":        "99999999999 is out of range",
	}
	for in, want := range wants {
		_, err := Parse("x.toml", []byte("[segment]\ninterface = \"eth1\"\n[ap]\n"+in), "box")
		got := ""
		var ps Problems
		if errors.As(err, &ps) {
			got = ps[0].Text
		}
		if got != want || len(ps) > 1 {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

func TestInterfaceName(t *testing.T) {
	wants := map[string]string{
		"eth0.10":          "<nil>",
		"br-lan":           "<nil>",
		"abcdefghijklmnop": `"abcdefghijklmnop" is longer than 15 bytes, which no interface name is`,
		"eth 0":            `"eth 0" is not an interface name: want letters, digits, '.', '_' or '-'`,
		"eth*":             `"eth*" is not an interface name: want letters, digits, '.', '_' or '-'`,
		"..":               `".." is not an interface name: want letters, digits, '.', '_' or '-'`,
		"lo":               `"lo" reaches nothing but this machine`,
	}
	for in, want := range wants {
		if got := fmt.Sprint(interfaceName(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"name", "mac", "id", "interface", "password_file", "policy"}
	wants := map[string]string{
		"nmae": "name", "nam": "name", "names": "name", "interfase": "interface", "Interface": "interface",
		"password": "password_file", "password-file": "password_file", "polcy": "policy",
		"x": "", "colour": "", strings.Repeat("name", 9): "",
	}
	for in, want := range wants {
		if got := nearest(known, in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	src := "[segment]\ninterface = \"eth1\"\n[egress]\nnames = [" + strings.Repeat(`"a",`, maxList+1) + "]\n"
	_, err := Parse("x.toml", []byte(src), "box")
	want := "x.toml:4: egress: names: 257 entries, and at most 256 are taken"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPrintable(t *testing.T) {
	wants := map[string]string{
		"ssid":                   "ssid",
		"":                       `""`,
		"a b\n\x1b[2J":           `"a b\n\x1b[2J"`,
		strings.Repeat("é", 100): `"` + strings.Repeat("é", maxShown) + `..."`,
	}
	for in, want := range wants {
		if got := printable(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
