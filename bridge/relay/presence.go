package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"photongate/gateway"
)

// presenceGroup is where a Photon announces itself after a completed
// handshake, once, unacknowledged (photon.md 4.2).
var presenceGroup = netip.MustParseAddrPort("224.0.1.187:5683")

// presencePrefix is the datagram before the 12-byte device id: a CoAP
// non-confirmable POST to /h with a payload (photon.md 4.2).
var presencePrefix = []byte{0x50, 0x02, 0x00, 0x00, 0xb1, 0x68, 0xff}

// parsePresence takes the device id out of a presence datagram.
func parsePresence(b []byte) (id gateway.DeviceID, ok bool) {
	rest, ok := bytes.CutPrefix(b, presencePrefix)
	if !ok || len(rest) != len(id) {
		return gateway.DeviceID{}, false
	}
	copy(id[:], rest)
	return id, !id.IsZero()
}

// Presence listens for the devices' announcements. They bind a device id to an
// address, and prove a handshake that we cannot look into. It is a gateway.Task.
type Presence struct {
	// Interface is the segment's.
	Interface string
	// Who names the device that holds an address.
	Who  func(netip.Addr) (gateway.MAC, bool)
	Emit gateway.Sink
	Log  *slog.Logger

	once      sync.Once
	ready     chan struct{}
	malformed atomic.Uint64
	// told belongs to Run.
	told announcements
}

// Malformed counts datagrams to the group that are no announcement.
func (p *Presence) Malformed() uint64 { return p.malformed.Load() }

// NewPresence makes the listener.
func NewPresence(iface string, who func(netip.Addr) (gateway.MAC, bool), emit gateway.Sink, log *slog.Logger) *Presence {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Presence{Interface: iface, Who: who, Emit: emit, Log: log, ready: make(chan struct{}), told: make(announcements)}
}

// String names the task.
func (p *Presence) String() string {
	return fmt.Sprintf("presence on %s (%s)", p.Interface, presenceGroup)
}

// Ready is closed at once: announcements are a bonus that nothing waits for.
func (p *Presence) Ready() <-chan struct{} { return p.ready }

// Run listens until ctx ends, and again whenever the interface comes back.
func (p *Presence) Run(ctx context.Context) error {
	p.once.Do(func() { close(p.ready) })
	var pause gateway.Backoff
	for ctx.Err() == nil {
		err := p.listen(ctx, pause.Reset)
		if err == nil {
			continue
		}
		p.Log.Debug("presence announcements are not heard", "err", err)
		gateway.Pause(ctx, pause.Next())
	}
	return nil
}

// rejoin is how often the group is joined anew: an interface that was taken
// down and up has forgotten its memberships, and no error tells so.
const rejoin = time.Minute

// listen joins the group and reads until it fails, ctx ends or it is time to rejoin.
func (p *Presence) listen(ctx context.Context, joined func()) error {
	ifi, err := net.InterfaceByName(p.Interface)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", p.Interface, err)
	}
	c, err := net.ListenMulticastUDP("udp4", ifi, net.UDPAddrFromAddrPort(presenceGroup))
	if err != nil {
		return fmt.Errorf("join %s on %s: %w", presenceGroup.Addr(), p.Interface, err)
	}
	defer c.Close()
	joined()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	// One byte more than a datagram has, to tell a longer one.
	buf := make([]byte, len(presencePrefix)+len(gateway.DeviceID{})+1)
	c.SetReadDeadline(time.Now().Add(rejoin))
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("read from %s: %w", presenceGroup, err)
		}
		p.heard(buf[:n], from.Addr().Unmap(), time.Now())
	}
}

// heard reports one announcement of a listed device, unless it is too many.
func (p *Presence) heard(b []byte, from netip.Addr, now time.Time) {
	id, ok := parsePresence(b)
	if !ok {
		p.malformed.Add(1)
		return
	}
	mac, ok := p.Who(from)
	if !ok || !p.told.allow(mac, id, now) {
		return
	}
	p.Emit(gateway.Event{Time: now, Witness: gateway.WitnessAir, Kind: gateway.Presence, MAC: mac, ID: id, Addr: from})
}
