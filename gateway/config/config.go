package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"photongate/gateway"
)

// Config is a whole configuration, checked: no string in it needs parsing later.
type Config struct {
	Gateway Gateway
	Segment Segment
	AP      AP
	Egress  Egress
	USB     USB
	MQTT    MQTT
	HTTP    HTTP
	// Devices are the whitelist's pinned entries, in the order of the file.
	// gateway.NewInventory accepts them.
	Devices []gateway.Device
	// Lint is what works and is unwise: to be shown, never a reason to stop.
	Lint Problems
}

// Gateway is the section about this box.
type Gateway struct {
	// Name is one level of an MQTT topic: no '+', '#', '/' or space.
	Name string
	// StateDir keeps what outlives a restart of the machine.
	StateDir string
	// RuntimeDir keeps the control socket, and what was changed on the interface.
	RuntimeDir string
}

// Segment is the closed network of the devices.
type Segment struct {
	// Interface is a Linux interface name.
	Interface string
	// Address is the gateway's own IPv4 address with the length of the prefix.
	Address netip.Prefix
}

// APMode is who runs the access point.
type APMode string

// The modes.
const (
	// ModeWired: something else does; the interface is all we see of it.
	ModeWired APMode = "wired"
	// ModeHostapd: we run hostapd. Not in this version.
	ModeHostapd APMode = "hostapd"
	// ModeAttach: we drive a hostapd that the system runs. Not in this version.
	ModeAttach APMode = "attach"
)

// Security is what the access point asks of a station.
type Security string

// The securities.
const (
	SecurityOpen Security = "open"
	SecurityWPA2 Security = "wpa2"
)

// AP is the access point. In wired mode it describes somebody else's.
type AP struct {
	Mode APMode
	// SSID has 1 to 32 bytes; empty where it is not known.
	SSID string
	// Channel is 1, 6 or 11 of the 2.4 GHz band.
	Channel int
	// Country is an ISO 3166-1 code of two capitals; empty where it is not known.
	Country  string
	Hidden   bool
	Security Security
}

// HostPort is a place to connect to.
type HostPort struct {
	// Host is a lower-case name without a final dot, or an address as netip
	// prints it.
	Host string
	// Port is never 0.
	Port uint16
}

// String joins the two, with brackets where an IPv6 address needs them.
func (h HostPort) String() string {
	return net.JoinHostPort(h.Host, strconv.Itoa(int(h.Port)))
}

// Addr is the host as an address, and whether it is one.
func (h HostPort) Addr() (netip.Addr, bool) {
	a, err := netip.ParseAddr(h.Host)
	return a, err == nil
}

// Approval is what the site's firewall lets through. The zero value is
// whatever the cloud's name resolves to.
type Approval struct {
	Prefixes []netip.Prefix
	// Names holds the cloud's name, or nothing.
	Names []string
}

// Egress is the way out.
type Egress struct {
	Cloud HostPort
	// Names are answered on the segment beside the built-in ones; lower case,
	// without a final dot.
	Names []string
	// Via is the proxy, or nil for direct.
	Via      *url.URL
	Approved Approval
	// Resolvers answer the cloud's name; none means those of the system.
	Resolvers []netip.AddrPort
	// Source is the address to dial from; the zero value leaves it to the system.
	Source netip.Addr
	// Interface is the interface to dial from; empty leaves it to the system.
	Interface string
}

// USBPolicy is what happens to a device that is plugged in.
type USBPolicy string

// The policies.
const (
	// USBOff: nothing.
	USBOff USBPolicy = "off"
	// USBIdentify: it is asked who it is. Not in this version.
	USBIdentify USBPolicy = "identify"
	// USBProvision: it is set up too. Not in this version.
	USBProvision USBPolicy = "provision"
)

// USB is the section about devices on a cable.
type USB struct {
	Policy USBPolicy
}

// MQTT is the broker, and how to log in to it.
type MQTT struct {
	// URL has the scheme tcp, ssl, ws or wss and always a port; nil is off.
	URL *url.URL
	// Username is empty for an anonymous login.
	Username string
	// PasswordFile, CAFile, CertFile and KeyFile are absolute paths, or empty.
	PasswordFile, CAFile, CertFile, KeyFile string
}

// HTTP is the status page.
type HTTP struct {
	// Listen is the zero value for off.
	Listen netip.AddrPort
}
