package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"photongate/radio/internal/serve"
)

// listen opens the server's socket: bound to one interface, because a request
// has no address to tell segments apart by; allowed to broadcast, because
// clients have no address either; and with SO_REUSEADDR, without which bind
// refuses port 67 beside a dnsmasq that serves other interfaces (platform.md 2.2).
func listen(ctx context.Context, iface string, port int) (net.PacketConn, error) {
	var lc net.ListenConfig
	lc.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = options(int(fd), iface) }); cerr != nil {
			return cerr
		}
		return err
	}
	conn, err := lc.ListenPacket(ctx, "udp4", net.JoinHostPort("", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listen for dhcp on %s: %w", iface, err)
	}
	return conn, nil
}

// options sets what listen promises.
func options(fd int, iface string) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("share the port: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		return fmt.Errorf("allow broadcasts: %w", err)
	}
	if err := unix.BindToDevice(fd, iface); err != nil {
		return fmt.Errorf("bind to interface: %w", err)
	}
	return nil
}

// hint is advice for what commonly keeps the server from its socket.
func hint(err error, iface string) string {
	if errors.Is(err, unix.ENODEV) || errors.Is(err, errGone) {
		return "the interface does not exist: `ip link` lists those that do; segment.interface names ours"
	}
	return serve.Advice{
		Taken: "another DHCP server, often dnsmasq, has port 67 for itself: `ss -ulpn 'sport = :67'` shows which; " +
			"let dnsmasq use bind-dynamic and leave out " + iface,
		Rights: "binding port 67 needs CAP_NET_BIND_SERVICE, binding to an interface CAP_NET_RAW",
	}.For(err)
}
