package relay

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/gateway"
)

const (
	// backlog bounds connections that wait to be accepted; the kernel's own
	// limit (net.core.somaxconn, 4096 since Linux 5.4) applies as well.
	backlog = 4096
	// acceptsPerTurn lets a storm of devices not starve the sessions that stand.
	acceptsPerTurn = 64
	// breather is how long the port pauses when descriptors have run out, so
	// that the loop does not spin on a listener it cannot serve.
	breather = time.Second
)

// Towards a device: it pings after 15 s of silence and gives up 10 s later
// (photon.md 4.1), so 40 s without any sign of it are the end of it.
const (
	deviceKeepIdle    = 20 // seconds
	deviceKeepBetween = 5
	deviceUserTimeout = 40_000 // milliseconds
)

// listen opens the port, unless it is open or meant to be closed.
func (r *Relay) listen() error {
	if r.listener >= 0 || r.shut || r.stopped {
		return nil
	}
	fd, err := listen(r.cfg.Listen)
	if err != nil {
		return hintListen(fmt.Errorf("listen on %s: %w", r.cfg.Listen, err))
	}
	if err := r.cfg.Loop.Add(fd, loop.In, r); err != nil {
		unix.Close(fd)
		return err
	}
	r.listener = fd
	r.part(gateway.PartOK, nil)
	return nil
}

// hintListen adds what to do about the usual causes.
func hintListen(err error) error {
	switch {
	case isErr(err, unix.EADDRINUSE):
		return gateway.Hint(err, "another program has the port; `ss -ltnp sport = :5683` shows which")
	case isErr(err, unix.EADDRNOTAVAIL):
		return gateway.Hint(err, "the segment's address is not on its interface yet")
	case isErr(err, unix.EACCES), isErr(err, unix.EPERM):
		return gateway.Hint(err, "run as root, or with CAP_NET_BIND_SERVICE")
	}
	return err
}

// listen makes the listening socket. What is set on it, accepted sockets inherit.
func listen(at netip.AddrPort) (int, error) {
	fd, err := unix.Socket(family(at.Addr()), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, deviceKeepIdle},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, deviceKeepBetween},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, deviceUserTimeout},
	} {
		if err = unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	if err = unix.Bind(fd, sockaddr(at)); err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// closeListener closes the port.
func (r *Relay) closeListener() {
	if r.listener >= 0 {
		r.cfg.Loop.Close(r.listener)
		r.listener, r.starved = -1, false
	}
}

// Wake accepts the devices that wait.
func (r *Relay) Wake(fd int, _ uint32) {
	for range acceptsPerTurn {
		c, sa, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			r.take(c, addrPort(sa))
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			r.starve(fd, err)
			return
		}
		if r.starved {
			r.starved = false
			r.part(gateway.PartOK, nil)
		}
		if err == unix.EAGAIN {
			return
		}
		// Any other error belongs to a connection that died in the queue (accept(2)).
	}
	r.cfg.Loop.Again()
}

// starve pauses the port, because there is no descriptor for another device.
func (r *Relay) starve(fd int, err error) {
	if !r.starved {
		r.starved = true
		r.part(gateway.PartFailed, gateway.Hint(fmt.Errorf("accept a device: %w", err), "raise the limit of open files (LimitNOFILE)"))
	}
	r.cfg.Loop.Modify(fd, 0)
	r.cfg.Loop.After(breather, func() {
		if r.listener == fd {
			r.cfg.Loop.Modify(fd, loop.In)
		}
	})
}

// take admits one connection and starts its session.
func (r *Relay) take(fd int, peer netip.AddrPort) {
	var mac gateway.MAC
	if r.cfg.Admit != nil {
		m, err := r.cfg.Admit(peer.Addr())
		if err != nil {
			r.refuse(fd, peer, m, NotAdmitted, err)
			return
		}
		mac = m
		if old := r.byMAC[mac]; old != nil {
			old.end(gateway.ByGateway, gateway.EndReplaced, "the device opened a new session")
		}
	}
	if r.cfg.Max > 0 && len(r.sessions) >= r.cfg.Max {
		r.refuse(fd, peer, mac, Capacity, r.errFull())
		return
	}
	r.start(fd, peer, mac)
}
