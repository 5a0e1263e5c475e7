package segment

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
	"photongate/radio/internal/run"
)

// address is the gateway's in all tests.
var address = netip.MustParsePrefix("192.168.77.1/24")

// cable adds the interface seg0, down, with IPv6 enabled and no address.
func cable(t *testing.T) {
	t.Helper()
	gatewaytest.Sh(t, "ip link add seg0 type veth peer name air0", "ip link set air0 up")
}

// look is the interface as a test compares it: addresses, up or down, IPv6.
func look(t *testing.T) string {
	t.Helper()
	words := []string{"down"}
	for _, line := range strings.Split(gatewaytest.Sh(t, "ip -o link show dev seg0", "ip -o -4 addr show dev seg0"), "\n") {
		f := strings.Fields(line)
		if strings.Contains(line, ",UP") {
			words[0] = "up"
		}
		if len(f) > 5 && f[2] == "inet" {
			words = append(words, f[3])
			if f[4] == "brd" {
				words = append(words, "brd "+f[5])
			}
		}
	}
	if newLink("seg0", nil).ipv6On() {
		words = append(words, "ipv6")
	}
	return strings.Join(words, " ")
}

// wantLook compares.
func wantLook(t *testing.T, when, want string) {
	t.Helper()
	if got := look(t); got != want {
		t.Errorf("%s the interface is %q, want %q", when, got, want)
	}
}

// keeping runs a keeper in the test's bubble; stop ends it.
func keeping(t *testing.T, dir string, events *gatewaytest.Events) (k *Keeper, stop func()) {
	t.Helper()
	k, err := New(Config{Interface: "seg0", Address: address, RuntimeDir: dir, Emit: events.Emit})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	return k, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	}
}

// kinds are the kinds of the events, which are then forgotten.
func kinds(e *gatewaytest.Events) []gateway.Kind {
	var all []gateway.Kind
	for _, ev := range e.All() {
		all = append(all, ev.Kind)
	}
	e.Reset()
	return all
}

// TestKeeper wants the address set, kept against others, and taken back.
func TestKeeper(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	dir := filepath.Join(t.TempDir(), "run")
	wantLook(t, "before", "down ipv6")
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		k, stop := keeping(t, dir, &events)
		<-k.Ready()
		synctest.Wait()
		const kept = "up 192.168.77.1/24 brd 192.168.77.255"
		wantLook(t, "when ready", kept)
		for _, harm := range []string{"ip addr flush dev seg0", "ip link set seg0 down", "echo 0 > /proc/sys/net/ipv6/conf/seg0/disable_ipv6"} {
			gatewaytest.Sh(t, harm)
			time.Sleep(every + time.Second)
			synctest.Wait()
			wantLook(t, "after "+harm, kept)
		}
		time.Sleep(proof)
		if got, want := kinds(&events), []gateway.Kind{gateway.PartOK, gateway.PartOK}; !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		stop()
		if got, want := k.String(), "segment 192.168.77.1/24 on seg0"; got != want {
			t.Errorf("named %q, want %q", got, want)
		}
	})
	wantLook(t, "at the end", "down ipv6")
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v are left in the runtime directory", left)
	}
}

// TestKeeperLeavesForeign wants what was there before to stay.
func TestKeeperLeavesForeign(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	gatewaytest.Sh(t, "ip link set seg0 up", "ip addr add 192.168.77.1/24 dev seg0", "ip addr add 10.0.0.1/8 dev seg0",
		"echo 1 > /proc/sys/net/ipv6/conf/seg0/disable_ipv6")
	const before = "up 192.168.77.1/24 10.0.0.1/8"
	wantLook(t, "before", before)
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		k, stop := keeping(t, t.TempDir(), &events)
		<-k.Ready()
		stop()
	})
	wantLook(t, "at the end", before)
}

// TestKeeperWaits wants a missing interface waited for, and told once.
func TestKeeperWaits(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		k, stop := keeping(t, dir, &events)
		time.Sleep(time.Minute)
		all := events.All()
		if len(all) != 1 || all[0].Kind != gateway.PartFailed || all[0].Part != gateway.PartSegment ||
			all[0].Text != "find interface seg0: the interface does not exist" || all[0].Hint == "" {
			t.Errorf("events %+v, want one failure with a hint", all)
		}
		cable(t)
		<-k.Ready()
		synctest.Wait()
		gatewaytest.Sh(t, "ip link del seg0")
		time.Sleep(every + time.Second)
		cable(t)
		time.Sleep(every + time.Second)
		synctest.Wait()
		wantLook(t, "back again", "up 192.168.77.1/24 brd 192.168.77.255")
		want := []gateway.Kind{gateway.PartFailed, gateway.PartOK, gateway.PartFailed, gateway.PartOK}
		if got := kinds(&events); !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		gatewaytest.Sh(t, "ip link del seg0")
		stop()
	})
}

// TestCleanup wants the changes of a keeper that was killed taken back, by
// cleanup as often as it is called, and by the next keeper.
func TestCleanup(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	dir := t.TempDir()
	killed := func() {
		k, err := New(Config{Interface: "seg0", Address: address, RuntimeDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		k.rec = record{Interface: "seg0"}
		if err := k.mend(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantLook(t, "when killed", "up 192.168.77.1/24 brd 192.168.77.255")
	}
	killed()
	for range 2 {
		if err := Cleanup(t.Context(), dir); err != nil {
			t.Error(err)
		}
		wantLook(t, "after cleanup", "down ipv6")
	}
	killed()
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		k, stop := keeping(t, dir, &events)
		<-k.Ready()
		stop()
	})
	wantLook(t, "after the next keeper", "down ipv6")
	killed()
	gatewaytest.Sh(t, "ip link del seg0")
	if err := Cleanup(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

// TestRunGivesUp wants missing rights and a missing program to end Run.
func TestRunGivesUp(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	_, absent := run.Once(t.Context(), nil, "photongate-no-such-program")
	tests := []struct {
		err        error
		want, hint string
	}{
		{errors.New("run ip: exit status 2: RTNETLINK answers: Operation not permitted"),
			"add 192.168.77.1/24 to seg0: run ip: exit status 2: RTNETLINK answers: Operation not permitted",
			"ip needs CAP_NET_ADMIN: run as root, or by the unit that comes with the package"},
		{absent, "add 192.168.77.1/24 to seg0: " + absent.Error(), "install the package that contains photongate-no-such-program"},
	}
	for _, tt := range tests {
		k, err := New(Config{Interface: "seg0", Address: address, RuntimeDir: t.TempDir(),
			Run: func(context.Context, []byte, string, ...string) ([]byte, error) { return nil, tt.err }})
		if err != nil {
			t.Fatal(err)
		}
		err = k.Run(t.Context())
		var h *gateway.Hinted
		if err == nil || err.Error() != tt.want || !errors.As(err, &h) || h.Hint != tt.hint {
			t.Errorf("error %v with hint %+v\nwant %s with %s", err, h, tt.want, tt.hint)
		}
	}
}

// TestNewRefuses wants every wrong config refused, in words.
func TestNewRefuses(t *testing.T) {
	name := " is not the name of an interface: want 1 to 15 characters without space, slash and colon"
	tests := []struct {
		iface, addr, dir, want string
	}{
		{"", "192.168.77.1/24", "/run", `""` + name},
		{"..", "192.168.77.1/24", "/run", `".."` + name},
		{"-all", "192.168.77.1/24", "/run", `"-all"` + name},
		{"a/b", "192.168.77.1/24", "/run", `"a/b"` + name},
		{"seg0", "192.168.77.0/24", "/run", "address 192.168.77.0/24 is not an IPv4 address with its network, as in 192.168.77.1/24"},
		{"seg0", "fd00::1/64", "/run", "address fd00::1/64 is not an IPv4 address with its network, as in 192.168.77.1/24"},
		{"seg0", "192.168.77.1/24", "", "no runtime directory is named"},
	}
	for _, tt := range tests {
		_, err := New(Config{Interface: tt.iface, Address: netip.MustParsePrefix(tt.addr), RuntimeDir: tt.dir})
		if err == nil || err.Error() != "set up the segment: "+tt.want {
			t.Errorf("error %v\n want set up the segment: %s", err, tt.want)
		}
	}
}

// FuzzReadRecord wants no panic and no path instead of a name, whatever the file says.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"interface":"seg0","address":"192.168.77.1/24","raised":true,"ipv6_off":true}`))
	f.Add([]byte(`{"interface":"../../x"}`))
	f.Add([]byte(`{"interface`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, recordName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, ok, err := readRecord(dir)
		if ok == (err != nil) {
			t.Errorf("ok %t with error %v", ok, err)
		}
		if ok && strings.Contains(r.Interface, "/") {
			t.Errorf("interface %q", r.Interface)
		}
	})
}
