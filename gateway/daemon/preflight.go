package daemon

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"photongate/gateway"
	"photongate/gateway/config"
)

// routes is where the kernel lists its IPv4 routes (proc(5), /proc/net/route).
const routes = "/proc/net/route"

// Preflight refuses what a configuration alone cannot show to be wrong: a
// segment that is the machine's own way out, which the firewall would shut.
func Preflight(cfg config.Config) error {
	f, err := os.Open(routes)
	if err != nil {
		return nil // no IPv4 routes at all
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		// Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask, …
		w := strings.Fields(sc.Text())
		if len(w) > 7 && w[0] == cfg.Segment.Interface && w[1] == "00000000" && w[7] == "00000000" {
			return gateway.Hint(fmt.Errorf("segment: interface %s carries the machine's default route", cfg.Segment.Interface),
				"the segment is a closed network of the devices alone: name the interface that they are behind, never the uplink")
		}
	}
	return nil
}
