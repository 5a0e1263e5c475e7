package incident

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// sample is a bundle of a fault, with everything in it.
func sample(t *testing.T) Bundle {
	t.Helper()
	b, _ := record(t, faults[0], 3, 1024, 0, false)
	b.ID, b.Alert.Fired, b.Alert.Since, b.Alert.Last, b.Alert.Count = "0007", b.Made, b.Made.Add(-time.Minute), b.Made, 3
	b.Alert.Causes = []string{"device.offline."}
	b.Log = []byte("level=WARN msg=alert key=egress.path\n")
	b.Captures = map[string][]byte{"porch.pcapng": capture(3, 80)}
	return b
}

// block is one block of a pcapng file.
func block(kind uint32, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
}

// capture is a pcapng file of n packets with size bytes each that do not compress.
func capture(n, size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	head := binary.LittleEndian.AppendUint32(nil, orderMagic)
	out := append(block(blockSection, append(head, make([]byte, 12)...)), block(1, make([]byte, 8))...)
	for range n {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(r.Uint32())
		}
		out = append(out, block(blockEnhanced, body)...)
	}
	return out
}

// TestRoundTrip: what is written is read.
func TestRoundTrip(t *testing.T) {
	want := sample(t)
	got := passed(t, want)
	// Read gives empty lists where there were none.
	want.Cut = []string{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestManifest: the manifest is what other tools read.
func TestManifest(t *testing.T) {
	var buf bytes.Buffer
	if err := Write(&buf, sample(t)); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "manifest.json events.jsonl verdict.json alert.json log.txt porch.pcapng" {
		t.Errorf("the files are %s", got)
	}
	for _, name := range []string{manifestName, alertName, verdictName} {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		gatewaytest.Golden(t, "testdata/"+name, string(got))
	}
}

// TestCut: what does not fit goes in order, and the manifest says so.
func TestCut(t *testing.T) {
	many := func(b Bundle) Bundle {
		r := rand.New(rand.NewPCG(3, 4))
		for i := range 3000 {
			b.Events = append(b.Events, gateway.Event{Time: b.Made, Kind: gateway.DeviceLog, MAC: porch, Code: i, Text: fmt.Sprintf("%x %x", r.Uint64(), r.Uint64())})
		}
		return b
	}
	for _, tt := range []struct {
		name  string
		limit int
		make  func(Bundle) Bundle
		want  []string
	}{
		{"fits", MaxBundle, many, nil},
		{"captures", 40 << 10, func(b Bundle) Bundle {
			b.Captures["porch.pcapng"] = capture(1000, 80)
			return b
		}, []string{"of 92048 bytes of porch.pcapng, its oldest packets"}},
		{"no pcapng", 40 << 10, func(b Bundle) Bundle {
			b.Captures["porch.pcapng"] = capture(1000, 80)[4:]
			return b
		}, []string{"92044 of 92044 bytes of porch.pcapng, its oldest packets"}},
		{"events", 40 << 10, many, []string{"324 of 324 bytes of porch.pcapng, its oldest packets", "of 3045 events"}},
		{"log", MaxBundle, func(b Bundle) Bundle {
			b.Log = bytes.Repeat([]byte("one line\n"), 100000)
			return b
		}, []string{"all but the last 262143 bytes of the log"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := encode(tt.make(sample(t)), tt.limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > tt.limit {
				t.Errorf("%d bytes, more than %d", len(data), tt.limit)
			}
			b, err := Read(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Cut) != len(tt.want) {
				t.Fatalf("cut %q, want %q", b.Cut, tt.want)
			}
			for i := range b.Cut {
				if !strings.HasSuffix(b.Cut[i], tt.want[i]) {
					t.Errorf("cut %q, want %q", b.Cut, tt.want)
				}
			}
			if _, devices := Replay(b); tt.name != "log" && findingOf(devices).code != b.Verdict.Code {
				t.Errorf("replays to %s, want %s", findingOf(devices).code, b.Verdict.Code)
			}
			if c := b.Captures["porch.pcapng"]; tt.name == "captures" {
				if all := capture(1000, 80); len(c) < 20<<10 || !bytes.HasSuffix(all, c[100:]) || !bytes.HasPrefix(all, c[:48]) {
					t.Errorf("%d bytes of the capture are left, or not the latest", len(c))
				}
			}
		})
	}
}

// TestWriteFails: errors say what was done, and why it did not work.
func TestWriteFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, tt := range []struct {
		name string
		w    io.Writer
		b    Bundle
		want string
	}{
		{"full", full, Bundle{}, "write bundle: write /dev/full: no space left on device"},
		{"name", io.Discard, Bundle{Captures: map[string][]byte{"../x.pcapng": nil}},
			`write bundle: "../x.pcapng" is not the name of a capture: want letters, digits and .-_ with .pcapng at the end`},
		{"devices", io.Discard, Bundle{Devices: make([]gateway.Device, 2000)}, "write bundle: 2000 devices are more than 1024"},
		{"document", io.Discard, Bundle{Gateway: strings.Repeat("x", 1<<20)}, "write bundle: encode manifest.json: 1048970 bytes are more than 524288"},
		{"time", io.Discard, Bundle{Events: []gateway.Event{{Kind: "x", Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}},
			`write bundle: encode an event of kind "x": json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]`},
	} {
		if err := Write(tt.w, tt.b); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v\nwant %s", tt.name, err, tt.want)
		}
	}
	if _, err := encode(Bundle{}, 10); err == nil || !strings.HasSuffix(err.Error(), "bytes are more than 10, and nothing can be left out") {
		t.Errorf("got %v", err)
	}
}

// packFiles makes a zip file of names and texts, in turn.
func packFiles(t testing.TB, texts ...string) []byte {
	t.Helper()
	var files []packed
	for i := 0; i+1 < len(texts); i += 2 {
		files = append(files, packed{texts[i], []byte(texts[i+1])})
	}
	data, err := archive(files, start)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestReadHostile: what is no bundle, or more than one, is refused.
func TestReadHostile(t *testing.T) {
	const good = `{"schema":1}`
	bomb := packFiles(t, manifestName, good, eventsName, strings.Repeat(" ", maxEventBytes+1))
	torn := packFiles(t, manifestName, good, eventsName, strings.Repeat("{}", 2000))
	torn[bytes.Index(torn, []byte(eventsName))+len(eventsName)+10] ^= 0xff
	var many []string
	for i := range maxFiles + 1 {
		many = append(many, fmt.Sprint("f", i), "")
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"text", []byte("hello"), "read bundle: not an incident bundle: zip: not a valid zip file"},
		{"empty", packFiles(t), "read bundle: it has no manifest.json: not an incident bundle"},
		{"large", make([]byte, MaxBundle+1), "read bundle: its 1048577 bytes are more than 1048576: not an incident bundle"},
		{"many", packFiles(t, many...), "read bundle: its 33 files are more than 32: not an incident bundle"},
		{"later", packFiles(t, manifestName, `{"schema":2,"made":[]}`), "read bundle: its schema is 2, and this program reads schemas up to 1"},
		{"none", packFiles(t, manifestName, `{}`), "read bundle: its schema is 0: not an incident bundle"},
		{"broken", packFiles(t, manifestName, `{`), "read bundle: read manifest.json: unexpected end of JSON input"},
		{"bomb", bomb, "read bundle: unpack events.jsonl: it has more than 8388608 bytes"},
		{"torn", torn, "read bundle: unpack events.jsonl: flate: corrupt input before offset 3"},
	} {
		_, err := Read(bytes.NewReader(tt.data), int64(len(tt.data)))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v\nwant %s", tt.name, err, tt.want)
		}
	}
	var hinted *gateway.Hinted
	later := packFiles(t, manifestName, `{"schema":2}`)
	if _, err := Read(bytes.NewReader(later), int64(len(later))); !errors.As(err, &hinted) {
		t.Errorf("no hint for a later schema: %v", err)
	}
}

// TestReadTolerant: what is not known is ignored, and broken lines are counted.
func TestReadTolerant(t *testing.T) {
	data := packFiles(t, manifestName, `{"schema":1,"gateway":"lab-3","news":1}`,
		eventsName, "{\"kind\":\"leased\"}\nnonsense\n\n{\"kind\":\"phase\",\"phase\":\"none such\"}\n{\"kind\":\"part-ok\"}",
		"../../etc/passwd", "x", "/abs.pcapng", "x", "a/b.pcapng", "x", "readme.txt", "x", "porch.pcapng", "packets")
	b, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != 2 || b.Skipped != 2 || b.Gateway != "lab-3" || len(b.Captures) != 1 || string(b.Captures["porch.pcapng"]) != "packets" {
		t.Errorf("got %+v", b)
	}
}

// FuzzRead: no file makes Read or Replay panic or take more than it may.
func FuzzRead(f *testing.F) {
	f.Add(packFiles(f, manifestName, `{"schema":1,"devices":[{"mac":"6c:0b:84:59:72:95"}]}`, eventsName, "{\"kind\":\"leased\",\"mac\":\"6c:0b:84:59:72:95\"}\n"))
	f.Add(packFiles(f, manifestName, `{"schema":2}`))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if len(b.Events) > maxEvents || len(b.Devices) > maxDevices || len(b.Log) > maxLog {
			t.Errorf("%d events, %d devices, %d bytes of log", len(b.Events), len(b.Devices), len(b.Log))
		}
		for name := range b.Captures {
			if strings.ContainsAny(name, "/\\") {
				t.Errorf("capture %q", name)
			}
		}
		Replay(Redact(b))
	})
}

// FuzzLatestPackets: no capture makes it panic or grow.
func FuzzLatestPackets(f *testing.F) {
	f.Add(capture(3, 16), 100)
	f.Add(capture(3, 16)[:90], 1000)
	f.Add(block(blockSection, nil), 0)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if got := latestPackets(data, n); len(got) > max(n, 0) || len(got) > len(data) {
			t.Errorf("%d bytes of %d, with room for %d", len(got), len(data), n)
		}
	})
}
