//go:build !nowatch

package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"photongate/gateway"
)

const (
	// defaultBytes holds 400 packets of a device: half an hour of pings.
	defaultBytes = 64 << 10
	// bytesMin and bytesMax bound what is kept of one device: less does not
	// hold one DHCP exchange, more does not fit a router.
	bytesMin, bytesMax = 1 << 10, 16 << 20
	// defaultSnap is 54 bytes of headers, TCP's options, and the first record
	// of a segment; payload is encrypted, and not ours to keep (users.md G).
	defaultSnap = 128
	// snapMin holds all headers with full options but TCP's, snapMax a frame.
	snapMin, snapMax = 64, 1514
	// pulse is how often the ring tells that it works, and looks at its deadlines.
	pulse = 10 * time.Second
	// watchPause is how long a read may wait, so that deadlines are noticed.
	watchPause = time.Second
)

// Ring watches an interface: it decodes what devices send and receive, and
// keeps the latest packets of each. It is a gateway.Task.
type Ring struct {
	c       Config
	log     *slog.Logger
	filter  []bpf.RawInstruction
	decoder *Decoder

	once  sync.Once
	ready chan struct{}
	drops atomic.Uint64

	mu        sync.Mutex
	recorders map[gateway.MAC]*recorder
}

// New checks c and opens nothing.
func New(c Config) (*Ring, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	d, err := NewDecoder(Settings{Names: c.Names, Segment: c.Segment, Only: c.Listed, Emit: c.Emit})
	if err != nil {
		return nil, err
	}
	f, err := filter(c.Snap)
	if err != nil {
		return nil, err
	}
	return &Ring{
		c: c, log: c.Log, filter: f, decoder: d,
		ready: make(chan struct{}), recorders: make(map[gateway.MAC]*recorder),
	}, nil
}

// setDefaults fills what was left out.
func (c *Config) setDefaults() {
	if c.Bytes == 0 {
		c.Bytes = defaultBytes
	}
	if c.Snap == 0 {
		c.Snap = defaultSnap
	}
	if c.Emit == nil {
		c.Emit = func(gateway.Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// check tells what cannot work.
func (c *Config) check() error {
	switch {
	case c.Interface == "":
		return errors.New("watch packets: no interface is named")
	case c.Bytes < bytesMin || c.Bytes > bytesMax:
		return fmt.Errorf("watch packets on %s: %d bytes for a device are not between %d and %d", c.Interface, c.Bytes, bytesMin, bytesMax)
	case c.Snap < snapMin || c.Snap > snapMax:
		return fmt.Errorf("watch packets on %s: %d bytes of a packet are not between %d and %d", c.Interface, c.Snap, snapMin, snapMax)
	}
	return nil
}

// Ready is closed once the interface is watched for the first time.
func (r *Ring) Ready() <-chan struct{} { return r.ready }

// String names the ring.
func (r *Ring) String() string { return "packet witness on " + r.c.Interface }

// Drops counts packets that the kernel dropped because they were not read in time.
func (r *Ring) Drops() uint64 { return r.drops.Load() }

// Run watches until ctx ends. It returns nil: an interface that is not there
// may come, so it is tried again and reported as PartFailed.
func (r *Ring) Run(ctx context.Context) error {
	var pause gateway.Backoff
	for {
		err := r.watch(ctx, &pause)
		if ctx.Err() != nil {
			return nil
		}
		r.fail(err)
		if !gateway.Pause(ctx, pause.Next()) {
			return nil
		}
	}
}

// watch opens the socket and reads until it breaks or ctx ends.
func (r *Ring) watch(ctx context.Context, pause *gateway.Backoff) error {
	ifi, err := net.InterfaceByName(r.c.Interface)
	if err != nil {
		return fmt.Errorf("watch packets on %s: %w", r.c.Interface, err)
	}
	if ifi.Flags&net.FlagUp == 0 {
		return fmt.Errorf("watch packets on %s: %w", r.c.Interface, unix.ENETDOWN)
	}
	if len(ifi.HardwareAddr) != 6 {
		return gateway.Hint(fmt.Errorf("watch packets on %s: it has no Ethernet framing", r.c.Interface), "name the interface of the access point")
	}
	conn, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: r.filter})
	if err != nil {
		return fmt.Errorf("watch packets on %s: %w", r.c.Interface, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	pause.Reset()
	r.once.Do(func() { close(r.ready) })
	r.log.Info("watching packets", "interface", r.c.Interface)
	r.c.Emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: gateway.PartCapture})
	return r.read(conn, gateway.MAC(ifi.HardwareAddr))
}

// read takes packets until conn breaks or is closed; own is the interface's MAC.
func (r *Ring) read(conn *packet.Conn, own gateway.MAC) error {
	buf := make([]byte, wholeLen)
	var told time.Time
	for {
		now := time.Now()
		if now.Sub(told) >= pulse {
			told = now
			r.tellPulse(conn, now)
		}
		if err := conn.SetReadDeadline(now.Add(watchPause)); err != nil {
			return fmt.Errorf("bound the wait for packets on %s: %w", r.c.Interface, err)
		}
		n, _, err := conn.ReadFrom(buf)
		switch now = time.Now(); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.decoder.Advance(now)
		case err != nil:
			return fmt.Errorf("receive packets on %s: %w", r.c.Interface, err)
		default:
			r.take(now, buf[:n], own)
		}
	}
}

// tellPulse tells that the ring works, and counts what the kernel dropped.
func (r *Ring) tellPulse(conn *packet.Conn, now time.Time) {
	if st, err := conn.Stats(); err == nil && st.Drops > 0 {
		r.log.Warn("packets were not read in time", "interface", r.c.Interface, "count", st.Drops)
		r.drops.Add(uint64(st.Drops))
	}
	r.c.Emit(gateway.Event{Time: now, Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: gateway.PartCapture})
}

// take decodes and keeps one packet.
func (r *Ring) take(now time.Time, b []byte, own gateway.MAC) {
	wire := wireLen(b)
	m := r.decoder.Frame(now, LinkEthernet, b, wire)
	if len(b) < offIP {
		return
	}
	for _, c := range []gateway.MAC{m, gateway.MAC(b[6:12]), gateway.MAC(b[:6])} {
		if c == own || c.IsZero() || c.IsGroup() || r.c.Listed != nil && !r.c.Listed(c) {
			continue
		}
		r.mu.Lock()
		r.recorder(c).add(now, b, wire)
		r.mu.Unlock()
		return
	}
}

// recorder is the recorder of a device, new where there is none. The caller
// holds mu.
func (r *Ring) recorder(m gateway.MAC) *recorder {
	rec := r.recorders[m]
	if rec != nil {
		return rec
	}
	if len(r.recorders) >= hostsLimit {
		r.dropRecorder()
	}
	rec = &recorder{limit: r.c.Bytes}
	r.recorders[m] = rec
	return rec
}

// dropRecorder forgets the device that was silent for longest.
func (r *Ring) dropRecorder() {
	var oldest gateway.MAC
	for m, rec := range r.recorders {
		if o := r.recorders[oldest]; o == nil || rec.seen.Before(o.seen) {
			oldest = m
		}
	}
	delete(r.recorders, oldest)
}

// wireLen is how long a packet was, of which the kernel passed on the beginning:
// as long as its IP header says.
func wireLen(b []byte) int {
	if len(b) < offIP+4 || b[offType] != 0x08 || b[offType+1] != 0x00 {
		return len(b)
	}
	return max(len(b), offIP+int(b[offIP+2])<<8+int(b[offIP+3]))
}

// fail reports that the ring does not work.
func (r *Ring) fail(err error) {
	var hinted *gateway.Hinted
	hint := ""
	switch {
	case errors.As(err, &hinted):
		hint = hinted.Hint
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		hint = "watching packets needs CAP_NET_RAW: run as root, or by the unit that comes with the package"
	case errors.Is(err, unix.ENETDOWN):
		hint = "the interface is down or gone: `ip link` shows it"
	}
	r.c.Emit(gateway.Event{Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.PartFailed, Part: gateway.PartCapture, Text: err.Error(), Hint: hint})
}
