package serve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// Packets is a service that answers one packet by one packet.
type Packets struct {
	// Name and Where are for errors, as in dns and 192.168.77.1:53.
	Name, Where string
	// Longest is the longest packet that is read, in bytes; more is cut off.
	Longest int
	// Every is the longest pause between two calls of Check; 0 is as often as
	// the loop comes by.
	Every time.Duration
	// Check looks whether the socket can still serve, and ends the loop by an
	// error; nil is no check.
	Check func(now time.Time) error
	// Answer is what one packet leads to, and where that goes; nil is silence.
	// in is valid during the call only.
	Answer func(in []byte, from netip.AddrPort) (out []byte, to netip.AddrPort)
}

// Answer answers what conn, of UDP, receives, and reports for the part, until
// conn breaks or is closed.
func (p *Part) Answer(conn net.PacketConn, s Packets) error {
	var l pulse
	buf := make([]byte, s.Longest)
	for {
		now := time.Now()
		if s.Check != nil {
			if err := s.Check(now); err != nil {
				return err
			}
		}
		p.report(&l, now)
		if err := conn.SetReadDeadline(s.wake(now, l.next)); err != nil {
			return fmt.Errorf("bound the wait for %s on %s: %w", s.Name, s.Where, err)
		}
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("receive %s on %s: %w", s.Name, s.Where, err)
		}
		if out, to := s.Answer(buf[:n], sender(from)); out != nil {
			l.wrote(s.send(conn, out, to))
		}
	}
}

// wake is when a silent socket is left: for the next check or the next report.
func (s Packets) wake(now, report time.Time) time.Time {
	if check := now.Add(s.Every); s.Every > 0 && check.Before(report) {
		return check
	}
	return report
}

// send sends one reply.
func (s Packets) send(conn net.PacketConn, out []byte, to netip.AddrPort) error {
	if _, err := conn.WriteTo(out, net.UDPAddrFromAddrPort(to)); err != nil {
		return fmt.Errorf("send %s reply to %s on %s: %w", s.Name, to, s.Where, err)
	}
	return nil
}

// sender is the address of a UDP packet's sender; invalid for another kind.
func sender(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := u.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
