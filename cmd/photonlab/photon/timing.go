package photon

import "time"

// Timing is how long the firmware takes and waits.
type Timing struct {
	// PowerOff is how long Reset leaves it without power.
	PowerOff time.Duration
	// Boot is from power to the start of the radio.
	Boot time.Duration
	// Join is from the start of the radio to being associated.
	Join time.Duration
	// JoinWatchdog resets the radio when it did not associate.
	JoinWatchdog time.Duration
	// Rejoin is from a lost link or lease to the reset of the radio.
	Rejoin time.Duration
	// Lease bounds all of DHCP.
	Lease time.Duration
	// LookupTries and Lookup are how often and how long a name is asked for.
	LookupTries int
	Lookup      time.Duration
	// Connect bounds a TCP connect, the internet test's as well.
	Connect time.Duration
	// Encrypt and SetKey are what RSA costs in the handshake.
	Encrypt, SetKey time.Duration
	// Receive bounds the waits for nonce and key, Hello the one for the cloud's HELLO.
	Receive, Hello time.Duration
	// Ping is the silence after which it pings, PingAck how long it waits then.
	Ping, PingAck time.Duration
	// Backoff is the pause after the first five failed attempts; it doubles every five.
	Backoff time.Duration
	// HandshakeFlash is how long the light shows a failed handshake, while all else waits.
	HandshakeFlash time.Duration
}

// DefaultTiming is that of a real Photon with firmware 0.6.2.
func DefaultTiming() Timing {
	return Timing{
		// Long enough for a host to notice, as of a person who pulls the plug.
		PowerOff: time.Second,
		// seed-thread.txt: the first address comes 3.1 s after power, with a
		// join of 0.9 s and a quick DHCP.
		Boot: 1500 * time.Millisecond,
		// seed-thread.txt, 64626 to 65525.
		Join: 900 * time.Millisecond,
		// photon.md 5.3: arm 30 s (join), 2 s (reconnect).
		JoinWatchdog: 30 * time.Second,
		Rejoin:       2 * time.Second,
		// photon.md 5.3: DHCP gives up after 15 s.
		Lease: 15 * time.Second,
		// photon.md 5.1: up to 3 attempts, 5 s each.
		LookupTries: 3,
		Lookup:      5 * time.Second,
		// photon.md 4.1, row 0, and 5.2.
		Connect: 5 * time.Second,
		// seed-thread.txt, 3438 to 3485 and 4159 to 4348.
		Encrypt: 47 * time.Millisecond,
		SetKey:  189 * time.Millisecond,
		// photon.md 4.1, rows 1, 3 and 5.
		Receive: 20 * time.Second,
		Hello:   2 * time.Second,
		// photon.md 4.1, "Ping".
		Ping:    15 * time.Second,
		PingAck: 10 * time.Second,
		// photon.md 4.1, "Reconnect".
		Backoff: time.Second,
		// photon.md 7.
		HandshakeFlash: 250 * time.Millisecond,
	}
}

// withDefaults fills what is 0.
func (t Timing) withDefaults() Timing {
	d := DefaultTiming()
	for _, f := range []struct{ v, def *time.Duration }{
		{&t.PowerOff, &d.PowerOff}, {&t.Boot, &d.Boot}, {&t.Join, &d.Join},
		{&t.JoinWatchdog, &d.JoinWatchdog}, {&t.Rejoin, &d.Rejoin}, {&t.Lease, &d.Lease},
		{&t.Lookup, &d.Lookup}, {&t.Connect, &d.Connect}, {&t.Encrypt, &d.Encrypt},
		{&t.SetKey, &d.SetKey}, {&t.Receive, &d.Receive}, {&t.Hello, &d.Hello},
		{&t.Ping, &d.Ping}, {&t.PingAck, &d.PingAck}, {&t.Backoff, &d.Backoff},
		{&t.HandshakeFlash, &d.HandshakeFlash},
	} {
		if *f.v == 0 {
			*f.v = *f.def
		}
	}
	if t.LookupTries == 0 {
		t.LookupTries = d.LookupTries
	}
	return t
}

// backoff is the pause after so many failed attempts in a row (photon.md 4.1):
// 1000 ms x 2^min(7, (attempts-1)/5).
func (t Timing) backoff(attempts int) time.Duration {
	if attempts == 0 {
		return 0
	}
	return t.Backoff << min(7, (attempts-1)/5)
}
