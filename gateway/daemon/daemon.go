package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"photongate/bridge/egress"
	"photongate/bridge/loop"
	"photongate/bridge/mqtt"
	"photongate/bridge/relay"
	"photongate/gateway"
	"photongate/gateway/config"
	"photongate/gateway/report"
	"photongate/radio/capture"
	"photongate/radio/dhcp"
	"photongate/radio/dns"
	"photongate/radio/firewall"
	"photongate/radio/ntp"
	"photongate/radio/segment"
)

// Names that every segment answers beside the configured ones (photon.md 5.1),
// and those of the internet test of firmware 2.x (photon.md 5.2).
var (
	cloudNames = []string{"device.spark.io", "device.tcp.particle.io"}
	timeNames  = []string{"pool.ntp.org"}
)

const (
	// relayPort is where Photons look for their cloud (photon.md 4.1).
	relayPort = 5683
	// spoolRecords and spoolBytes bound what waits for the broker: a day of a
	// gateway on which something happens every minute.
	spoolRecords = 2000
	spoolBytes   = 1 << 20
	// sessionsPerDevice bounds the relay in all: one that stands, and one that
	// is being replaced.
	sessionsPerDevice = 2
	// sessionsSpare lets devices that are added later in without a restart.
	sessionsSpare = 64
)

// Daemon is the gateway. Make it with New, run it once.
type Daemon struct {
	cfg     config.Config
	log     *slog.Logger
	version string

	devices *whitelist
	table   *dhcp.Table
	journal *journal
	control *control

	loop     *loop.Loop
	firewall *firewall.Segment
	segment  *segment.Keeper
	dhcp     *dhcp.Server
	dns      *dns.Server
	ntp      *ntp.Server
	presence *relay.Presence
	relay    *relay.Relay
	egress   *egress.Egress
	capture  *capture.Ring // nil in a build without it
	mqtt     *mqtt.Client  // nil when no broker is configured
	spool    *mqtt.Spool
	lock     *lock

	// learning: an id is being written. doubted are the ids that were told
	// against the known ones; it belongs to the journal.
	learning atomic.Bool
	doubted  map[gateway.MAC]gateway.DeviceID
}

// New makes the gateway of a configuration: it takes the lock, creates the
// directories, reads what earlier runs learned, and touches nothing else.
func New(cfg config.Config, version string, log *slog.Logger) (*Daemon, error) {
	if err := Preflight(cfg); err != nil {
		return nil, fmt.Errorf("start the gateway: %w", err)
	}
	k, err := takeLock("start the gateway", cfg)
	if err != nil {
		return nil, err
	}
	d, err := build(cfg, version, log)
	if err != nil {
		k.release()
		return nil, err
	}
	// The directories exist by now, where they did not before.
	for _, dir := range []string{cfg.Gateway.StateDir, cfg.Gateway.RuntimeDir} {
		if len(k.dirs) == 2 {
			break
		}
		if err := k.takeDir("start the gateway", dir); err != nil {
			k.release()
			return nil, err
		}
	}
	d.lock = k
	return d, nil
}

// build is New for who holds the lock.
func build(cfg config.Config, version string, log *slog.Logger) (*Daemon, error) {
	d := &Daemon{cfg: cfg, log: log, version: version, doubted: map[gateway.MAC]gateway.DeviceID{}}
	for _, make := range []func() error{d.buildState, d.buildSegment, d.buildBridge, d.buildMQTT} {
		if err := make(); err != nil {
			return nil, err
		}
	}
	d.control = &control{path: socketPath(cfg.Gateway.RuntimeDir), d: d, ready: make(chan struct{})}
	return d, nil
}

// state is the path of a file that outlives the machine's restart.
func (d *Daemon) state(name string) string { return filepath.Join(d.cfg.Gateway.StateDir, name) }

// emit is the parts' sink. The journal exists before any part runs.
func (d *Daemon) emit(ev gateway.Event) { d.journal.emit(ev) }

// who names the listed device that holds an address.
func (d *Daemon) who(a netip.Addr) (gateway.MAC, bool) { return d.table.MAC(a) }

// makeFolder makes a folder of the configuration.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return gateway.Hint(fmt.Errorf("make directory: %w", err), "run as root, or name other directories in [gateway]")
	}
	return nil
}

// buildState reads what earlier runs learned.
func (d *Daemon) buildState() error {
	for _, dir := range []string{d.cfg.Gateway.StateDir, d.cfg.Gateway.RuntimeDir} {
		if err := makeFolder(dir); err != nil {
			return err
		}
	}
	w, dropped, err := openWhitelist(d.state("devices.json"), d.cfg.Devices)
	if err != nil {
		return err
	}
	for _, why := range dropped {
		d.log.Warn("a learned device contradicts the configuration and is left out", "err", why)
	}
	d.devices = w
	w.apply, w.changed = d.enforce, d.announce
	if d.table, err = dhcp.NewTable(dhcp.TableConfig{Prefix: d.cfg.Segment.Address, Path: d.state("leases.json")}); err != nil {
		return err
	}
	if err := d.table.Load(); err != nil {
		d.log.Warn("the leases of the last run are lost; devices get new addresses", "err", err)
	}
	if err := d.table.Assign(w.inventory()); err != nil {
		// The assignment is in force all the same: a full disk, or one device too
		// many, must not keep the others from their cloud.
		d.log.Warn("addresses are not as they should be", "err", err)
	}
	d.journal = newJournal(d)
	return nil
}

// pairs are the listed devices with their addresses, as the firewall takes them.
func (d *Daemon) pairs() []firewall.Pair {
	var ps []firewall.Pair
	for _, p := range d.table.Pairs() {
		ps = append(ps, firewall.Pair(p))
	}
	return ps
}

// buildSegment makes the parts that serve the segment.
func (d *Daemon) buildSegment() error {
	iface, addr := d.cfg.Segment.Interface, d.cfg.Segment.Address
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(addr.Addr(), port) }
	var errs [5]error
	d.firewall, errs[0] = firewall.New(firewall.Config{
		Interface: iface, Gateway: addr, Pairs: d.pairs(), RelayPort: relayPort, NTP: true,
		Emit: d.emit, Log: d.logger("firewall"),
	})
	d.segment, errs[1] = segment.New(segment.Config{
		Interface: iface, Address: addr, RuntimeDir: d.cfg.Gateway.RuntimeDir, Emit: d.emit, Log: d.logger("segment"),
	})
	d.dhcp, errs[2] = dhcp.New(dhcp.Config{Interface: iface, Gateway: addr, Table: d.table, Emit: d.emit, Log: d.logger("dhcp")})
	d.dns, errs[3] = dns.New(dns.Config{
		Addr: at(53), Answer: addr.Addr(), Names: append(d.cloudNames(), d.cfg.Egress.Names...), TimeNames: timeNames,
		Who: d.who, Emit: d.emit, Log: d.logger("dns"),
	})
	d.ntp, errs[4] = ntp.New(ntp.Config{Addr: at(123), Synced: clockSynced, Who: d.who, Emit: d.emit, Log: d.logger("ntp")})
	if err := d.buildCapture(); err != nil {
		return err
	}
	d.presence = relay.NewPresence(iface, d.who, d.emit, d.logger("presence"))
	return errors.Join(errs[:]...)
}

// cloudNames are the names that a device looks up in order to connect.
func (d *Daemon) cloudNames() []string {
	names := slices.Clone(cloudNames)
	if _, literal := d.cfg.Egress.Cloud.Addr(); !literal && !slices.Contains(names, d.cfg.Egress.Cloud.Host) {
		names = append(names, d.cfg.Egress.Cloud.Host)
	}
	return names
}

// buildCapture makes the packet witness. Live it only records, for incidents:
// what it would tell, relay, dhcp and dns tell better.
func (d *Daemon) buildCapture() error {
	var err error
	d.capture, err = capture.New(capture.Config{
		Interface: d.cfg.Segment.Interface, Segment: d.cfg.Segment.Address, Log: d.logger("capture"),
		Listed: func(m gateway.MAC) bool { _, ok := d.devices.inventory().ByMAC(m); return ok },
		Emit: func(ev gateway.Event) {
			if ev.Part != "" {
				d.emit(ev)
			}
		},
	})
	if errors.Is(err, capture.ErrAbsent) {
		d.capture, err = nil, nil
	}
	return err
}

// logger is the log of one part.
func (d *Daemon) logger(part string) *slog.Logger { return d.log.With("component", part) }

// buildBridge makes the relay and the way out.
func (d *Daemon) buildBridge() error {
	var err error
	if d.loop, err = loop.New(); err != nil {
		return err
	}
	e := d.cfg.Egress
	d.egress, err = egress.New(egress.Config{
		Loop: d.loop, Host: e.Cloud.Host, Port: e.Cloud.Port,
		Approved: e.Approved.Prefixes, ApprovedName: len(e.Approved.Names) > 0,
		Resolvers: e.Resolvers, Source: e.Source, Interface: e.Interface,
		Path: d.state("cloud.json"), Emit: d.emit, Log: d.logger("egress"),
	})
	if err != nil {
		return err
	}
	d.relay, err = relay.New(relay.Config{
		Loop: d.loop, Listen: netip.AddrPortFrom(d.cfg.Segment.Address.Addr(), relayPort),
		Admit: d.admit, Max: sessionsPerDevice*d.devices.inventory().Len() + sessionsSpare,
		Open: func(done func(relay.Upstream)) func() {
			return d.egress.Open(func(w egress.Way) { done(relay.Upstream(w)) })
		},
		Emit: d.emit, Log: d.logger("relay"),
	})
	return err
}

// admit names the device behind a connection. The firewall has let only pairs
// of MAC and address through, so the address alone tells.
func (d *Daemon) admit(a netip.Addr) (gateway.MAC, error) {
	m, ok := d.table.MAC(a)
	if !ok {
		return m, fmt.Errorf("%s is not the address of a listed device", a)
	}
	return m, nil
}

// buildMQTT makes the client of the broker, if there is one.
func (d *Daemon) buildMQTT() error {
	c := d.cfg.MQTT
	if c.URL == nil {
		return nil
	}
	var err error
	if d.spool, err = mqtt.OpenSpool(d.state("spool.jsonl"), spoolRecords, spoolBytes); err != nil {
		return err
	}
	name := d.cfg.Gateway.Name
	d.mqtt, err = mqtt.New(mqtt.Config{
		URL: c.URL, ClientID: "photongate-" + name, Username: c.Username, PasswordFile: c.PasswordFile,
		CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile,
		Will: mqtt.Message(report.Will(name)), Offline: mqtt.Message(report.Will(name)),
		Birth: d.journal.birth, Spool: d.spool, Emit: d.emit, Log: d.logger("mqtt"),
	})
	return err
}

// enforce carries a changed whitelist to the parts that hold it: addresses
// first, then the firewall. A device for which there is no address is refused;
// a removal is carried through whatever the table complains of.
func (d *Daemon) enforce(ctx context.Context, inv gateway.Inventory) error {
	if err := d.table.Assign(inv); err != nil {
		if inv.Len() > d.devices.inventory().Len() {
			return err
		}
		d.log.Warn("addresses are not as they should be", "err", err)
	}
	return d.firewall.Update(ctx, d.pairs())
}

// announce tells of a changed whitelist, and ends what a removed device has open.
func (d *Daemon) announce(dev gateway.Device, what string) {
	if what == "removed" {
		d.relay.Kick(dev.MAC)
	}
	d.log.Info("whitelist changed", "device", dev.Label(), "mac", dev.MAC.String(), "what", what)
	d.emit(gateway.Event{
		Time: time.Now(), Witness: gateway.WitnessSelf, Kind: gateway.WhitelistChanged,
		MAC: dev.MAC, ID: dev.ID, Name: dev.Name, Text: what,
	})
}
