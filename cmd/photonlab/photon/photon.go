// Package photon is a virtual Particle Photon with firmware 0.6.2: it does on a
// network what the real one does, with its habits, its limits and its log
// (photon.md 4 to 7), and its handshake is the real one. It joins by having a
// cable: a virtual Photon's interface is one end of a veth pair.
//
// A Photon that loses its power says nothing more. Here its interface goes down
// first, and then its connections are closed with SO_LINGER 0, so that the
// kernel forgets them: no FIN, no RST, and no late retransmission of either.
package photon

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"photongate/gateway"
)

const (
	// defaultCloud is the name that every Photon connects to (photon.md 5.1).
	defaultCloud = "device.spark.io"
	// defaultPort is the cloud's TCP port (photon.md 5.1).
	defaultPort = 5683
)

// Config is a virtual Photon.
type Config struct {
	// Name is for people.
	Name string
	// MAC is set on the interface; the zero MAC leaves what it has.
	MAC gateway.MAC
	// ID is the device id.
	ID gateway.DeviceID
	// Interface is the Photon's own network interface; Run changes its address,
	// its state and the default route of its network namespace.
	Interface string
	// Key is the device's own, RSA-1024; ServerKey is the cloud's, RSA-2048.
	Key       *rsa.PrivateKey
	ServerKey *rsa.PublicKey
	// Serial takes the log, as the USB port gives it; nil discards.
	Serial io.Writer
	// Timing is the firmware's; fields that are 0 are those of DefaultTiming.
	Timing Timing
	// CloudHost and Port are where the cloud is; empty and 0 are device.spark.io and 5683.
	CloudHost string
	Port      uint16
	// HostName makes DHCP requests carry the device id, as firmware 0.7.0 and
	// later do (photon.md 8.3).
	HostName bool
	// Network replaces the interface, for tests.
	Network Network
}

// Photon is a virtual Photon.
type Photon struct {
	// c is the configuration with its defaults.
	c Config
	// net is the network.
	net Network
	// led is what the light shows.
	led atomic.Value
	// ready is closed once it was online, by once.
	ready chan struct{}
	once  sync.Once
	// mu guards off, which takes the power from the current life.
	mu  sync.Mutex
	off context.CancelFunc
}

// New checks a configuration. It opens nothing.
func New(c Config) (*Photon, error) {
	switch {
	case c.Key == nil || c.ServerKey == nil:
		return nil, fmt.Errorf("make photon %s: %w", c.Name, errors.New("a key is missing"))
	case c.ID.IsZero():
		return nil, fmt.Errorf("make photon %s: %w", c.Name, errors.New("no device id"))
	case c.Network == nil && c.Interface == "":
		return nil, fmt.Errorf("make photon %s: %w", c.Name, errors.New("no interface"))
	}
	if c.Serial == nil {
		c.Serial = io.Discard
	}
	if c.CloudHost == "" {
		c.CloudHost = defaultCloud
	}
	if c.Port == 0 {
		c.Port = defaultPort
	}
	c.Timing = c.Timing.withDefaults()
	p := &Photon{c: c, net: c.Network, ready: make(chan struct{})}
	if p.net == nil {
		p.net = newWire(c)
	}
	p.led.Store(LEDOff)
	return p, nil
}

// String names the Photon.
func (p *Photon) String() string { return "photon " + p.c.Name }

// Ready is closed once the Photon was connected to its cloud.
func (p *Photon) Ready() <-chan struct{} { return p.ready }

// LED is what the light shows now.
func (p *Photon) LED() LED { return p.led.Load().(LED) }

// Reset takes the power for a moment. It returns at once.
func (p *Photon) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off != nil {
		p.off()
	}
}

// Run gives the Photon power until ctx ends, and then returns nil.
func (p *Photon) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		power, off := context.WithCancel(ctx)
		p.mu.Lock()
		p.off = off
		p.mu.Unlock()
		newLife(p, power).run(power)
		off()
		p.led.Store(LEDOff)
		if !gateway.Pause(ctx, p.c.Timing.PowerOff) {
			break
		}
	}
	return nil
}
