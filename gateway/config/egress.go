package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"photongate/gateway"
)

const (
	// defaultCloud is where a Photon connects to (photon.md 5.1).
	defaultCloud = "device.spark.io"
	// cloudPort is the port of it.
	cloudPort = 5683
	// dnsPort is RFC 1035 4.2.
	dnsPort = 53
)

// egress makes the section about the way out.
func (b *builder) egress(sec *section) {
	b.c.Egress = Egress{
		Cloud:     b.cloud(sec),
		Names:     b.names(sec),
		Via:       b.via(sec),
		Resolvers: b.resolvers(sec),
		Source:    b.source(sec),
		Interface: b.egressInterface(sec),
	}
	b.c.Egress.Approved = b.approved(sec)
}

// cloud finds the place that all sessions go to.
func (b *builder) cloud(sec *section) HostPort {
	s := b.text(sec, "cloud", defaultCloud)
	hp, err := parseHostPort(s.text, cloudPort)
	s.refuse(err)
	if a, ok := hp.Addr(); ok && b.c.Segment.Address.Contains(a) {
		s.refuse(errOnSegment)
	}
	return hp
}

// names finds the extra names to answer.
func (b *builder) names(sec *section) []string {
	var names []string
	for _, s := range b.texts(sec, "names").list {
		n, err := parseName(s.text)
		s.refuse(err)
		if err == nil && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// proxies are the schemes of via.
func proxies() []scheme {
	return []scheme{{name: "http", as: "http"}, {name: "https", as: "https", port: 443}, {name: "socks5", as: "socks5", port: 1080}}
}

// via finds the proxy; nil is direct, which is all that this version can do.
func (b *builder) via(sec *section) *url.URL {
	s := b.text(sec, "via", "direct")
	if s.text == "direct" {
		return nil
	}
	u, err := parseURL(s.text, proxies())
	switch {
	case errors.Is(err, errUserinfo):
		err = gateway.Hint(err, "secrets come from files, never from this one")
	case err == nil:
		err = gateway.Hint(later(u.Scheme), `set via = "direct"`)
	}
	s.refuse(err)
	return u
}

// approved finds what the site's firewall lets through.
func (b *builder) approved(sec *section) Approval {
	var ok Approval
	list := b.texts(sec, "approved")
	for _, s := range list.list {
		if n, err := parseName(s.text); err == nil {
			b.approvedName(s, n)
			ok.Names = []string{n}
			continue
		}
		p, err := parsePrefix(s.text)
		s.refuse(err)
		if err == nil && !slices.Contains(ok.Prefixes, p) {
			ok.Prefixes = append(ok.Prefixes, p)
		}
	}
	b.covered(list, ok)
	return ok
}

// approvedName checks a name that stands in the list of approved places.
func (b *builder) approvedName(s setting, name string) {
	cloud := b.c.Egress.Cloud.Host
	if cloud != "" && name != cloud {
		s.lacks(gateway.Hint(fmt.Errorf("%q is not the cloud's name", clip(name)),
			fmt.Sprintf("nothing but %s is ever dialled", cloud)))
	}
}

// covered checks that a cloud without a name may be dialled at all.
func (b *builder) covered(s setting, ok Approval) {
	a, literal := b.c.Egress.Cloud.Addr()
	if !literal || len(ok.Prefixes) == 0 || slices.ContainsFunc(ok.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return
	}
	s.lacks(gateway.Hint(fmt.Errorf("the cloud's address %s is not among them", a), "add it, or leave the list empty"))
}

// resolvers finds the servers that know the cloud's name.
func (b *builder) resolvers(sec *section) []netip.AddrPort {
	var servers []netip.AddrPort
	for _, s := range b.texts(sec, "resolvers").list {
		a, err := parseAddrPort(s.text, dnsPort)
		if err == nil && b.c.Segment.Address.Contains(a.Addr()) {
			err = errOnSegment
		}
		s.refuse(err)
		if err == nil && !slices.Contains(servers, a) {
			servers = append(servers, a)
		}
	}
	return servers
}

// source finds the address to dial from.
func (b *builder) source(sec *section) netip.Addr {
	s := b.text(sec, "source_address", "")
	if !s.set {
		return netip.Addr{}
	}
	a, err := parseAddr(s.text)
	if err == nil && b.c.Segment.Address.Contains(a) {
		err = errOnSegment
	}
	s.refuse(err)
	return a
}

// egressInterface finds the interface to dial from.
func (b *builder) egressInterface(sec *section) string {
	s := b.text(sec, "interface", "")
	if !s.set {
		return ""
	}
	err := interfaceName(s.text)
	if err == nil && s.text == b.c.Segment.Interface {
		err = errors.New("the interface is the segment's, from which nothing leads out")
	}
	s.refuse(err)
	return s.text
}
