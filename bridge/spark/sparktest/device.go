package sparktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"time"

	"photongate/gateway"
)

// The firmware's limits (photon.md 4.1, 0.6.2).
const (
	// receiveLimit bounds the wait for the nonce and for the key.
	receiveLimit = 20 * time.Second
	// helloLimit bounds the wait for the cloud's HELLO.
	helloLimit = 2 * time.Second
)

// DeviceConfig is the device's side of a handshake.
type DeviceConfig struct {
	// ID is the device's.
	ID gateway.DeviceID
	// Key is the device's own, RSA-1024.
	Key *rsa.PrivateKey
	// ServerKey is the cloud's as the device knows it, RSA-2048.
	ServerKey *rsa.PublicKey
	// Hello is what the device says of itself; the zero value is a plain Photon.
	Hello Hello
	// Receive bounds the waits for nonce and key, HelloWait the one for HELLO;
	// 0 is the firmware's 20 s and 2 s.
	Receive, HelloWait time.Duration
	// Trace, if set, is called on every step; the handshake waits for it.
	Trace func(Step)
}

// withDefaults fills what is not set.
func (c DeviceConfig) withDefaults() DeviceConfig {
	if c.Receive == 0 {
		c.Receive = receiveLimit
	}
	if c.HelloWait == 0 {
		c.HelloWait = helloLimit
	}
	if c.Trace == nil {
		c.Trace = func(Step) {}
	}
	if c.Hello == (Hello{}) {
		// Version 65535 is that of an application without one (PRODUCT_FIRMWARE_VERSION).
		c.Hello = Hello{Product: Photon, Version: 0xffff, Platform: Photon}
	}
	return c
}

// Device runs the device's side of the handshake over conn. Errors are
// *HandshakeError with the code that firmware 0.6.2 gives them, or of ctx.
// Device never closes conn.
func Device(ctx context.Context, conn net.Conn, c DeviceConfig) (*Session, error) {
	c = c.withDefaults()
	defer interrupt(ctx, conn)()
	s, err := c.shake(conn)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("handshake: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return s, nil
}

// shake is the handshake, step by step.
func (c DeviceConfig) shake(conn net.Conn) (*Session, error) {
	var nonce [nonceSize]byte
	c.Trace(StepNonce)
	if err := c.receive(conn, nonce[:]); err != nil {
		return nil, failed(StepNonce, err)
	}
	c.Trace(StepEncrypt)
	answer, err := c.answer(nonce)
	if err != nil {
		return nil, failed(StepEncrypt, err)
	}
	c.Trace(StepSendNonce)
	// The firmware does not look at the result: a broken link shows in the wait for the key.
	_, _ = conn.Write(answer)
	var key [answerSize]byte
	c.Trace(StepKey)
	if err := c.receive(conn, key[:]); err != nil {
		return nil, failed(StepKey, err)
	}
	c.Trace(StepSetKey)
	secrets, err := openCredentials(key[:], c.Key, c.ServerKey)
	if err != nil {
		return nil, err
	}
	s, err := newSession(conn, c.ID, secrets)
	if err != nil {
		return nil, failed(StepSetKey, err)
	}
	return s, c.greet(s)
}

// greet exchanges the HELLOs.
func (c DeviceConfig) greet(s *Session) error {
	c.Trace(StepHello)
	if err := s.Send(c.Hello.Message); err != nil {
		return failed(StepHello, err)
	}
	c.Trace(StepHelloResponse)
	if err := s.SetReadDeadline(time.Now().Add(c.HelloWait)); err != nil {
		return failed(StepHelloResponse, err)
	}
	for {
		m, err := s.ReadMessage()
		if err != nil {
			return failed(StepHelloResponse, err)
		}
		if m.Code == CodePOST && m.Path() == "h" {
			c.Trace(StepCompleted)
			return nil
		}
	}
}

// receive fills b within the limit.
func (c DeviceConfig) receive(conn net.Conn, b []byte) error {
	if err := conn.SetReadDeadline(time.Now().Add(c.Receive)); err != nil {
		return err
	}
	n, err := io.ReadFull(conn, b)
	if err != nil {
		return fmt.Errorf("%d of %d bytes: %w", n, len(b), err)
	}
	return nil
}

// answer encrypts nonce, id and public key for the cloud.
func (c DeviceConfig) answer(nonce [nonceSize]byte) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(&c.Key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("write device key: %w", err)
	}
	plain := append(append(nonce[:], c.ID[:]...), spki...)
	//lint:ignore SA1019 the firmware speaks PKCS #1 v1.5 (photon.md 4.1)
	out, err := rsa.EncryptPKCS1v15(rand.Reader, c.ServerKey, plain)
	if err != nil {
		return nil, fmt.Errorf("encrypt nonce: %w", err)
	}
	return out, nil
}

// failed is a handshake that ended at a step for a cause of the network.
func failed(at Step, err error) error {
	return &HandshakeError{Step: at, Code: Code(err), Err: err}
}
