package photon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxAnswer is the longest answer over UDP that the firmware takes (RFC 1035 section 4.2.1).
const maxAnswer = 512

// errNoAnswer: the server answered, and not with an address.
var errNoAnswer = errors.New("answer holds no address")

// lookup asks one server once for the A records of name. again tells whether
// nothing was answered, so that another try makes sense.
func lookup(ctx context.Context, server netip.AddrPort, name string, limit time.Duration) (addr netip.Addr, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	id := uint16(rand.Uint32())
	question, err := ask(id, name)
	if err != nil {
		return addr, false, fmt.Errorf("ask for %s: %w", name, err)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp4", server.String())
	if err != nil {
		return addr, false, fmt.Errorf("ask %s for %s: %w", server, name, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(question); err != nil {
		<-ctx.Done()
		return addr, true, fmt.Errorf("ask %s for %s: %w", server, name, err)
	}
	var buf [maxAnswer]byte
	for {
		n, err := conn.Read(buf[:])
		if err != nil {
			// The firmware does not hear an ICMP message, so it waits as well.
			<-ctx.Done()
			return addr, true, fmt.Errorf("ask %s for %s: %w", server, name, err)
		}
		addr, ours, err := parseAnswer(buf[:n], id)
		if ours {
			return addr, false, err
		}
	}
}

// ask is a question for A records.
func ask(id uint16, name string) ([]byte, error) {
	n, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// parseAnswer returns the first address in an answer to question id; ours tells
// whether it is one.
func parseAnswer(b []byte, id uint16) (addr netip.Addr, ours bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.ID != id || !h.Response {
		return addr, false, nil
	}
	if h.RCode != dnsmessage.RCodeSuccess {
		return addr, true, fmt.Errorf("%w: %s", errNoAnswer, h.RCode)
	}
	if err := p.SkipAllQuestions(); err != nil {
		return addr, true, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	for {
		rh, err := p.AnswerHeader()
		if err != nil {
			return addr, true, fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		if rh.Type != dnsmessage.TypeA {
			if err := p.SkipAnswer(); err != nil {
				return addr, true, fmt.Errorf("%w: %w", errNoAnswer, err)
			}
			continue
		}
		a, err := p.AResource()
		if err != nil {
			return addr, true, fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		return netip.AddrFrom4(a.A), true, nil
	}
}
