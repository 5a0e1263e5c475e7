package sparktest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Step is a place in the device's handshake. Its String is the line that
// firmware 0.6.2 logs on getting there (photon.md 6.2).
type Step uint8

// The steps, in order.
const (
	// StepNonce: it waits for the cloud's 40 bytes.
	StepNonce Step = iota
	// StepEncrypt: it has them, and encrypts its answer.
	StepEncrypt
	// StepSendNonce: it sends its 256 bytes.
	StepSendNonce
	// StepKey: it waits for the cloud's 384 bytes.
	StepKey
	// StepSetKey: it has them, decrypts them and checks their signature.
	StepSetKey
	// StepHello: it sends its HELLO.
	StepHello
	// StepHelloResponse: it waits for the cloud's HELLO.
	StepHelloResponse
	// StepCompleted: it has it.
	StepCompleted
)

// stepLines are the log lines, by Step.
var stepLines = [...]string{
	"Started: Receive nonce",
	"Encrypting handshake nonce",
	"Sending encrypted nonce",
	"Receive key",
	"Setting key",
	"Sending HELLO message",
	"Receiving HELLO response",
	"Completed",
}

// String is the log line.
func (s Step) String() string {
	if int(s) < len(stepLines) {
		return stepLines[s]
	}
	return fmt.Sprintf("step %d", uint8(s))
}

// The firmware's codes (photon.md 5.4): positive ones of its protocol, negative
// ones of its network stack.
const (
	// CodeDecryption: the cloud's answer is for another device key.
	CodeDecryption = 6
	// CodeAuthentication: the cloud's answer is signed with another server key.
	CodeAuthentication = 8
	// CodeTimeout: the device's own limit passed.
	CodeTimeout = -1
	// CodeError: anything else.
	CodeError = -4
	// CodeNotUp: the link is down.
	CodeNotUp = -9
	// CodeAborted: the peer acknowledged nothing for too long.
	CodeAborted = -17
	// CodeReset: the peer reset the connection.
	CodeReset = -18
	// CodeClosed: the peer closed the connection.
	CodeClosed = -19
)

// HandshakeError is a handshake that did not complete.
type HandshakeError struct {
	// Step is where the device was.
	Step Step
	// Code is the number that the firmware gives it.
	Code int
	// Err is the cause.
	Err error
}

// Error names the step, the code and the cause.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake: %q: code %d: %v", e.Step.String(), e.Code, e.Err)
}

// Unwrap is the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Code is the number that the firmware gives to an error of an established
// connection (photon.md 5.4, mid-session).
func Code(err error) int {
	var h *HandshakeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &h):
		return h.Code
	case errors.Is(err, syscall.ETIMEDOUT):
		return CodeAborted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return CodeTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return CodeClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return CodeReset
	case errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENODEV):
		return CodeNotUp
	}
	return CodeError
}
