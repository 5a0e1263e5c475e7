package site

import (
	"context"
	"fmt"
	"strings"
)

// end is one end of a cable: an interface in a namespace.
type end struct {
	space *Space
	name  string
}

// ip runs `ip` once for each line of arguments.
func ip(ctx context.Context, s *Space, lines ...string) error {
	for _, line := range lines {
		if err := s.Tool(ctx, "", "ip", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// veth lays a cable from a to b, with both ends up; mac is the hardware
// address of a, or empty for any.
func veth(ctx context.Context, a, b end, mac string) error {
	line := "link add name " + a.name
	if mac != "" {
		line += " address " + mac
	}
	// ip takes a path for a namespace; its third descriptor is that of b's.
	line += " type veth peer name " + b.name + " netns /proc/self/fd/3"
	if err := a.space.tool(ctx, "", b.space.files(), "ip", strings.Fields(line)...); err != nil {
		return err
	}
	if err := ip(ctx, b.space, "link set dev "+b.name+" up"); err != nil {
		return err
	}
	return ip(ctx, a.space, "link set dev "+a.name+" up")
}

// Plug gives a Photon power: a namespace of its own with wlan0 on the air
// under the Photon's MAC. The caller starts the Photon's process in it.
func (s *Site) Plug(ctx context.Context, p Photon) (*Space, error) {
	if s.plugged[p.Name] != nil {
		return nil, fmt.Errorf("plug %s in: it has power already", p.Name)
	}
	space, err := OpenSpace(p.Name)
	if err != nil {
		return nil, err
	}
	if err := s.join(ctx, space, p); err != nil {
		space.Close()
		return nil, err
	}
	s.plugged[p.Name] = space
	return space, nil
}

// join puts a Photon's interface on the air. Its port is isolated, so that
// Photons reach the gateway and not each other, as an access point with client
// isolation has it.
func (s *Site) join(ctx context.Context, space *Space, p Photon) error {
	if err := veth(ctx, end{space, PhotonInterface}, end{s.Air, p.Name}, p.MAC.String()); err != nil {
		return err
	}
	return ip(ctx, s.Air, "link set dev "+p.Name+" master air", "link set dev "+p.Name+" type bridge_slave isolated on")
}

// Unplug takes a Photon's power away. The cable goes first, so that the dying
// process can send nothing: no FIN, no DHCP release. Its connections end with
// its namespace, and the next Plug starts from nothing.
func (s *Site) Unplug(ctx context.Context, p Photon) error {
	space := s.plugged[p.Name]
	if space == nil {
		return fmt.Errorf("unplug %s: it has no power", p.Name)
	}
	delete(s.plugged, p.Name)
	err := ip(ctx, s.Air, "link delete dev "+p.Name)
	space.Close()
	return err
}

// Leases lists the address of each Photon that has power and one.
func (s *Site) Leases() (map[string]string, error) {
	leases := make(map[string]string)
	for name, space := range s.plugged {
		addrs, err := space.Addrs(PhotonInterface)
		if err != nil {
			return nil, err
		}
		if len(addrs) > 0 {
			leases[name] = addrs[0].String()
		}
	}
	return leases, nil
}
