package site

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Fault is what is wrong with the way out.
type Fault string

// The faults.
const (
	// NoFault: everything passes.
	NoFault Fault = ""
	// Drop: new connections to TCP 5683 get no answer; those that stand go on.
	Drop Fault = "drop"
	// Refuse: new connections to TCP 5683 are reset; those that stand go on.
	Refuse Fault = "refuse"
	// DNSDrop: the resolver gets no question.
	DNSDrop Fault = "dns-drop"
	// CloudMute: the cloud accepts and says nothing; the firewall lets all pass.
	CloudMute Fault = "cloud-mute"
	// AllowThenKill: every packet of TCP 5683 is dropped, those of standing
	// connections as well. It is how the seed's story ends.
	AllowThenKill Fault = "allow-then-kill"
	// ApproveOne: new connections reach only Approved.
	ApproveOne Fault = "approve-one"
)

// Faults lists them, without NoFault.
func Faults() []Fault {
	return []Fault{Drop, Refuse, DNSDrop, CloudMute, AllowThenKill, ApproveOne}
}

// ParseFault reads the word of a fault; nothing is NoFault.
func ParseFault(word string) (Fault, error) {
	if f := Fault(word); f == NoFault || slices.Contains(Faults(), f) {
		return f, nil
	}
	words := make([]string, 0, len(Faults()))
	for _, f := range Faults() {
		words = append(words, string(f))
	}
	return NoFault, fmt.Errorf("%q is not a fault: want one of %s", word, strings.Join(words, ", "))
}

// NewOnly tells whether the fault spares connections that stand, so that
// nothing shows until a device connects anew.
func (f Fault) NewOnly() bool { return f != NoFault && f != AllowThenKill }

// syn matches the first packet of a connection to the cloud. It needs no
// connection tracking, which the kernels of some containers lack.
const syn = "tcp dport 5683 tcp flags & (syn | ack) == syn"

// rules are the lines of nft that make the fault.
func (f Fault) rules() []string {
	switch f {
	case Drop:
		return []string{syn + " drop"}
	case Refuse:
		return []string{syn + " reject with tcp reset"}
	case DNSDrop:
		return []string{"udp dport 53 drop", "tcp dport 53 drop"}
	case AllowThenKill:
		return []string{"tcp dport 5683 drop", "tcp sport 5683 drop"}
	case ApproveOne:
		return []string{syn + " ip daddr != " + Approved().String() + " drop"}
	}
	return nil
}

// ruleset is the firewall's whole ruleset under fault f, as a script for nft
// that replaces what is there in one step.
func ruleset(f Fault) string {
	var b strings.Builder
	b.WriteString("table inet site\ndelete table inet site\ntable inet site {\n")
	b.WriteString("\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;\n")
	for _, rule := range f.rules() {
		b.WriteString("\t\t" + rule + "\n")
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// SetFault replaces whatever fault the firewall has by f. For CloudMute the
// firewall is open: muting the cloud is the caller's.
func (s *Site) SetFault(ctx context.Context, f Fault) error {
	if err := s.Firewall.Tool(ctx, ruleset(f), "nft", "-f", "-"); err != nil {
		return fmt.Errorf("set fault %q: %w", f, err)
	}
	return nil
}
