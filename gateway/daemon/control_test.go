package daemon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// answering is a gateway of which only the control socket and what it needs run.
func answering(t testing.TB) (*Daemon, Client) {
	t.Helper()
	d := built(t, settings(t))
	running(t, plain{"event loop", d.loop.Run}, d.journal)
	running(t, d.control)
	return d, Client{Path: d.control.path}
}

func TestClient(t *testing.T) {
	d, c := answering(t)
	ctx := t.Context()
	if err := c.Add(ctx, gate); err != nil {
		t.Fatal(err)
	}
	ds, err := c.List(ctx)
	if want := []gateway.Device{porch, gate}; err != nil || !slices.Equal(ds, want) {
		t.Errorf("list %+v, %v, want %+v", ds, err, want)
	}
	if _, ok := d.table.Addr(gate.MAC); !ok {
		t.Error("gate has no address")
	}
	gatewaytest.Eventually(t, patience, "both devices in the snapshot", func() bool {
		s, err := c.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s.Gateway == "lab" && len(s.Devices) == 2
	})
	b, err := c.Status(ctx)
	if err != nil || !json.Valid(b) {
		t.Errorf("status %s, %v, want JSON", b, err)
	}
	got, err := c.Remove(ctx, "gate")
	if err != nil || got != gate {
		t.Errorf("removed %+v, %v, want %+v", got, err, gate)
	}
	_, err = c.Remove(ctx, "porch")
	wantError(t, err, "remove device porch: the configuration file lists it", "remove its [[device]] section there and restart")
	if fi, err := os.Stat(c.Path); err != nil || fi.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v, want 0660", fi.Mode(), err)
	}
}

func TestClientAlone(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, path := range []string{dead, filepath.Join(dir, "none.sock")} {
		_, err := Client{Path: path}.List(t.Context())
		if !errors.Is(err, ErrNotRunning) {
			t.Errorf("error %v, want that none runs", err)
		}
		wantError(t, err, "ask the gateway at "+path+": no gateway runs there", "start it with `photongate run`, or name its socket with --socket")
	}
}

// exchange sends bytes and returns the answer.
func exchange(t testing.TB, path string, ask []byte) answer {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go func() {
		// The gateway may close before all of a request that is too long is sent.
		conn.Write(ask)
		conn.(*net.UnixConn).CloseWrite()
	}()
	var a answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		t.Fatalf("%.60q: %v", ask, err)
	}
	return a
}

func TestControlRefuses(t *testing.T) {
	d, c := answering(t)
	tests := []struct{ name, ask, want, hint string }{
		{"nothing", "", "read the request: EOF", ""},
		{"torn", `{"do":"li`, "read the request: unexpected EOF", ""},
		{"not JSON", "GET / HTTP/1.1\r\n\r\n", "read the request: invalid character 'G' looking for beginning of value", ""},
		{"not an object", `[]`, "read the request: json: cannot unmarshal array into Go value of type daemon.request", ""},
		{"unknown member", `{"do":"list","sudo":true}`, `read the request: json: unknown field "sudo"`, ""},
		{"too long", `{"do":"` + strings.Repeat("x", requestLimit) + `"}`, "read the request: unexpected EOF", ""},
		{"no verb", `{}`, `"" is not something a gateway can be asked`, ""},
		{"unknown verb", `{"do":"reboot"}`, `"reboot" is not something a gateway can be asked`, ""},
		{"add nothing", `{"do":"add"}`, "add device: none is named", ""},
		{"add no MAC", `{"do":"add","device":{"mac":"6c"}}`, `read the request: "6c" is not a hardware address: want six pairs of hex digits, as in 6c:0b:84:59:72:95`, ""},
		{"add zero MAC", `{"do":"add","device":{"name":"x"}}`, "add device x: 00:00:00:00:00:00 is not the address of one device", ""},
		{"add bad name", `{"do":"add","device":{"name":"a b\u001b","mac":"6c:0b:84:00:00:02"}}`,
			`add device 6c:0b:84:00:00:02: "a b\x1b" is not a name: want 1 to 32 letters, digits, '.', '_' or '-'`, ""},
		{"remove nothing", `{"do":"remove"}`, "remove device : no such device is listed", "`photongate device list` shows the names"},
		{"remove pinned", `{"do":"remove","name":"porch"}`, "remove device porch: the configuration file lists it", "remove its [[device]] section there and restart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := exchange(t, c.Path, []byte(tt.ask))
			if a.Error != tt.want || a.Hint != tt.hint {
				t.Errorf("answer %q, hint %q, want %q, hint %q", a.Error, a.Hint, tt.want, tt.hint)
			}
		})
	}
	if n := d.devices.inventory().Len(); n != 1 {
		t.Errorf("%d devices are listed, want 1", n)
	}
}

// TestControlPinned wants a client not to be able to pin.
func TestControlPinned(t *testing.T) {
	d, c := answering(t)
	pinned := gate
	pinned.Pinned = true
	if err := c.Add(t.Context(), pinned); err != nil {
		t.Fatal(err)
	}
	if got, _ := d.devices.inventory().ByMAC(gate.MAC); got != gate {
		t.Errorf("listed as %+v, want %+v", got, gate)
	}
}

// TestControlCrowd wants more clients than are served at once all to be
// answered, also behind as many that connect and say nothing.
func TestControlCrowd(t *testing.T) {
	_, c := answering(t)
	for range callers + 4 {
		conn, err := net.Dial("unix", c.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, `{"do":`)
	}
	errs := make(chan error)
	for range 3 * callers {
		go func() { _, err := c.List(t.Context()); errs <- err }()
	}
	for range 3 * callers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestControlEnds wants the end of the gateway not to wait for clients that say
// nothing, and the socket to be gone behind it.
func TestControlEnds(t *testing.T) {
	gatewaytest.Leaks(t)
	d := built(t, settings(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.control.Run(ctx) }()
	gatewaytest.Closed(t, patience, "the control socket", d.control.Ready())
	var conns []net.Conn
	for range callers + 1 {
		conn, err := net.Dial("unix", d.control.path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	cancel()
	began := time.Now()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > requestTime/2 {
		t.Errorf("it took %s", took)
	}
	for _, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection is still open")
		}
	}
	if _, err := os.Stat(d.control.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestControlReplaces wants a dead run's socket to be replaced, and a file that
// cannot be to be named.
func TestControlReplaces(t *testing.T) {
	d := built(t, settings(t))
	if err := os.MkdirAll(filepath.Join(d.control.path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantError(t, d.control.Run(t.Context()), "replace control socket: remove "+d.control.path+": directory not empty", "")
	if err := os.RemoveAll(d.control.path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.control.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running(t, d.control)
}

// FuzzRequest wants every request to be answered or refused, and none to
// change what the configuration pins.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"do":"snapshot"}`, `{"do":"status"}`, `{"do":"list"}`, `{"do":"remove","name":"porch"}`, `{"do":"remove","name":""}`,
		`{"do":"add","device":{"name":"gate","mac":"6c:0b:84:00:00:02","id":"3a0027000447333136323739","pinned":true}}`,
		`{"do":"add","device":null}`, `{"do":[]}`, `{"do":"list"}{"do":"list"}`, "\x00", "",
	} {
		f.Add([]byte(s))
	}
	d := built(f, settings(f))
	running(f, plain{"event loop", d.loop.Run})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := d.control.answer(t.Context(), bytes.NewReader(b))
		if err == nil {
			if _, err := json.Marshal(a); err != nil {
				t.Error(err)
			}
		}
		if p, ok := d.devices.inventory().ByMAC(porch.MAC); !ok || p != porch {
			t.Errorf("porch is %+v", p)
		}
	})
}
