package dns

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/dns/dnsmessage"
)

// queryLimit is the longest question that is read, and the payload size that
// is offered back: 1280 bytes, which every link carries (RFC 8200 5), less 48 of
// IPv6 and UDP headers. A question for the longest name takes 271 without options.
const queryLimit = 1232

// ttl is how many seconds a device may keep an answer. The address never
// changes while the gateway runs, but a device that moves to another segment
// must not carry it along for long; a minute is below its longest retry pause,
// 128 s (photon.md 4.1).
const ttl = 60

// badVersion is the extended code for an unknown EDNS version (RFC 6891 9).
const badVersion dnsmessage.RCode = 16

// ednsVersion and its shift locate the version in an OPT record's TTL (RFC 6891 6.1.3).
const (
	ednsVersionShift = 16
	ednsVersionMask  = 0xff
)

// errTwoOPT: a message has two OPT records (RFC 6891 6.1.1: FORMERR).
var errTwoOPT = errors.New("two OPT records")

// query is what a question says, as far as it matters.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
	// name is question.Name as lower makes it.
	name string
	// edns: the question has an OPT record, of this version.
	edns    bool
	version uint8
}

// result is what became of a question.
type result uint8

// The results. Silence is for what is no question at all: answering it would
// let two servers talk to each other for ever.
const (
	silent result = iota
	answered
	refused
	rejected
)

// reply is what one message leads to.
type reply struct {
	// msg goes back; it is nil when result is silent.
	msg    []byte
	result result
	// name is what was asked for, as lower makes it; cloud: it is the cloud's,
	// and addressed: the gateway's address was told.
	name             string
	cloud, addressed bool
}

// answer replies to one message. addr is the one address that there is.
// buf's space is used for the reply.
func (z zone) answer(in []byte, addr [4]byte, buf []byte) reply {
	var p dnsmessage.Parser
	h, err := p.Start(in)
	if err != nil || h.Response {
		return reply{}
	}
	if h.OpCode != 0 {
		return reject(buf, h, dnsmessage.RCodeNotImplemented)
	}
	// RFC 9619 4: exactly one question. The parser does not tell how many.
	if binary.BigEndian.Uint16(in[4:6]) != 1 {
		return reject(buf, h, dnsmessage.RCodeFormatError)
	}
	q, err := read(&p, h)
	if errors.Is(err, errTwoOPT) {
		return reject(buf, h, dnsmessage.RCodeFormatError)
	}
	if err != nil {
		return reply{}
	}
	return z.resolve(q, addr, buf)
}

// read parses what follows the header.
func read(p *dnsmessage.Parser, h dnsmessage.Header) (query, error) {
	q := query{header: h}
	var err error
	if q.question, err = p.Question(); err != nil {
		return q, fmt.Errorf("read question: %w", err)
	}
	q.name = lower(q.question.Name)
	if err := errors.Join(p.SkipAllQuestions(), p.SkipAllAnswers(), p.SkipAllAuthorities()); err != nil {
		return q, fmt.Errorf("skip to the additional records: %w", err)
	}
	for {
		rh, err := p.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return q, nil
		}
		if err != nil {
			return q, fmt.Errorf("read additional record: %w", err)
		}
		if rh.Type == dnsmessage.TypeOPT {
			if q.edns {
				return q, errTwoOPT
			}
			q.edns, q.version = true, uint8(rh.TTL>>ednsVersionShift&ednsVersionMask)
		}
		if err := p.SkipAdditional(); err != nil {
			return q, fmt.Errorf("skip additional record: %w", err)
		}
	}
}

// resolve decides what a well-formed question gets.
func (z zone) resolve(q query, addr [4]byte, buf []byte) reply {
	r := reply{name: q.name, result: refused}
	code := dnsmessage.RCodeRefused
	ours, cloud := z.holds(q.name)
	switch {
	case q.edns && q.version > 0:
		r.result, code = rejected, badVersion
	case ours && q.question.Class == dnsmessage.ClassINET:
		r.result, r.cloud, code = answered, cloud, dnsmessage.RCodeSuccess
		r.addressed = q.question.Type == dnsmessage.TypeA
	}
	msg, err := pack(q, code, r.addressed, addr, buf)
	if err != nil {
		return reply{}
	}
	r.msg = msg
	return r
}

// pack writes a reply: the question as it was spelled, the address if told,
// and an OPT record for one (RFC 6891 6.1.1). An answer without records is how
// a name says that it has none of that type (RFC 2308 2.2).
func pack(q query, code dnsmessage.RCode, told bool, addr [4]byte, buf []byte) ([]byte, error) {
	served := code == dnsmessage.RCodeSuccess
	b := dnsmessage.NewBuilder(buf[:0], dnsmessage.Header{
		ID: q.header.ID, Response: true, RecursionDesired: q.header.RecursionDesired,
		Authoritative: served, RecursionAvailable: served, RCode: code & 0xf,
	})
	b.EnableCompression()
	if err := errors.Join(b.StartQuestions(), b.Question(q.question), b.StartAnswers()); err != nil {
		return nil, err
	}
	if told {
		rh := dnsmessage.ResourceHeader{Name: q.question.Name, Class: dnsmessage.ClassINET, TTL: ttl}
		if err := b.AResource(rh, dnsmessage.AResource{A: addr}); err != nil {
			return nil, err
		}
	}
	if q.edns {
		var rh dnsmessage.ResourceHeader
		if err := errors.Join(rh.SetEDNS0(queryLimit, code, false), b.StartAdditionals(),
			b.OPTResource(rh, dnsmessage.OPTResource{})); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// reject is a reply that is a header alone, for what was not understood.
func reject(buf []byte, h dnsmessage.Header, code dnsmessage.RCode) reply {
	b := dnsmessage.NewBuilder(buf[:0], dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RCode: code,
	})
	msg, err := b.Finish()
	if err != nil {
		return reply{}
	}
	return reply{msg: msg, result: rejected}
}
