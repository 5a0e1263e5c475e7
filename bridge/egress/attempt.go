package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/bridge/spark"
	"photongate/gateway"
)

// Towards the cloud a black hole must be noticed soon: a device pings after
// 15 s of silence and gives up 10 s later (photon.md 4.1). The kernel asks
// after 6 s of silence, every 2 s, and takes 12 s without an answer, three
// questions lost, for the end. Unacknowledged data has the same 12 s, just
// longer than the device's 10, so that its own log tells the same story.
const (
	keepIdle    = 6 // seconds
	keepBetween = 2
	keepCount   = 3
	userTimeout = 12_000 // milliseconds
)

// muteAfter is how long a probe waits for the cloud's 40 bytes. Real clouds
// send them within a few round trips (35 to 200 ms, photon.md 4.1, peers.md A).
const muteAfter = 5 * time.Second

// attempt is one connection being made.
type attempt struct {
	e       *Egress
	peer    netip.AddrPort
	fd      int
	started time.Time
	rtt     time.Duration
	// speak: it is a probe, which wants the cloud's 40 bytes as well.
	speak bool
	got   int
	first [4]byte
	// limit bounds what a probe waits for now: the connect, then the bytes.
	limit *loop.Timer
	// done gets the outcome, once. A standing connection is the receiver's.
	done func(*attempt, gateway.Outcome, error)
}

// dial starts an attempt. This is the one place that connects to the cloud,
// and it refuses what is not approved.
func (e *Egress) dial(peer netip.AddrPort, speak bool, done func(*attempt, gateway.Outcome, error)) *attempt {
	a := &attempt{e: e, peer: peer, fd: -1, started: time.Now(), speak: speak, done: done}
	entry := e.book.find(peer)
	if entry == nil || !entry.Approved {
		a.fail(gateway.NotApproved, fmt.Errorf("%s is not approved", peer))
		return a
	}
	if err := a.connect(); err != nil {
		a.broke(err)
		return a
	}
	if speak {
		a.limit = e.cfg.Loop.After(e.limits.connect, func() {
			a.fail(gateway.TimedOut, fmt.Errorf("no answer from %s in %s", peer, e.limits.connect))
		})
	}
	return a
}

// connect begins the TCP handshake.
func (a *attempt) connect() error {
	fam := unix.AF_INET
	if a.peer.Addr().Is6() {
		fam = unix.AF_INET6
	}
	fd, err := unix.Socket(fam, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err = a.prepare(fd); err == nil {
		err = unix.Connect(fd, sockaddr(a.peer))
	}
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return err
	}
	if err := a.e.cfg.Loop.Add(fd, loop.Out, a); err != nil {
		unix.Close(fd)
		return err
	}
	a.fd = fd
	return nil
}

// prepare sets the socket's options.
func (a *attempt) prepare(fd int) error {
	for _, o := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepIdle},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepBetween},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepCount},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	if i := a.e.cfg.Interface; i != "" {
		if err := unix.BindToDevice(fd, i); err != nil {
			return fmt.Errorf("bind to interface %s: %w", i, err)
		}
	}
	if s := a.e.cfg.Source; s.IsValid() {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(s, 0))); err != nil {
			return fmt.Errorf("bind to source address %s: %w", s, err)
		}
	}
	return nil
}

// sockaddr is an address as the kernel takes it.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// Wake is called when the connect ended, and for a probe when bytes came.
func (a *attempt) Wake(fd int, _ uint32) {
	if a.rtt > 0 {
		a.listen()
		return
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		a.broke(err)
		return
	}
	// A coarse clock may show no time at all, and 0 means not connected.
	a.rtt = max(time.Since(a.started), 1)
	if !a.speak {
		a.done(a, gateway.Accepted, nil)
		return
	}
	a.e.cfg.Loop.Modify(fd, loop.In)
	a.limit.Stop()
	a.limit = a.e.cfg.Loop.After(a.e.limits.mute, a.silent)
}

// silent ends a probe whose address accepted and then said too little.
func (a *attempt) silent() {
	said := "nothing"
	if a.got > 0 {
		said = fmt.Sprintf("only %d bytes", a.got)
	}
	a.fail(gateway.Mute, fmt.Errorf("%s accepted and then said %s for %s", a.peer, said, a.e.limits.mute))
}

// listen reads what the cloud says to a probe.
func (a *attempt) listen() {
	b, err := a.e.cfg.Loop.Read(a.fd)
	if err == unix.EAGAIN {
		return
	}
	if a.got < len(a.first) {
		copy(a.first[a.got:], b)
	}
	a.got += len(b)
	who := spark.Impostor(a.first[:])
	if a.first[0] == '<' && a.got <= spark.NonceLen {
		who = "" // one random nonce of 256 begins like a page as well
	}
	switch {
	case who != "":
		a.fail(gateway.Broken, fmt.Errorf("what answers at %s is %s", a.peer, who))
	case a.got == spark.NonceLen:
		a.abandon()
		a.done(a, gateway.Spoke, nil)
	case a.got > spark.NonceLen:
		a.fail(gateway.Broken, fmt.Errorf("what answers at %s is not a Spark cloud: it opened with more than %d bytes", a.peer, spark.NonceLen))
	case err != nil:
		a.broke(err)
	case len(b) == 0:
		a.fail(gateway.Mute, fmt.Errorf("%s accepted and closed after %d bytes", a.peer, a.got))
	}
}

// broke ends the attempt because the kernel says so.
func (a *attempt) broke(err error) {
	a.fail(outcomeOf(err), fmt.Errorf("connect to %s: %w", a.peer, err))
}

// fail ends the attempt without a connection.
func (a *attempt) fail(how gateway.Outcome, err error) {
	a.abandon()
	a.done(a, how, err)
}

// abandon closes what there is of the connection.
func (a *attempt) abandon() {
	a.limit.Stop()
	if a.fd >= 0 {
		a.e.cfg.Loop.Close(a.fd)
		a.fd = -1
	}
}

// local tells whether an attempt failed for want of something on this machine,
// which says nothing about the way out.
func local(err error) bool {
	for _, e := range []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	// Bare, it says that no port is free; wrapped, that the configured source is wrong.
	return err == unix.EADDRNOTAVAIL
}

// outcomeOf tells the kernel's errors apart.
func outcomeOf(err error) gateway.Outcome {
	switch err {
	case unix.ECONNREFUSED, unix.ECONNRESET:
		return gateway.Refused
	case unix.ETIMEDOUT:
		return gateway.TimedOut
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.EACCES:
		return gateway.Unreachable
	}
	return gateway.Broken
}
