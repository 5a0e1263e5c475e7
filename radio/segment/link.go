package segment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"photongate/gateway"
	"photongate/radio/internal/run"
)

// limit bounds one call of ip, which asks the kernel one question and ends.
// Ten seconds are what the firewall grants nft, for the same lock.
const limit = 10 * time.Second

var (
	// errSlow is why a call of ip was ended.
	errSlow = fmt.Errorf("ip did not end within %s", limit)
	// errName says what the name of an interface looks like (Linux: IFNAMSIZ is
	// 16 with the final zero; dev_valid_name forbids slash, colon and space).
	errName = errors.New("not the name of an interface: want 1 to 15 characters without space, slash and colon")
)

// command starts a program and returns its output: run.Once, or that of a test.
type command = func(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error)

// link is an interface of this machine, by name.
type link struct {
	name string
	exec command
	// proc is /proc/sys/net/ipv6/conf, or a test's.
	proc string
}

// newLink is the interface name of this machine.
func newLink(name string, exec command) link {
	if exec == nil {
		exec = run.Once
	}
	return link{name: name, exec: exec, proc: "/proc/sys/net/ipv6/conf"}
}

// state is what the kernel says of an interface.
type state struct {
	exists, up, addressed bool
	// carrier: something is at the other end, or the driver cannot tell.
	carrier bool
}

// look asks the kernel whether the interface is there, up, and has addr.
func (l link) look(addr netip.Prefix) (state, error) {
	ifi, err := net.InterfaceByName(l.name)
	if err != nil {
		// The library has no error of its own for this.
		if strings.Contains(err.Error(), "no such network interface") {
			return state{}, nil
		}
		return state{}, fmt.Errorf("look at interface %s: %w", l.name, err)
	}
	// IFF_RUNNING is the operational state up or unknown (Linux,
	// Documentation/networking/operstates.rst): no carrier clears it.
	s := state{exists: true, up: ifi.Flags&net.FlagUp != 0, carrier: ifi.Flags&net.FlagRunning != 0}
	addrs, err := ifi.Addrs()
	if err != nil {
		return state{}, fmt.Errorf("look at interface %s: %w", l.name, err)
	}
	for _, a := range addrs {
		s.addressed = s.addressed || a.String() == addr.String()
	}
	return s, nil
}

// add gives the interface addr, with the network's broadcast address.
func (l link) add(ctx context.Context, addr netip.Prefix) error {
	return l.ip(ctx, fmt.Sprintf("add %s to %s", addr, l.name),
		"-4", "addr", "replace", addr.String(), "broadcast", "+", "dev", l.name)
}

// remove takes addr from the interface.
func (l link) remove(ctx context.Context, addr netip.Prefix) error {
	return l.ip(ctx, fmt.Sprintf("remove %s from %s", addr, l.name), "-4", "addr", "del", addr.String(), "dev", l.name)
}

// set sets the link "up" or "down".
func (l link) set(ctx context.Context, to string) error {
	return l.ip(ctx, fmt.Sprintf("set %s %s", l.name, to), "link", "set", "dev", l.name, to)
}

// ip runs ip(8), of iproute2 or busybox, for the purpose that doing names.
func (l link) ip(ctx context.Context, doing string, args ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	if _, err := l.exec(ctx, nil, "ip", args...); err != nil {
		err = fmt.Errorf("%s: %w", doing, err)
		if notPermitted(err) {
			return gateway.Hint(err, "ip needs CAP_NET_ADMIN: run as root, or by the unit that comes with the package")
		}
		return err
	}
	return nil
}

// notPermitted tells whether an error of ip is for want of rights, by its words
// in English.
func notPermitted(err error) bool { return strings.Contains(err.Error(), "Operation not permitted") }

// ipv6On tells whether IPv6 is enabled on the interface, as far as can be seen.
func (l link) ipv6On() bool {
	b, err := os.ReadFile(l.switchIPv6())
	return err == nil && strings.TrimSpace(string(b)) == "0"
}

// setIPv6 switches IPv6 of the interface. Where the unit makes /proc/sys
// read-only it fails, and the firewall alone keeps IPv6 out.
func (l link) setIPv6(on bool) error {
	v := "1"
	if on {
		v = "0"
	}
	return os.WriteFile(l.switchIPv6(), []byte(v), 0o644)
}

// switchIPv6 is the file of the kernel's switch (ip-sysctl, disable_ipv6).
func (l link) switchIPv6() string { return filepath.Join(l.proc, l.name, "disable_ipv6") }

// checkName tells whether name can be an interface, and no path or option.
func checkName(name string) error {
	if n := len(name); n == 0 || n > 15 || name[0] == '-' || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n") {
		return fmt.Errorf("%q is %w", name, errName)
	}
	return nil
}
