package photon

import (
	"context"
	"net"
	"net/netip"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
)

// presenceGroup is where a device announces itself after a handshake (photon.md 4.2).
const presenceGroup = "224.0.1.187:5683"

// The events after a handshake, their data as a plain Photon has it (photon.md 6.2).
const (
	// maxBinary is the largest application, 128 KiB.
	maxBinary = "131072"
	// chunkSize is that of firmware updates.
	chunkSize = "512"
	// lastReset is why a device starts that got power.
	lastReset = "power_down"
)

// handshake is the firmware's, with its lines; nil if it failed.
func (l *life) handshake(link context.Context, conn net.Conn) *sparktest.Session {
	l.serial.info("Starting handshake: presense_announce=1")
	t := l.p.c.Timing
	s, err := sparktest.Device(link, conn, sparktest.DeviceConfig{
		ID: l.p.c.ID, Key: l.p.c.Key, ServerKey: l.p.c.ServerKey,
		Receive: t.Receive, HelloWait: t.Hello,
		Trace: func(at sparktest.Step) { l.step(link, at) },
	})
	if err != nil {
		l.handshakeFailed(link, err)
		return nil
	}
	l.introduce(link, s)
	l.serial.info("Cloud connected")
	return s
}

// step prints a step, and takes as long as RSA takes on a Photon.
func (l *life) step(link context.Context, at sparktest.Step) {
	l.at = at
	if at == sparktest.StepHello {
		gateway.Pause(link, l.p.c.Timing.SetKey)
	}
	if at == sparktest.StepSendNonce {
		gateway.Pause(link, l.p.c.Timing.Encrypt)
	}
	l.serial.print(catHandshake, levelInfo, "%s", at)
}

// handshakeFailed prints what the firmware prints, and flashes the light.
func (l *life) handshakeFailed(link context.Context, err error) {
	code := sparktest.Code(err)
	if isLost(link) {
		code = sparktest.CodeNotUp
	}
	l.explain(code)
	if l.at == sparktest.StepHelloResponse {
		// The firmware forgets why there was no HELLO (photon.md 5.4).
		code = sparktest.CodeTimeout
	}
	l.noteFailure()
	l.serial.warn("Cloud handshake failed, code=%d", code)
	l.pauseFor(link, flash(code))
	l.serial.info("Cloud: disconnecting")
	l.serial.info("Cloud: disconnected")
}

// explain prints the handshake's own error line (photon.md 6.2). After "Could
// not set key" the real 0.6.2 prints a random number, because the argument is
// missing there; here it is the code.
func (l *life) explain(code int) {
	line := func(format string, args ...any) { l.serial.print(catHandshake, levelError, format, args...) }
	switch l.at {
	case sparktest.StepNonce:
		line("Could not receive nonce: %d", code)
	case sparktest.StepKey:
		line("Unable to receive key %d", code)
	case sparktest.StepSetKey:
		line("Could not set key, %d", code)
	case sparktest.StepHello:
		line("Could not send HELLO message: %d", code)
	case sparktest.StepHelloResponse:
		if code != sparktest.CodeTimeout {
			l.serial.print(catProtocol, levelWarn, "bytes recieved error %d", code)
		}
		line("Could not receive HELLO response")
	}
}

// flash is the light of a failed handshake (photon.md 7).
func flash(code int) LED {
	switch code {
	case sparktest.CodeDecryption:
		return LEDKeyDecrypt
	case sparktest.CodeAuthentication:
		return LEDKeySignature
	}
	return LEDHandshakeFail
}

// introduce sends what a device sends once after a handshake (photon.md 6.2).
func (l *life) introduce(link context.Context, s *sparktest.Session) {
	events := []struct{ line, name, data string }{
		{"Send spark/hardware/max_binary event", "spark/hardware/max_binary", maxBinary},
		{"spark/hardware/ota_chunk_size event", "spark/hardware/ota_chunk_size", chunkSize},
		{"Send spark/device/last_reset event", "spark/device/last_reset", lastReset},
	}
	if l.told {
		events = events[:2]
	}
	l.told = true
	// The event loop that follows notices a dead connection, so no result is looked at.
	for _, e := range events {
		l.serial.info("%s", e.line)
		_ = s.Send(func(id uint16) sparktest.Message { return sparktest.Event(id, e.name, e.data) })
	}
	_ = l.p.net.Announce(link, netip.MustParseAddrPort(presenceGroup), sparktest.Presence(l.p.c.ID))
	l.serial.info("Send subscriptions")
	_ = s.Send(func(id uint16) sparktest.Message { return sparktest.Subscribe(id, "spark") })
	l.serial.print(catProtocol, levelInfo, "Sending TIME request")
	token := s.NextToken()
	_ = s.Send(func(id uint16) sparktest.Message { return sparktest.TimeRequest(id, token) })
}
