package photon

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"
)

// lease is an address with what came with it.
type lease struct {
	// addr is the address with its network's length, server who gave it.
	addr   netip.Prefix
	server netip.Addr
	// router is the way out; zero if there is none.
	router netip.Addr
	// servers resolve names.
	servers []netip.Addr
}

// errRefused: the server took its offer back.
var errRefused = errors.New("server refused")

// client is one run of the DHCP client.
type client struct {
	// sock is the interface.
	sock *packetSocket
	// mac is the interface's address, hostName goes out with requests.
	mac      net.HardwareAddr
	hostName string
	// xid is of this run.
	xid uint32
}

// obtain gets an address on an interface. Like the stack of the firmware
// (LwIP 1.4) it discovers, requests, does not ask whether the address is taken,
// and repeats after 2, 4, 8, ... s until ctx ends.
func obtain(ctx context.Context, name, hostName string) (lease, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return lease{}, err
	}
	if len(i.HardwareAddr) != 6 {
		return lease{}, fmt.Errorf("use %s: no Ethernet address", name)
	}
	sock, err := openPacketSocket(i.Index)
	if err != nil {
		return lease{}, err
	}
	defer sock.Close()
	defer context.AfterFunc(ctx, func() { _ = sock.SetReadDeadline(time.Unix(1, 0)) })()
	c := &client{sock: sock, mac: i.HardwareAddr, hostName: hostName, xid: rand.Uint32()}
	for ctx.Err() == nil {
		offer, err := c.ask(ctx, c.message(typeDiscover), typeOffer)
		if err != nil {
			return lease{}, err
		}
		m := c.message(typeRequest)
		m.requested, m.server = offer.addr.Addr(), offer.server
		l, err := c.ask(ctx, m, typeAck)
		if !errors.Is(err, errRefused) {
			return l, err
		}
	}
	return lease{}, context.Cause(ctx)
}

// message is what the client sends of a type.
func (c *client) message(kind byte) dhcpMessage {
	return dhcpMessage{kind: kind, xid: c.xid, mac: [6]byte(c.mac), hostName: c.hostName}
}

// ask sends m until an answer of the wanted type comes.
func (c *client) ask(ctx context.Context, m dhcpMessage, want byte) (lease, error) {
	// LwIP: 2^tries seconds, counted from 1.
	for wait := 2 * time.Second; ; wait *= 2 {
		if err := c.sock.send(m.datagram()); err != nil {
			return lease{}, fmt.Errorf("send: %w", err)
		}
		if err := c.sock.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return lease{}, err
		}
		if ctx.Err() != nil {
			return lease{}, context.Cause(ctx)
		}
		l, err := c.await(want)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return l, err
		}
	}
}

// await reads until an answer to this run comes.
func (c *client) await(want byte) (lease, error) {
	var buf [1500]byte
	for {
		n, err := c.sock.receive(buf[:])
		if err != nil {
			return lease{}, fmt.Errorf("receive: %w", err)
		}
		body, ok := udpToClient(buf[:n])
		if !ok {
			continue
		}
		a, ok := parseDHCP(body)
		if !ok || a.xid != c.xid || a.mac != [6]byte(c.mac) {
			continue
		}
		switch a.kind {
		case want:
			return a.lease(), nil
		case typeNak:
			return lease{}, errRefused
		}
	}
}
