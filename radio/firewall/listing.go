package firewall

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// listing is what `nft list table inet photongate` printed, taken apart.
type listing struct {
	// shape is the text without what changes by itself: counts, and which
	// devices' rates are remembered. Two equal shapes are the same table.
	shape string
	// drops are the packets counted, by reason.
	drops map[string]uint64
}

// parseListing takes apart what nft printed. Text mode is used because nft
// without JSON is a package of its own on OpenWrt (nftables-nojson).
func parseListing(text string) listing {
	l := listing{drops: make(map[string]uint64)}
	var shape strings.Builder
	var counter string
	var memory, skipping bool
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		var packets, bytes uint64
		switch {
		case strings.HasPrefix(trimmed, "counter ") && strings.HasSuffix(trimmed, "{"):
			counter = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(trimmed, "counter "), "{"))
		case strings.HasPrefix(trimmed, "set "):
			memory = slices.Contains(memories(), strings.TrimSuffix(strings.TrimPrefix(trimmed, "set "), " {"))
		case trimmed == "}":
			counter, memory, skipping = "", false, false
		case counter != "" && scan(trimmed, &packets, &bytes):
			if reason, ours := strings.CutPrefix(counter, counterPrefix); ours {
				l.drops[reason] = packets
			}
			continue
		case memory && strings.HasPrefix(trimmed, "elements"):
			skipping = true
		}
		if !skipping {
			shape.WriteString(line)
		}
	}
	l.shape = shape.String()
	return l
}

// scan reads the two numbers of a counter.
func scan(line string, packets, bytes *uint64) bool {
	n, err := fmt.Sscanf(line, "packets %d bytes %d", packets, bytes)
	return n == 2 && err == nil
}

// grown is by how much each counter grew since before. One that shrank began
// anew, so all of it is growth.
func grown(before, now map[string]uint64) map[string]uint64 {
	g := maps.Clone(now)
	for reason, n := range now {
		if old := before[reason]; n >= old {
			g[reason] = n - old
		}
	}
	return g
}
