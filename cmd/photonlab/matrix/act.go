package matrix

import (
	"crypto/rsa"
	"strings"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// fault makes f the firewall's.
func fault(f site.Fault) func(*stage) error {
	return func(s *stage) error { return s.site.SetFault(s.ctx, f) }
}

// rule adds a rule to the firewall's chain, which the site makes.
func rule(s *stage, line string) error {
	return s.site.Firewall.Tool(s.ctx, "add rule inet site forward "+line+"\n", "nft", "-f", "-")
}

// prohibit answers connections with ICMP "administratively prohibited" (RFC 1812 5.2.7.1).
func prohibit(s *stage) error {
	return rule(s, "tcp dport 5683 tcp flags & (syn | ack) == syn reject with icmp type admin-prohibited")
}

// resetAll answers every packet towards the cloud with a reset.
func resetAll(s *stage) error { return rule(s, "tcp dport 5683 reject with tcp reset") }

// loseDHCP drops what the segment's DHCP server sends, behind the gateway.
func loseDHCP(s *stage) error {
	script := "table bridge air {\n chain forward {\n  type filter hook forward priority 0; policy accept;\n  udp sport 67 drop\n }\n}\n"
	return s.site.Air.Tool(s.ctx, script, "nft", "-f", "-")
}

// air runs ip in the namespace of the segment.
func air(s *stage, line string) error {
	return s.site.Air.Tool(s.ctx, "", "ip", strings.Fields(line)...)
}

// cutSegment pulls the gateway's cable out of the segment.
func cutSegment(s *stage) error { return air(s, "link set dev gateway down") }

// carrier takes the Photon's link away, or gives it back.
func carrier(way string) func(*stage) error {
	return func(s *stage) error { return air(s, "link set dev "+porch+" "+way) }
}

// hangUp closes all sessions at the cloud's end.
func hangUp(s *stage) error {
	for _, c := range s.clouds {
		c.DropAll()
	}
	return nil
}

// deafen lets sessions go without answers.
func deafen(s *stage) error {
	for _, c := range s.clouds {
		c.SetDeaf(true)
	}
	return nil
}

// quit ends the cloud; the machines that it ran on refuse.
func quit(s *stage) error {
	for _, c := range s.clouds {
		c.Close()
	}
	return nil
}

// otherKey makes the cloud answer with a key that is not the device's.
func otherKey(gateway.DeviceID, *rsa.PublicKey) (*rsa.PublicKey, error) {
	return &sparktest.OtherDeviceKey().PublicKey, nil
}
