package photon

import (
	"context"
	"errors"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
)

// The reasons of "Resetting WLAN due to" (photon.md 5.3).
const (
	resetWatchdog = "WLAN_WD_TO()"
	resetAsked    = "SPARK_WLAN_RESET"
)

// maxFailedConnects is how many failures reset the radio: a failed connect is
// one, a failed internet test another (photon.md 5.3).
const maxFailedConnects = 2

// life is a Photon from power to power.
type life struct {
	// p is the Photon.
	p *Photon
	// serial is its log.
	serial serial
	// attempts counts failed connects and handshakes since the last success,
	// failed is when the last was.
	attempts int
	failed   time.Time
	// strikes counts towards maxFailedConnects.
	strikes int
	// told: the reason of the last reset was published, which happens once.
	told bool
	// at is the last step of the last handshake.
	at sparktest.Step
}

// newLife is what power makes.
func newLife(p *Photon, power context.Context) *life {
	return &life{p: p, serial: serial{power: power, w: p.c.Serial, boot: time.Now()}}
}

// run is the firmware's loop: join, then the cloud, then the radio's reset.
func (l *life) run(power context.Context) {
	// However it ends, the power is gone.
	defer l.p.net.Down()
	l.light(LEDWiFiOff)
	gateway.Pause(power, l.p.c.Timing.Boot)
	for power.Err() == nil {
		why := l.join(power)
		if why == "" {
			why = l.online(power)
		}
		if power.Err() != nil {
			return
		}
		l.serial.warn("Resetting WLAN due to %s", why)
		l.p.net.Down()
		l.strikes = 0
	}
}

// join associates and gets an address. It returns why the radio must be reset, or nothing.
func (l *life) join(power context.Context) (reset string) {
	t := l.p.c.Timing
	l.light(LEDJoining)
	l.serial.print(catWLAN, levelInfo, "Using internal antenna")
	l.serial.info("ARM_WLAN_WD 1")
	ctx, cancel := context.WithTimeout(power, t.JoinWatchdog)
	defer cancel()
	if err := l.associate(ctx); err != nil {
		return l.noAddress(power)
	}
	l.serial.info("ARM_WLAN_WD 2")
	l.serial.print(catWLAN, levelInfo, "Bringing WiFi interface up with DHCP")
	l.light(LEDAddress)
	name := ""
	if l.p.c.HostName {
		name = l.p.c.ID.String()
	}
	ctx, cancel = context.WithTimeout(power, t.Lease)
	defer cancel()
	if err := l.p.net.Lease(ctx, name); err != nil {
		// The stack waits for its limit, whatever the reason.
		<-ctx.Done()
		return l.noAddress(power)
	}
	l.serial.info("CLR_WLAN_WD 1, DHCP success")
	return ""
}

// associate waits for the link, at least as long as a join takes, and says once
// that it was refused.
func (l *life) associate(ctx context.Context) error {
	first, cancel := context.WithTimeout(ctx, l.p.c.Timing.Join)
	defer cancel()
	err := l.p.net.Up(first)
	<-first.Done()
	if err == nil || ctx.Err() != nil {
		return err
	}
	l.serial.info("ARM_WLAN_WD 4")
	if err = l.p.net.Up(ctx); err != nil {
		// The firmware goes through its networks until its watchdog bites.
		<-ctx.Done()
	}
	return err
}

// noAddress ends a join without an address: no link or no lease (photon.md 5.3).
func (l *life) noAddress(power context.Context) (reset string) {
	l.serial.info("DHCP fail, ARM_WLAN_WD 5")
	gateway.Pause(power, l.p.c.Timing.Rejoin)
	return resetWatchdog
}

// online keeps a cloud session until the radio must be reset, and returns why.
func (l *life) online(power context.Context) (reset string) {
	link, lost := context.WithCancelCause(power)
	defer lost(nil)
	go func() {
		select {
		case <-l.p.net.Lost():
			lost(errLinkLost)
		case <-link.Done():
		}
	}()
	for power.Err() == nil {
		if !l.pause(link) {
			return l.linkLost(power)
		}
		if l.attempt(link) {
			return resetAsked
		}
	}
	return ""
}

// pause is the backoff, in which the light shows a connect (photon.md 7).
// It tells whether the link stands at its end.
func (l *life) pause(link context.Context) bool {
	rest := l.p.c.Timing.backoff(l.attempts) - time.Since(l.failed)
	// A session that was lost is followed by an attempt at once, link or not
	// (seed-thread.txt, 196598).
	return l.attempts == 0 || rest <= 0 || gateway.Pause(link, rest)
}

// linkLost is what a lost link does while there is no session.
func (l *life) linkLost(power context.Context) (reset string) {
	l.serial.info("ARM_WLAN_WD 3")
	gateway.Pause(power, l.p.c.Timing.Rejoin)
	return resetWatchdog
}

// light shows a pattern.
func (l *life) light(led LED) { l.p.led.Store(led) }

// noteFailure counts towards the backoff.
func (l *life) noteFailure() {
	l.attempts = min(l.attempts+1, 255)
	l.failed = time.Now()
}

// isLost tells whether the link of ctx was lost.
func isLost(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errLinkLost) }
