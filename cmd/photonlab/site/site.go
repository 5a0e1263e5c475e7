package site

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
)

// Site is the whole of it. Its spaces are open from Open to Close.
type Site struct {
	// Air holds the bridge; Gateway, Firewall and Internet are as in the map of the package.
	Air, Gateway, Firewall, Internet *Space
	// plugged are the namespaces of the Photons that have power, by name.
	plugged map[string]*Space
}

// Open builds the site: everything but the Photons, the gateway's address on
// the segment, and what listens.
func Open(ctx context.Context) (*Site, error) {
	s := &Site{plugged: make(map[string]*Space)}
	if err := s.build(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// build opens the spaces and wires them.
func (s *Site) build(ctx context.Context) error {
	for _, room := range []struct {
		name string
		at   **Space
	}{{"air", &s.Air}, {"gw", &s.Gateway}, {"firewall", &s.Firewall}, {"inet", &s.Internet}} {
		space, err := OpenSpace(room.name)
		if err != nil {
			return err
		}
		*room.at = space
	}
	for _, step := range []func(context.Context) error{s.wireAir, s.wireWAN, s.wireInternet} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.SetFault(ctx, NoFault)
}

// wireAir makes the bridge and puts the gateway's interface on it.
func (s *Site) wireAir(ctx context.Context) error {
	if err := ip(ctx, s.Air, "link add name air type bridge", "link set dev air up"); err != nil {
		return err
	}
	if err := veth(ctx, end{s.Gateway, SegmentInterface}, end{s.Air, "gateway"}, ""); err != nil {
		return err
	}
	return ip(ctx, s.Air, "link set dev gateway master air")
}

// wireWAN joins the gateway and the firewall.
func (s *Site) wireWAN(ctx context.Context) error {
	if err := veth(ctx, end{s.Gateway, "wan0"}, end{s.Firewall, "lan0"}, ""); err != nil {
		return err
	}
	if err := ip(ctx, s.Firewall, "address add "+firewallInside+"/24 dev lan0"); err != nil {
		return err
	}
	return ip(ctx, s.Gateway, "address add "+WANAddress+" dev wan0", "route add default via "+firewallInside)
}

// wireInternet joins the firewall and the internet, where the cloud's
// addresses are on the loopback, and lets the firewall route.
func (s *Site) wireInternet(ctx context.Context) error {
	if err := veth(ctx, end{s.Firewall, "inet0"}, end{s.Internet, "eth0"}, ""); err != nil {
		return err
	}
	outside := []string{"address add " + resolverAddress + "/24 dev eth0", "route add default via " + firewallOutside}
	routes := []string{"address add " + firewallOutside + "/24 dev inet0"}
	for _, addr := range CloudAddrs() {
		outside = append(outside, "address add "+addr.String()+"/32 dev lo")
		routes = append(routes, "route add "+addr.String()+"/32 via "+resolverAddress)
	}
	if err := ip(ctx, s.Internet, outside...); err != nil {
		return err
	}
	if err := ip(ctx, s.Firewall, routes...); err != nil {
		return err
	}
	return s.Firewall.Sysctl("net/ipv4/ip_forward", "1")
}

// ListenCloud opens TCP 5683 at every address of the cloud.
func (s *Site) ListenCloud() ([]net.Listener, error) {
	var all []net.Listener
	for _, addr := range CloudAddrs() {
		l, err := s.Internet.Listen(netip.AddrPortFrom(addr, CloudPort))
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// Close ends all namespaces, and with them every process started in them.
func (s *Site) Close() {
	for _, space := range s.plugged {
		space.Close()
	}
	for _, space := range []*Space{s.Gateway, s.Firewall, s.Internet, s.Air} {
		if space != nil {
			space.Close()
		}
	}
}

// Listen opens a TCP port in the namespace.
func (s *Space) Listen(at netip.AddrPort) (l net.Listener, err error) {
	err = s.Do(func() error {
		l, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open TCP %s in namespace %s: %w", at, s.name, err)
	}
	return l, nil
}

// ListenPacket opens a UDP port in the namespace.
func (s *Space) ListenPacket(at netip.AddrPort) (c *net.UDPConn, err error) {
	err = s.Do(func() error {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open UDP %s in namespace %s: %w", at, s.name, err)
	}
	return c, nil
}

// Addrs lists the IPv4 addresses of an interface of the namespace.
func (s *Space) Addrs(name string) (all []netip.Addr, err error) {
	err = s.Do(func() error {
		ifi, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		nets, err := ifi.Addrs()
		for _, n := range nets {
			if p, err := netip.ParsePrefix(n.String()); err == nil && p.Addr().Is4() {
				all = append(all, p.Addr())
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read addresses of %s in namespace %s: %w", name, s.name, err)
	}
	return all, nil
}

// files is one open file as `ip` gets it.
func (s *Space) files() []*os.File { return []*os.File{s.file} }
