package sparktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"photongate/gateway"
)

// serverLimit bounds the whole handshake at the cloud (photon.md 4.1: the open-source server's 10 s).
const serverLimit = 10 * time.Second

// The cloud's reasons to end a handshake.
var (
	// ErrDeviceAnswer: the device's 256 bytes do not decrypt, so it has another cloud's key.
	ErrDeviceAnswer = errors.New("device's answer is not for this server key")
	// ErrNonce: the device's answer holds another nonce.
	ErrNonce = errors.New("device's answer holds another nonce")
	// ErrHello: the first record is not a HELLO.
	ErrHello = errors.New("first record is not a HELLO")
)

// ServerConfig is the cloud's side of a handshake.
type ServerConfig struct {
	// Key is the cloud's, RSA-2048.
	Key *rsa.PrivateKey
	// SignKey signs the answer; nil is Key. Another one makes a device fail
	// with CodeAuthentication.
	SignKey *rsa.PrivateKey
	// Lookup returns the key to answer a device with, which offered one; nil
	// takes what is offered. Another key makes a device fail with CodeDecryption.
	Lookup func(id gateway.DeviceID, offered *rsa.PublicKey) (*rsa.PublicKey, error)
	// Limit bounds the handshake; 0 is 10 s.
	Limit time.Duration
	// Reached, if set, is called as the handshake reaches a phase, which is
	// before the cloud's next word; an error ends the handshake.
	Reached func(gateway.Phase) error
}

// withDefaults fills what is not set.
func (c ServerConfig) withDefaults() ServerConfig {
	if c.SignKey == nil {
		c.SignKey = c.Key
	}
	if c.Lookup == nil {
		c.Lookup = func(_ gateway.DeviceID, offered *rsa.PublicKey) (*rsa.PublicKey, error) { return offered, nil }
	}
	if c.Limit == 0 {
		c.Limit = serverLimit
	}
	if c.Reached == nil {
		c.Reached = func(gateway.Phase) error { return nil }
	}
	return c
}

// Server runs the cloud's side of the handshake over conn. It never closes conn.
func Server(ctx context.Context, conn net.Conn, c ServerConfig) (*Session, error) {
	c = c.withDefaults()
	defer interrupt(ctx, conn)()
	if err := conn.SetReadDeadline(time.Now().Add(c.Limit)); err != nil {
		return nil, fmt.Errorf("serve handshake: %w", err)
	}
	s, err := c.shake(conn)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("serve handshake: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, fmt.Errorf("serve handshake: %w", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("serve handshake: %w", err)
	}
	return s, nil
}

// shake is the handshake, step by step.
func (c ServerConfig) shake(conn net.Conn) (*Session, error) {
	id, offered, err := c.challenge(conn)
	if err != nil {
		return nil, err
	}
	key, err := c.Lookup(id, offered)
	if err != nil {
		return nil, fmt.Errorf("look up key of %s: %w", id, err)
	}
	secrets := newCredentials()
	answer, err := secrets.seal(key, c.SignKey)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(answer); err != nil {
		return nil, fmt.Errorf("write session key: %w", err)
	}
	s, err := newSession(conn, id, secrets)
	if err != nil {
		return nil, err
	}
	// The cloud's own counters start anywhere; the device's are in the salt.
	s.lastID = uint16(secrets[36])<<8 | uint16(secrets[37])
	if err := c.Reached(gateway.PhaseCloudKey); err != nil {
		return nil, err
	}
	return s, c.greet(s)
}

// challenge sends the nonce, and reads who answers.
func (c ServerConfig) challenge(conn net.Conn) (gateway.DeviceID, *rsa.PublicKey, error) {
	var none gateway.DeviceID
	if err := c.Reached(gateway.PhaseSilent); err != nil {
		return none, nil, err
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:])
	if _, err := conn.Write(nonce[:]); err != nil {
		return none, nil, fmt.Errorf("write nonce: %w", err)
	}
	if err := c.Reached(gateway.PhaseNonce); err != nil {
		return none, nil, err
	}
	var answer [deviceCipherSize]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return none, nil, fmt.Errorf("read device's answer: %w", err)
	}
	if err := c.Reached(gateway.PhaseDeviceKey); err != nil {
		return none, nil, err
	}
	return c.open(answer[:], nonce)
}

// open decrypts the device's answer.
func (c ServerConfig) open(answer []byte, nonce [nonceSize]byte) (id gateway.DeviceID, key *rsa.PublicKey, err error) {
	//lint:ignore SA1019 the firmware speaks PKCS #1 v1.5 (photon.md 4.1)
	plain, err := rsa.DecryptPKCS1v15(nil, c.Key, answer)
	if err != nil || len(plain) < nonceSize+idSize {
		return id, nil, ErrDeviceAnswer
	}
	if [nonceSize]byte(plain) != nonce {
		return id, nil, ErrNonce
	}
	copy(id[:], plain[nonceSize:])
	key, err = parseSPKI(plain[nonceSize+idSize:])
	if err != nil {
		return id, nil, fmt.Errorf("answer of %s: %w", id, err)
	}
	return id, key, nil
}

// greet exchanges the HELLOs.
func (c ServerConfig) greet(s *Session) error {
	m, err := s.ReadMessage()
	if err != nil {
		return fmt.Errorf("read HELLO: %w", err)
	}
	hello, ok := parseHello(m)
	if !ok {
		return ErrHello
	}
	s.hello = hello
	if err := c.Reached(gateway.PhaseHello); err != nil {
		return err
	}
	if err := s.Send(ServerHello); err != nil {
		return err
	}
	return c.Reached(gateway.PhaseEstablished)
}
