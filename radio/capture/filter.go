//go:build !nowatch

package capture

import (
	"fmt"

	"golang.org/x/net/bpf"
)

const (
	// wholeLen is how much of a DHCP or DNS packet is kept: DHCP's options may
	// fill 312 bytes behind 278 of headers, and more by agreement (RFC 2131 2);
	// an Ethernet frame ends at 1514.
	wholeLen = 1514
	// arpLen is an ARP packet in Ethernet, as padded.
	arpLen = 60
)

// fixed offsets in an Ethernet frame with IPv4.
const (
	offType     = 12
	offFragment = 20
	offProtocol = 23
	offIP       = 14
)

// filter is the kernel's program for what a Photon's way to the cloud uses:
// ARP, ICMP, DHCP, DNS, NTP, the cloud's port over TCP and UDP. It keeps snap
// bytes of a packet, and all of DHCP and DNS over UDP.
func filter(snap int) ([]bpf.RawInstruction, error) {
	raw, err := bpf.Assemble(program(uint32(snap)))
	if err != nil {
		return nil, fmt.Errorf("assemble the packet filter: %w", err)
	}
	return raw, nil
}

// IP's numbers of the protocols (IANA).
const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
)

// program is the filter: one rule after the other, the first that fits decides.
func program(snap uint32) []bpf.Instruction {
	ip := equal(bpf.LoadAbsolute{Off: offType, Size: 2}, protoIPv4)
	p := rule(arpLen, equal(bpf.LoadAbsolute{Off: offType, Size: 2}, protoARP))
	p = append(p, rule(snap, ip, equal(bpf.LoadAbsolute{Off: offProtocol, Size: 1}, protoICMP))...)
	for _, s := range []struct {
		proto, port, keep uint32
	}{
		{protoTCP, cloudPort, snap},
		{protoTCP, portDNS, snap},
		{protoUDP, portDNS, wholeLen},
		{protoUDP, portDHCPServer, wholeLen},
		{protoUDP, portNTP, snap},
		{protoUDP, cloudPort, snap},
	} {
		for _, off := range []uint32{offIP, offIP + 2} {
			p = append(p, rule(s.keep, ip,
				equal(bpf.LoadAbsolute{Off: offProtocol, Size: 1}, s.proto),
				check{bpf.LoadAbsolute{Off: offFragment, Size: 2}, bpf.JumpBitsNotSet, 0x1fff},
				equal(bpf.LoadIndirect{Off: off, Size: 2}, s.port))...)
		}
	}
	return append(p, bpf.RetConstant{Val: 0})
}

// check is one condition of a rule.
type check struct {
	load bpf.Instruction
	cond bpf.JumpTest
	val  uint32
}

// equal is the check that what is loaded is val.
func equal(load bpf.Instruction, val uint32) check { return check{load, bpf.JumpEqual, val} }

// rule keeps as many bytes where all checks hold, and goes on behind itself
// where one does not.
func rule(keep uint32, checks ...check) []bpf.Instruction {
	// Register X is the length of the IP header, for checks of ports.
	p := []bpf.Instruction{bpf.LoadMemShift{Off: offIP}}
	for i, c := range checks {
		// What is left of the rule: two for each later check, and the verdict.
		rest := uint8(2*(len(checks)-i-1) + 1)
		p = append(p, c.load, bpf.JumpIf{Cond: c.cond, Val: c.val, SkipFalse: rest})
	}
	return append(p, bpf.RetConstant{Val: keep})
}
