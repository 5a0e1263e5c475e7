package config

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"photongate/gateway"
)

// update rewrites the golden files.
var update = flag.Bool("update", false, "rewrite the golden files")

// defaults is the configuration of a file that names an interface only.
func defaults() Config {
	return Config{
		Gateway: Gateway{Name: "box", StateDir: "/var/lib/photongate", RuntimeDir: "/run/photongate"},
		Segment: Segment{Interface: "eth1", Address: netip.MustParsePrefix("192.168.77.1/24")},
		AP:      AP{Mode: ModeWired, Channel: 6, Hidden: true, Security: SecurityOpen},
		Egress:  Egress{Cloud: HostPort{Host: "device.spark.io", Port: 5683}},
		USB:     USB{Policy: USBOff},
	}
}

// device is a pinned entry.
func device(t *testing.T, name, mac, id string) gateway.Device {
	t.Helper()
	m, err := gateway.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	d := gateway.Device{Name: name, MAC: m, Pinned: true}
	if err := d.ID.UnmarshalText([]byte(id)); err != nil {
		t.Fatal(err)
	}
	return d
}

// full is the configuration of testdata/good/full.toml.
func full(t *testing.T) Config {
	t.Helper()
	return Config{
		Gateway: Gateway{Name: "lab-3", StateDir: "/srv/photongate", RuntimeDir: "/run/lab"},
		Segment: Segment{Interface: "wlan0.12", Address: netip.MustParsePrefix("10.20.30.1/29")},
		AP:      AP{Mode: ModeWired, SSID: "photons of hall 3", Channel: 11, Country: "DE", Security: SecurityWPA2},
		Egress: Egress{
			Cloud: HostPort{Host: "cloud.example", Port: 15683},
			Names: []string{"old.example", "new.example"},
			Approved: Approval{
				Prefixes: []netip.Prefix{
					netip.MustParsePrefix("52.90.98.3/32"),
					netip.MustParsePrefix("54.175.0.0/16"),
					netip.MustParsePrefix("2001:db8::/32"),
				},
				Names: []string{"cloud.example"},
			},
			Resolvers: []netip.AddrPort{
				netip.MustParseAddrPort("10.0.0.1:53"),
				netip.MustParseAddrPort("10.0.0.2:5353"),
				netip.MustParseAddrPort("[2001:db8::53]:53"),
			},
			Source:    netip.MustParseAddr("10.0.0.7"),
			Interface: "eth0",
		},
		USB: USB{Policy: USBOff},
		MQTT: MQTT{
			URL:          &url.URL{Scheme: "ssl", Host: "broker.example:8883"},
			Username:     "lab",
			PasswordFile: "/etc/photongate/mqtt-password",
			CAFile:       "/etc/photongate/ca.pem",
			CertFile:     "/etc/photongate/cert.pem",
			KeyFile:      "/etc/photongate/key.pem",
		},
		Devices: []gateway.Device{
			device(t, "porch", "6c:0b:84:59:72:95", "3a0027000447333136323739"),
			device(t, "attic.2", "6c:0b:84:59:72:96", ""),
		},
		Lint: Problems{{
			File: "full.toml", Line: 12, Where: "ap: ssid",
			Text: `"photons of hall 3" has more than letters, digits, '-' and '_', which some firmware stumbles over`,
			Hint: "choose a plainer name where you can",
		}},
	}
}

// inline is the configuration of testdata/good/inline.toml.
func inline(t *testing.T) Config {
	t.Helper()
	c := defaults()
	c.Segment.Address = netip.MustParsePrefix("172.16.0.1/16")
	c.Egress.Cloud = HostPort{Host: "192.0.2.7", Port: 5683}
	c.Egress.Approved.Prefixes = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	c.MQTT.URL = &url.URL{Scheme: "ws", Host: "[2001:db8::1]:9001", Path: "/mqtt"}
	c.Devices = []gateway.Device{
		device(t, "a", "6c:0b:84:00:00:01", ""),
		device(t, "b", "6c:0b:84:00:00:02", ""),
	}
	return c
}

// wanted is the configuration of testdata/good/wanted.toml.
func wanted() Config {
	c := defaults()
	c.USB.Policy = USBProvision
	c.HTTP.Listen = netip.MustParseAddrPort("127.0.0.1:9585")
	c.Lint = Problems{
		{File: "wanted.toml", Line: 7, Where: "usb: policy", Text: `"provision" is not in this version`, Hint: "until then devices are provisioned by hand"},
		{File: "wanted.toml", Line: 9, Where: "http: listen", Text: "the status page is not in this version, and nothing listens there", Hint: "`photongate status` shows the same"},
	}
	return c
}

// readTest reads a file of testdata.
func readTest(t testing.TB, path string) []byte {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestParseGood(t *testing.T) {
	wants := map[string]Config{"minimal.toml": defaults(), "full.toml": full(t), "inline.toml": inline(t), "wanted.toml": wanted()}
	paths, err := filepath.Glob("testdata/good/*.toml")
	if err != nil || len(paths) != len(wants) {
		t.Fatalf("got %d files and error %v, want %d files", len(paths), err, len(wants))
	}
	dress := map[string]func([]byte) []byte{
		"as it is":             func(b []byte) []byte { return b },
		"crlf":                 func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"byte order mark":      func(b []byte) []byte { return append([]byte("\ufeff"), b...) },
		"without last newline": bytes.TrimSpace,
	}
	for _, path := range paths {
		name := filepath.Base(path)
		for how, change := range dress {
			t.Run(name+" "+how, func(t *testing.T) {
				got, err := Parse(name, change(readTest(t, path)), "box")
				if err != nil {
					t.Fatalf("got error:\n%v", err)
				}
				if want := wants[name]; !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%+v, want\n%+v", got, want)
				}
				if _, err := gateway.NewInventory(got.Devices); err != nil {
					t.Errorf("inventory: %v", err)
				}
			})
		}
	}
}

func TestParseBad(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d files and error %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, err := Parse(filepath.Base(path), readTest(t, path), "box")
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got error %v, want Problems", err)
			}
			if !reflect.DeepEqual(c, Config{}) {
				t.Errorf("got %+v beside the problems, want the zero Config", c)
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "hunter") {
				t.Error("a secret stands in the message")
			}
			golden := strings.TrimSuffix(path, ".toml") + ".err"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(readTest(t, golden)); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestReference(t *testing.T) {
	got, err := Parse("reference.toml", Reference(), "box")
	if err != nil {
		t.Fatal(err)
	}
	if want := defaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	var ns notes
	doc := readDocument(Reference(), &ns)
	for _, table := range schema() {
		for _, key := range table.keys {
			e, ok := doc.section(table.name).entries[key]
			if table.list {
				ok = strings.Contains(reference, "\n# "+key+" = ")
			} else if ok {
				ok = strings.HasPrefix(strings.Split(reference, "\n")[e.line-1], key+" = ")
			}
			if !ok {
				t.Errorf("%s.%s is not in the reference", table.name, key)
			}
		}
	}
	// The commented device is one that works.
	lines := strings.Split(reference, "\n# [[device]]\n")
	if len(lines) != 2 {
		t.Fatal("want one commented [[device]]")
	}
	src := lines[0] + "\n[[device]]\n" + strings.ReplaceAll(lines[1], "# ", "")
	if c, err := Parse("reference.toml", []byte(src), "box"); err != nil || len(c.Devices) != 1 {
		t.Errorf("got %d devices and error %v, want 1 device", len(c.Devices), err)
	}
}

func TestHostName(t *testing.T) {
	src := []byte("[segment]\ninterface = \"eth1\"\n")
	_, err := Parse("x.toml", src, "")
	want := `x.toml:1: gateway: name: the host name "" is not one level of an MQTT topic` +
		"\n  hint: name the gateway, as in name = \"lab-3\""
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c, err := Parse("x.toml", append(src, "[gateway]\nname = \"lab\"\n"...), "")
	if err != nil || c.Gateway.Name != "lab" {
		t.Errorf("got name %q and error %v, want lab", c.Gateway.Name, err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "photongate.toml")
	_, err := Load(path)
	want := "read configuration: open " + path + ": no such file or directory"
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var h *gateway.Hinted
	if !errors.As(err, &h) || h.Hint == "" {
		t.Errorf("got no hint with %v", err)
	}
	if err := os.WriteFile(path, Reference(), 0o600); err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.Gateway.Name != host {
		t.Errorf("got name %q and error %v, want %q", c.Gateway.Name, err, host)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("#\n"), maxSize), 0o600); err != nil {
		t.Fatal(err)
	}
	want = path + ":1: the file is larger than 256 KiB"
	if _, err := Load(path); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	src := "[segment]\ninterface = \"eth1\"\n" + strings.Repeat("[x]\n", maxProblems+7)
	_, err := Parse("x.toml", []byte(src), "box")
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != maxProblems+1 {
		t.Fatalf("got %d problems, want %d", len(ps), maxProblems+1)
	}
	want := Problem{File: "x.toml", Line: 103, Text: "7 more problems follow"}
	if got := ps[maxProblems]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
