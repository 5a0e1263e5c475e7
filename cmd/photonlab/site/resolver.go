package site

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// cloudTTL is the life of an answer in seconds: the shortest that the gateway
// heeds, so that what happens to the name shows soon.
const cloudTTL = 30

// errNotAQuestion says that a message is an answer itself (RFC 1035 4.1.1, QR).
var errNotAQuestion = errors.New("not a question")

// Resolver is the enterprise's DNS server as far as the lab needs one: UDP
// only, and it knows one name.
type Resolver struct {
	// Name is the name it knows, without the final dot.
	Name string
	// Addrs are its A records; every answer begins with another one.
	Addrs []netip.Addr
	// asked counts the answers, for the rotation.
	asked int
}

// Serve answers on conn until conn is closed.
func (r *Resolver) Serve(conn net.PacketConn) error {
	// RFC 1035 4.2.1: no question over UDP is longer.
	query := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(query)
		if err != nil {
			return fmt.Errorf("read DNS question: %w", err)
		}
		// A question that makes no sense gets silence.
		if reply, err := r.answer(query[:n]); err == nil {
			// A lost answer is asked for again; the client has the timer.
			_, _ = conn.WriteTo(reply, from)
		}
	}
}

// answer makes the reply to one query.
func (r *Resolver) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	if h.Response {
		return nil, errNotAQuestion
	}
	known := strings.EqualFold(q.Name.String(), r.Name+".")
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{ID: h.ID, Response: true, RecursionDesired: h.RecursionDesired, RecursionAvailable: true},
	}
	reply.Questions = []dnsmessage.Question{q}
	switch {
	case !known:
		reply.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		reply.Answers = r.records(q.Name)
	}
	return reply.Pack()
}

// records are the A records, rotated by one from answer to answer.
func (r *Resolver) records(name dnsmessage.Name) []dnsmessage.Resource {
	all := make([]dnsmessage.Resource, 0, len(r.Addrs))
	for i := range r.Addrs {
		addr := r.Addrs[(r.asked+i)%len(r.Addrs)]
		all = append(all, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: cloudTTL},
			Body:   &dnsmessage.AResource{A: addr.As4()},
		})
	}
	r.asked++
	return all
}
