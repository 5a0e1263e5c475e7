package photon

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
)

// Header sizes and ports of DHCP's datagrams (RFC 791, RFC 768, RFC 2131 section 4.1).
const (
	ipHeader   = 20
	udpHeader  = 8
	serverPort = 67
	clientPort = 68
	protoUDP   = 17
)

// packetSocket sends and receives IPv4 packets on an interface that has no
// address yet (packet(7), SOCK_DGRAM).
type packetSocket struct {
	// File carries the deadlines.
	*os.File
	// raw reaches the descriptor.
	raw syscall.RawConn
	// index is the interface.
	index int
}

// bigEndian16 swaps to the network's order on a little-endian machine, and is
// its own inverse on a big-endian one.
func bigEndian16(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// openPacketSocket opens a socket on the interface with an index.
func openPacketSocket(index int) (*packetSocket, error) {
	proto := bigEndian16(syscall.ETH_P_IP)
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, int(proto))
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: proto, Ifindex: index}); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("bind packet socket to interface %d: %w", index, err)
	}
	f := os.NewFile(uintptr(fd), "packet socket")
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	return &packetSocket{File: f, raw: raw, index: index}, nil
}

// send broadcasts one packet.
func (s *packetSocket) send(b []byte) error {
	to := &syscall.SockaddrLinklayer{
		Protocol: bigEndian16(syscall.ETH_P_IP), Ifindex: s.index,
		Halen: 6, Addr: [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	}
	var failed error
	err := s.raw.Write(func(fd uintptr) bool {
		failed = syscall.Sendto(int(fd), b, 0, to)
		return failed != syscall.EAGAIN
	})
	if err != nil {
		return err
	}
	return failed
}

// receive reads one packet.
func (s *packetSocket) receive(b []byte) (n int, err error) {
	var failed error
	err = s.raw.Read(func(fd uintptr) bool {
		n, _, failed = syscall.Recvfrom(int(fd), b, 0)
		return failed != syscall.EAGAIN
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// udpFromClient puts the headers of UDP and IP before a client's message, from
// 0.0.0.0 to everyone. The UDP checksum is left out, as RFC 768 allows.
func udpFromClient(body []byte) []byte {
	b := make([]byte, ipHeader+udpHeader, ipHeader+udpHeader+len(body))
	b[0], b[8], b[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(b[2:], uint16(ipHeader+udpHeader+len(body)))
	copy(b[16:], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(b[10:], checksum(b[:ipHeader]))
	binary.BigEndian.PutUint16(b[20:], clientPort)
	binary.BigEndian.PutUint16(b[22:], serverPort)
	binary.BigEndian.PutUint16(b[24:], uint16(udpHeader+len(body)))
	return append(b, body...)
}

// udpToClient returns what a server sent to a client in an IPv4 packet.
// Checksums are not looked at: over a veth they are often not filled in.
func udpToClient(b []byte) (body []byte, ok bool) {
	if len(b) < ipHeader || b[0]>>4 != 4 || b[9] != protoUDP {
		return nil, false
	}
	header := int(b[0]&15) * 4
	if header < ipHeader || len(b) < header+udpHeader {
		return nil, false
	}
	u := b[header:]
	size := int(binary.BigEndian.Uint16(u[4:]))
	if binary.BigEndian.Uint16(u[2:]) != clientPort || size < udpHeader || size > len(u) {
		return nil, false
	}
	return u[udpHeader:size], true
}

// checksum is the Internet checksum of an even number of bytes (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
