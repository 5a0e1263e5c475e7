package relay

import (
	"time"

	"golang.org/x/sys/unix"

	"photongate/bridge/loop"
	"photongate/bridge/spark"
	"photongate/gateway"
)

// pump reads once from src and writes to dst what came. The bytes never leave
// the loop's buffer unless dst does not take them all.
func (s *session) pump(src, dst *half, side spark.Side) {
	b, err := s.r.cfg.Loop.Read(src.fd)
	switch {
	case err == unix.EAGAIN:
	case err != nil:
		s.fail(side, err)
	case len(b) == 0:
		s.eof(src, dst, side)
	default:
		s.carry(b, src, dst, side)
	}
}

// carry takes bytes of one side across.
func (s *session) carry(b []byte, src, dst *half, side spark.Side) {
	at := time.Since(s.started)
	if side == spark.Device {
		s.upBytes, s.lastUp = s.upBytes+uint64(len(b)), at
	} else {
		s.downBytes, s.lastDown, s.stalled = s.downBytes+uint64(len(b)), at, false
	}
	if !s.blind && !s.inspect(b, side) {
		return
	}
	if side == spark.Device {
		b = s.hold(b)
	} else if s.blind && !s.release() {
		return
	}
	if len(b) > 0 {
		s.write(b, src, dst, side)
	}
}

// inspect follows the protocol. It tells whether the session goes on.
func (s *session) inspect(b []byte, side spark.Side) bool {
	var err error
	if side == spark.Device {
		err = s.tr.FromDevice(b)
	} else {
		err = s.tr.FromCloud(b)
	}
	for p := s.tr.Phase(); s.phase < p; {
		s.advance(s.phase + 1)
	}
	switch {
	case err == nil:
	case s.r.cfg.PassAll:
		s.blind = true
	default:
		by := gateway.ByDevice
		if side == spark.Cloud {
			by = gateway.ByCloud
		}
		s.end(by, gateway.EndNotSpark, err.Error())
		return false
	}
	return true
}

// hold keeps the device's key block back until it is whole and then returns
// all of it, so that it leaves in one write however it arrived: servers exist
// that take their first read for the whole block.
func (s *session) hold(b []byte) []byte {
	if !s.blind && s.tr.HoldBack() > 0 {
		s.held = append(s.held, b...)
		return nil
	}
	if s.held != nil {
		b = append(s.held, b...)
		s.held = nil
	}
	return b
}

// release lets go of a part of the key block that nothing more is awaited of.
// It tells whether the session goes on.
func (s *session) release() bool {
	if b := s.held; b != nil {
		s.held = nil
		s.write(b, &s.dev, &s.up, spark.Device)
	}
	return !s.ended
}

// write gives bytes to dst, and keeps what it does not take; src is not read
// until that is gone, so at most one buffer's worth waits.
func (s *session) write(b []byte, src, dst *half, side spark.Side) {
	n, err := loop.Write(dst.fd, b)
	if err != nil && err != unix.EAGAIN {
		s.fail(other(side), err)
		return
	}
	if n < len(b) {
		dst.pending = append([]byte(nil), b[n:]...)
		s.rewatch(src, src.watch&^loop.In)
		s.rewatch(dst, dst.watch|loop.Out)
	}
}

// flush gives dst, which has room again, what waits for it, and lets src be
// read again once nothing does. It tells whether the session goes on.
func (s *session) flush(dst, src *half) bool {
	side := spark.Device
	if dst == &s.up {
		side = spark.Cloud
	}
	n, err := loop.Write(dst.fd, dst.pending)
	if err != nil && err != unix.EAGAIN {
		s.fail(side, err)
		return false
	}
	if dst.pending = dst.pending[n:]; len(dst.pending) > 0 {
		return true
	}
	dst.pending = nil
	s.rewatch(dst, dst.watch&^loop.Out)
	if dst.fin {
		unix.Shutdown(dst.fd, unix.SHUT_WR)
	}
	switch {
	case !src.eof:
		s.rewatch(src, src.watch|loop.In)
	case dst.eof && len(src.pending) == 0:
		s.finish()
		return false
	}
	return true
}

// rewatch changes what a socket is watched for.
func (s *session) rewatch(h *half, events uint32) {
	if h.watch != events {
		h.watch = events
		s.r.cfg.Loop.Modify(h.fd, events)
	}
}

// eof carries a close on: src will send no more, so dst is told so once it has
// everything. The other direction goes on.
func (s *session) eof(src, dst *half, side spark.Side) {
	src.eof = true
	s.rewatch(src, src.watch&^loop.In)
	s.noteFirst(side)
	if side == spark.Device && !s.release() {
		return
	}
	dst.fin = true
	if len(dst.pending) > 0 {
		return
	}
	if dst.eof && len(src.pending) == 0 {
		s.finish()
		return
	}
	unix.Shutdown(dst.fd, unix.SHUT_WR)
}

// other is the opposite side.
func other(s spark.Side) spark.Side { return spark.Cloud - s }
