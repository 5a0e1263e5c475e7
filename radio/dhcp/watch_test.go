package dhcp

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPresent holds what is taken for an interface that went away, and what is not.
func TestPresent(t *testing.T) {
	_, gone := net.InterfaceByName("none0")
	full := &net.OpError{Op: "route", Net: "ip+net", Err: os.NewSyscallError("netlinkrib", unix.EMFILE)}
	var index int
	var err error
	w := &watch{iface: "seg0", find: func(string) (*net.Interface, error) { return &net.Interface{Index: index}, err }}
	now := time.Now()
	for _, tt := range []struct {
		name  string
		after time.Duration
		index int
		err   error
		want  string
	}{
		{"no descriptor at the start", watchPause, 0, full, ""},
		{"found", watchPause, 7, nil, ""},
		{"not looked at before the pause is over", watchPause - 1, 0, gone, ""},
		{"no descriptor", watchPause, 0, full, ""},
		{"still the same", watchPause, 7, nil, ""},
		{"another", watchPause, 8, nil, "look for seg0: the interface went away and came back"},
		{"gone", watchPause, 0, gone, "look for seg0: the interface went away: route ip+net: no such network interface"},
	} {
		now, index, err = now.Add(tt.after), tt.index, tt.err
		got := w.present(now)
		if text(got) != tt.want || errors.Is(got, errGone) != (tt.want != "") {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}
