package egress

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// Answer is what a name resolves to.
type Answer struct {
	// Addrs are the usable addresses, in the order of the answer.
	Addrs []netip.Addr
	// TTL is the smallest of the answer's records.
	TTL time.Duration
}

const (
	// askLimit is how long one server has to answer, and askTries how often
	// each is asked: the C library's defaults (resolv.conf(5)) are 5 s and 2.
	askLimit = 3 * time.Second
	askTries = 2
	// maxMessage is the largest DNS message (RFC 1035 4.2.2).
	maxMessage = 65535
	// maxServers is how many servers resolv.conf(5) gives (MAXNS).
	maxServers = 3
)

// resolver asks for one name. The standard library's resolver does not tell
// the TTL, which the book needs.
type resolver struct {
	name    string
	servers []netip.AddrPort
	// source and iface pin where questions leave, as they do for connections.
	source netip.Addr
	iface  string
	// conf is the path of resolv.conf; empty: /etc/resolv.conf.
	conf string
	// limit is how long one server has to answer.
	limit time.Duration
}

// lookup asks the servers in turn.
func (r *resolver) lookup(ctx context.Context) (Answer, error) {
	servers := r.servers
	if len(servers) == 0 {
		var err error
		if servers, err = systemServers(r.conf); err != nil {
			return Answer{}, err
		}
	}
	var errs []error
	for range askTries {
		errs = errs[:0]
		for _, s := range servers {
			ans, err := r.ask(ctx, s)
			if err == nil {
				return ans, nil
			}
			errs = append(errs, fmt.Errorf("resolve %s at %s: %w", r.name, s, err))
			if ctx.Err() != nil {
				return Answer{}, ctx.Err()
			}
		}
	}
	return Answer{}, errors.Join(errs...)
}

// systemServers reads the servers of the system.
func systemServers(path string) ([]netip.AddrPort, error) {
	if path == "" {
		path = "/etc/resolv.conf"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("find the system's resolvers: %w", err)
	}
	defer f.Close()
	var servers []netip.AddrPort
	for sc := bufio.NewScanner(f); sc.Scan() && len(servers) < maxServers; {
		if w := strings.Fields(sc.Text()); len(w) > 1 && w[0] == "nameserver" {
			if a, err := netip.ParseAddr(w[1]); err == nil {
				servers = append(servers, netip.AddrPortFrom(a, 53))
			}
		}
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("find the system's resolvers: %s names none", path)
	}
	return servers, nil
}

// ask sends the question to one server, over TCP when the answer does not fit UDP.
func (r *resolver) ask(ctx context.Context, server netip.AddrPort) (Answer, error) {
	id := uint16(rand.Uint32())
	q, err := question(r.name, id)
	if err != nil {
		return Answer{}, err
	}
	for _, network := range []string{"udp", "tcp"} {
		msg, err := r.exchange(ctx, network, server, q, id)
		if err != nil {
			return Answer{}, err
		}
		ans, truncated, err := parseAnswer(msg, id, r.name)
		if !truncated {
			return ans, err
		}
	}
	return Answer{}, errors.New("the answer is truncated even over TCP")
}

// question is a packed query for the A records of a name.
func question(name string, id uint16) ([]byte, error) {
	n, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, fmt.Errorf("ask for %q: %w", name, err)
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// dialer leaves where connections to the cloud leave.
func (r *resolver) dialer(network string) *net.Dialer {
	d := &net.Dialer{}
	switch {
	case !r.source.IsValid():
	case network == "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.source, 0))
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(r.source, 0))
	}
	if r.iface != "" {
		d.Control = func(_, _ string, c syscall.RawConn) (err error) {
			if cerr := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), r.iface) }); cerr != nil {
				return cerr
			}
			return err
		}
	}
	return d
}

// exchange sends a query and waits for the message with its id.
func (r *resolver) exchange(ctx context.Context, network string, server netip.AddrPort, q []byte, id uint16) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	c, err := r.dialer(network).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, r.plain(err)
	}
	defer c.Close()
	if t, ok := ctx.Deadline(); ok {
		c.SetDeadline(t)
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if network == "tcp" {
		return r.exchangeTCP(c, q)
	}
	if _, err := c.Write(q); err != nil {
		return nil, r.plain(err)
	}
	buf := make([]byte, maxMessage)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil, r.plain(err)
		}
		if n >= 2 && binary.BigEndian.Uint16(buf) == id {
			return buf[:n], nil
		}
	}
}

// exchangeTCP is the framing of RFC 1035 4.2.2.
func (r *resolver) exchangeTCP(c net.Conn, q []byte) ([]byte, error) {
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...)); err != nil {
		return nil, r.plain(err)
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, r.plain(err)
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(c, msg)
	return msg, r.plain(err)
}

// plain takes the addresses out of a network error, which the caller names.
func (r *resolver) plain(err error) error {
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in %s", r.limit)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection in place of an answer")
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

// parseAnswer takes the addresses out of a response.
func parseAnswer(msg []byte, id uint16, name string) (ans Answer, truncated bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	switch {
	case err != nil:
		return Answer{}, false, fmt.Errorf("the answer is not DNS: %w", err)
	case h.ID != id || !h.Response:
		return Answer{}, false, errors.New("the answer is to another question")
	case h.RCode != dnsmessage.RCodeSuccess:
		return Answer{}, false, fmt.Errorf("the server answered %s", rcode(h.RCode))
	}
	q, err := p.Question()
	if err != nil || !strings.EqualFold(strings.TrimSuffix(q.Name.String(), "."), strings.TrimSuffix(name, ".")) {
		return Answer{}, false, errors.New("the answer is to another question")
	}
	if h.Truncated {
		return Answer{}, true, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return Answer{}, false, fmt.Errorf("the answer is cut off: %w", err)
	}
	ans, err = addresses(&p)
	return ans, false, err
}

// addresses collects the A records of the answer section. Their owners are not
// followed from CNAME to CNAME: the server did that, and a loop has no A record.
func addresses(p *dnsmessage.Parser) (Answer, error) {
	ans := Answer{TTL: maxRefresh}
	unusable := 0
	for {
		rh, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			break
		}
		if err != nil {
			return Answer{}, fmt.Errorf("the answer is cut off: %w", err)
		}
		ans.TTL = min(ans.TTL, time.Duration(rh.TTL)*time.Second)
		if rh.Type != dnsmessage.TypeA || rh.Class != dnsmessage.ClassINET {
			if err := p.SkipAnswer(); err != nil {
				return Answer{}, fmt.Errorf("the answer is cut off: %w", err)
			}
			continue
		}
		rec, err := p.AResource()
		if err != nil {
			return Answer{}, fmt.Errorf("the answer is cut off: %w", err)
		}
		switch a := netip.AddrFrom4(rec.A); {
		case !usable(a):
			unusable++
		case len(ans.Addrs) < maxBook && !slices.Contains(ans.Addrs, a):
			ans.Addrs = append(ans.Addrs, a)
		}
	}
	if len(ans.Addrs) == 0 {
		if unusable > 0 {
			return Answer{}, errors.New("the server answered only addresses that no cloud has, as a DNS filter does")
		}
		return Answer{}, errors.New("the server answered without an address")
	}
	return ans, nil
}

// rcode is a response code in the words of RFC 1035 4.1.1.
func rcode(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeNameError:
		return "that the name does not exist (NXDOMAIN)"
	case dnsmessage.RCodeServerFailure:
		return "that it failed (SERVFAIL)"
	case dnsmessage.RCodeRefused:
		return "that it refuses (REFUSED)"
	}
	return fmt.Sprintf("with code %d", c)
}
