package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"photongate/gateway"
)

// ledger is a whitelist with a record of what was enforced and announced.
type ledger struct {
	*whitelist
	path     string
	enforced []int
	said     []string
	refuse   error
}

// newLedger opens the whitelist in a file that holds text; empty is no file.
func newLedger(t *testing.T, text string, pinned ...gateway.Device) *ledger {
	t.Helper()
	l := &ledger{path: filepath.Join(t.TempDir(), "devices.json")}
	if text != "" {
		if err := os.WriteFile(l.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.open(t, pinned...)
	return l
}

// open reads the file, as the next run does.
func (l *ledger) open(t *testing.T, pinned ...gateway.Device) (dropped []string) {
	t.Helper()
	w, dropped, err := openWhitelist(l.path, pinned)
	if err != nil {
		t.Fatal(err)
	}
	w.apply = func(_ context.Context, inv gateway.Inventory) error {
		l.enforced = append(l.enforced, inv.Len())
		if len(l.enforced) == 1 {
			return l.refuse
		}
		return nil
	}
	w.changed = func(d gateway.Device, what string) { l.said = append(l.said, what+" "+d.Label()) }
	l.whitelist = w
	return dropped
}

// names lists the labels.
func (l *ledger) names() []string {
	var out []string
	for _, d := range l.inventory().All() {
		out = append(out, d.Label())
	}
	return out
}

// want compares the labels.
func (l *ledger) want(t *testing.T, names ...string) {
	t.Helper()
	if got := l.names(); !slices.Equal(got, names) {
		t.Errorf("listed %q, want %q", got, names)
	}
}

func TestWhitelistAddRemove(t *testing.T) {
	l := newLedger(t, "", porch)
	if err := l.add(t.Context(), gate); err != nil {
		t.Fatal(err)
	}
	l.want(t, "porch", "gate")
	l.open(t, porch)
	l.want(t, "porch", "gate")
	d, err := l.remove(t.Context(), gate.MAC.String())
	if err != nil || d != gate {
		t.Errorf("removed %+v, %v, want %+v", d, err, gate)
	}
	l.want(t, "porch")
	l.open(t, porch)
	l.want(t, "porch")
	if want := []int{2, 1}; !slices.Equal(l.enforced, want) {
		t.Errorf("enforced lists of %d, want %d", l.enforced, want)
	}
	if want := []string{"added gate", "removed gate"}; !slices.Equal(l.said, want) {
		t.Errorf("announced %q, want %q", l.said, want)
	}
}

func TestWhitelistRefuses(t *testing.T) {
	const noSuch = "`photongate device list` shows the names"
	nameless := gateway.Device{MAC: gateway.MAC{2, 0, 0, 0, 0, 9}}
	add := func(d gateway.Device) func(*ledger) error {
		return func(l *ledger) error { return l.add(t.Context(), d) }
	}
	remove := func(name string) func(*ledger) error {
		return func(l *ledger) error { _, err := l.remove(t.Context(), name); return err }
	}
	tests := []struct {
		name       string
		do         func(*ledger) error
		want, hint string
	}{
		{"listed already", add(gateway.Device{Name: "else", MAC: porch.MAC}), "add device else: 6c:0b:84:00:00:01 is listed already as porch", ""},
		{"name clash", add(gateway.Device{Name: "porch", MAC: gate.MAC}), "add device porch: the name belongs to 6c:0b:84:00:00:01", ""},
		{"id clash", add(gateway.Device{Name: "gate", MAC: gate.MAC, ID: id1}), "add device gate: the id belongs to 6c:0b:84:00:00:01", ""},
		{"no MAC", add(gateway.Device{Name: "gate"}), "add device gate: 00:00:00:00:00:00 is not the address of one device", ""},
		{"group", add(gateway.Device{Name: "gate", MAC: gateway.MAC{1}}), "add device gate: 01:00:00:00:00:00 is not the address of one device", ""},
		{"pinned", remove("porch"), "remove device porch: the configuration file lists it", "remove its [[device]] section there and restart"},
		{"unknown", remove("attic"), "remove device attic: no such device is listed", noSuch},
		// A device without a name and an id is listed: neither of these means it.
		{"no name", remove(""), "remove device : no such device is listed", noSuch},
		{"no id", remove(strings.Repeat("0", 24)), "remove device 000000000000000000000000: no such device is listed", noSuch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := porch
			p.ID = id1
			l := newLedger(t, "", p)
			if err := l.add(t.Context(), nameless); err != nil {
				t.Fatal(err)
			}
			l.enforced, l.said = nil, nil
			wantError(t, tt.do(l), tt.want, tt.hint)
			l.want(t, nameless.MAC.String(), "porch")
			if len(l.enforced)+len(l.said) > 0 {
				t.Errorf("enforced %d, announced %q, want nothing", l.enforced, l.said)
			}
		})
	}
}

func TestWhitelistFull(t *testing.T) {
	l := newLedger(t, "")
	inv := l.inventory()
	for i := range maxDevices {
		next, err := inv.With(gateway.Device{MAC: gateway.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}})
		if err != nil {
			t.Fatal(err)
		}
		inv = next
	}
	l.inv.Store(&inv)
	wantError(t, l.add(t.Context(), gate), "add device gate: 1024 devices are listed, the limit", "")
}

// TestWhitelistUnwritable wants a change that cannot be kept to be enforced
// nowhere.
func TestWhitelistUnwritable(t *testing.T) {
	l := newLedger(t, "", porch)
	if err := os.Remove(filepath.Dir(l.path)); err != nil {
		t.Fatal(err)
	}
	err := l.add(t.Context(), gate)
	if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "keep the learned devices: ") {
		t.Errorf("error %v, want that it cannot be kept", err)
	}
	l.want(t, "porch")
	if len(l.enforced)+len(l.said) > 0 {
		t.Errorf("enforced %d, announced %q, want nothing", l.enforced, l.said)
	}
}

// TestWhitelistUnenforceable wants a change that the firewall refuses to be
// taken back everywhere, in the file as well.
func TestWhitelistUnenforceable(t *testing.T) {
	l := newLedger(t, "", porch)
	l.refuse = errors.New("load the ruleset: no")
	wantError(t, l.add(t.Context(), gate), "load the ruleset: no", "")
	l.want(t, "porch")
	if want := []int{2, 1}; !slices.Equal(l.enforced, want) {
		t.Errorf("enforced lists of %d, want %d", l.enforced, want)
	}
	l.open(t, porch)
	l.want(t, "porch")
}

func TestWhitelistLearn(t *testing.T) {
	l := newLedger(t, "", porch)
	for _, id := range []gateway.DeviceID{{}, id1, id2} {
		if err := l.learn(t.Context(), porch.MAC, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.learn(t.Context(), gate.MAC, id2); err != nil {
		t.Fatal(err)
	}
	l.open(t, porch)
	want := porch
	want.ID = id1
	if got := l.inventory().All(); !slices.Equal(got, []gateway.Device{want}) {
		t.Errorf("listed %+v, want %+v alone", got, want)
	}
	if len(l.enforced)+len(l.said) > 0 {
		t.Errorf("enforced %d, announced %q, want nothing: an id changes no rule", l.enforced, l.said)
	}
}

// TestWhitelistUnpinned wants a device whose section is gone from the
// configuration to be gone from the whitelist, though its id was learned.
func TestWhitelistUnpinned(t *testing.T) {
	l := newLedger(t, "", porch)
	if err := l.learn(t.Context(), porch.MAC, id1); err != nil {
		t.Fatal(err)
	}
	l.open(t)
	l.want(t)
}

func TestWhitelistFile(t *testing.T) {
	tests := []struct {
		name, file string
		pinned     []gateway.Device
		want       []string
		dropped    []string
	}{
		{"empty list", "[]", nil, nil, nil},
		{"null", "null", nil, nil, nil},
		{"learned", `[{"name":"gate","mac":"6c:0b:84:00:00:02"}]`, nil, []string{"gate"}, nil},
		{"pinned since", `[{"name":"old","mac":"6c:0b:84:00:00:01"}]`, []gateway.Device{porch}, []string{"porch"}, nil},
		{"name taken", `[{"name":"porch","mac":"6c:0b:84:00:00:02"}]`, []gateway.Device{porch}, []string{"porch"},
			[]string{"add device porch: the name belongs to 6c:0b:84:00:00:01"}},
		{"no MAC", `[{"name":"gate"}]`, nil, nil, []string{"add device gate: 00:00:00:00:00:00 is not the address of one device"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLedger(t, tt.file, tt.pinned...)
			dropped := l.open(t, tt.pinned...)
			l.want(t, tt.want...)
			if !slices.Equal(dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", dropped, tt.dropped)
			}
		})
	}
}

// FuzzDevices wants every file to be refused or to make a list that can be kept.
func FuzzDevices(f *testing.F) {
	for _, s := range []string{"", "[]", "null", `[{"mac":"6c:0b:84:00:00:02","id":"3a0027000447333136323739","pinned":true}]`, `[{"mac":1}]`} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "devices.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w, _, err := openWhitelist(path, []gateway.Device{porch})
		if err != nil {
			return
		}
		if err := w.save(w.inventory()); err != nil {
			t.Fatal(err)
		}
		again, dropped, err := openWhitelist(path, []gateway.Device{porch})
		if err != nil || len(dropped) > 0 || !slices.Equal(again.inventory().All(), w.inventory().All()) {
			t.Errorf("kept %+v, read %+v, %v, %v", w.inventory().All(), again, dropped, err)
		}
	})
}
