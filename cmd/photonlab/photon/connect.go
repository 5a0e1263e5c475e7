package photon

import (
	"context"
	"net"
	"net/netip"

	"photongate/gateway"
)

// internetTest is what the firmware connects to after the cloud failed (photon.md 5.2, up to 1.5.x).
const internetTest = "8.8.8.8:53"

// attempt is one try to reach the cloud and the session that follows. It tells
// whether the radio must be reset.
func (l *life) attempt(link context.Context) (reset bool) {
	l.light(LEDConnecting)
	l.serial.info("Cloud: connecting")
	l.serial.info("Read Server Address = type:1,domain:%s", l.p.c.CloudHost)
	conn, code := l.connect(link)
	if conn == nil {
		l.serial.warn("Cloud socket connection failed: %d", code)
		return l.notReached(link)
	}
	defer l.drop(link, conn)
	l.strikes = 0
	l.serial.info("Cloud socket connected")
	l.light(LEDHandshake)
	s := l.handshake(link, conn)
	if s == nil {
		return false
	}
	l.attempts = 0
	l.light(LEDConnected)
	l.p.once.Do(func() { close(l.p.ready) })
	l.talk(link, s)
	l.serial.warn("Communication loop error, closing cloud socket")
	return false
}

// connect resolves and dials; without a connection code says why.
func (l *life) connect(link context.Context) (conn net.Conn, code int) {
	c := l.p.c
	addr, err := l.p.net.Resolve(link, c.CloudHost)
	if err != nil {
		l.serial.fail("Cloud: unable to resolve IP for %s", c.CloudHost)
		return nil, codeDNS
	}
	l.serial.info("Resolved host %s to %s", c.CloudHost, addr)
	to := netip.AddrPortFrom(addr, c.Port)
	conn, code = l.dial(link, to)
	if conn == nil {
		l.serial.fail("connection failed to %s, code=%d", to, code)
		return nil, code
	}
	l.serial.info("connected to cloud %s", to)
	return conn, 0
}

// dial connects within the firmware's limit.
func (l *life) dial(link context.Context, to netip.AddrPort) (net.Conn, int) {
	ctx, cancel := context.WithTimeout(link, l.p.c.Timing.Connect)
	defer cancel()
	conn, err := l.p.net.Dial(ctx, to)
	if err == nil {
		return conn, 0
	}
	if unheard(err) {
		<-ctx.Done()
	}
	return nil, connectCode(link, err)
}

// notReached is what the firmware does after a failed connect: the internet
// test, the light, and perhaps the radio's reset (photon.md 5.2, 5.3).
func (l *life) notReached(link context.Context) (reset bool) {
	l.noteFailure()
	reset = l.strike()
	led, blinks := LEDNoInternet, 2
	conn, _ := l.dial(link, netip.MustParseAddrPort(internetTest))
	if conn == nil {
		l.serial.warn("Internet Test Failed!")
		reset = l.strike() || reset
	} else {
		_ = conn.Close()
		l.serial.warn("Internet available, Cloud not reachable!")
		led, blinks = LEDNoCloud, 3
	}
	l.serial.warn("Handling cloud error: %d", blinks)
	l.light(led)
	return reset
}

// strike counts one failure, and tells whether it was the last.
func (l *life) strike() bool {
	l.strikes++
	if l.strikes < maxFailedConnects {
		return false
	}
	l.serial.warn("Resetting WLAN due to %d failed connect attempts", maxFailedConnects)
	return true
}

// drop ends a connection: with a FIN, or without power in silence.
func (l *life) drop(link context.Context, conn net.Conn) {
	if link.Err() != nil && !isLost(link) {
		l.p.net.Down()
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	_ = conn.Close()
}

// pauseFor stands still, as the firmware does in a busy loop.
func (l *life) pauseFor(link context.Context, led LED) {
	l.light(led)
	gateway.Pause(link, l.p.c.Timing.HandshakeFlash)
}
