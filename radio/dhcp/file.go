package dhcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"

	"photongate/gateway"
)

// fileLimit bounds what is read: a full /16 takes about 5 MB.
const fileLimit = 8 << 20

// fileMode keeps the list of a site's devices to the gateway.
const fileMode = 0o600

// leaseFile is the shape of the file.
type leaseFile struct {
	// Leases are ordered by MAC, so that two files compare line by line.
	Leases []leaseEntry `json:"leases"`
}

// leaseEntry is one address that belongs to a MAC.
type leaseEntry struct {
	MAC  gateway.MAC `json:"mac"`
	Addr netip.Addr  `json:"addr"`
}

// load reads the file at path. A missing file is empty; one that cannot be
// understood is moved aside and is an error, as is one that cannot be read.
func load(path string) (map[gateway.MAC]netip.Addr, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	held, err := parseLeases(b)
	if err == nil {
		return held, nil
	}
	bad := path + ".bad"
	if moved := os.Rename(path, bad); moved != nil {
		return nil, errors.Join(fmt.Errorf("read leases %s: %w", path, err), fmt.Errorf("move leases aside: %w", moved))
	}
	return nil, gateway.Hint(fmt.Errorf("read leases %s, now %s: %w", path, bad, err),
		"devices get new addresses; nothing needs to be done")
}

// parseLeases reads the content of the file.
func parseLeases(b []byte) (map[gateway.MAC]netip.Addr, error) {
	if len(b) > fileLimit {
		return nil, fmt.Errorf("more than %d bytes", fileLimit)
	}
	var f leaseFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	held := make(map[gateway.MAC]netip.Addr, len(f.Leases))
	taken := make(map[netip.Addr]struct{}, len(f.Leases))
	for _, e := range f.Leases {
		_, twice := held[e.MAC]
		_, shared := taken[e.Addr]
		switch {
		case e.MAC.IsZero() || e.MAC.IsGroup():
			return nil, fmt.Errorf("%s is not the address of one device", e.MAC)
		case !e.Addr.Is4():
			return nil, fmt.Errorf("%s has %s, not an IPv4 address", e.MAC, e.Addr)
		case twice || shared:
			return nil, fmt.Errorf("%s or %s stands twice", e.MAC, e.Addr)
		}
		held[e.MAC] = e.Addr
		taken[e.Addr] = struct{}{}
	}
	return held, nil
}

// save replaces the file at path so that a power cut leaves the old one or the
// new one, whole.
func save(path string, held map[gateway.MAC]netip.Addr) error {
	if err := gateway.ReplaceFile(path, path+".tmp", encodeLeases(held), fileMode); err != nil {
		return fmt.Errorf("write leases: %w", err)
	}
	return nil
}

// encodeLeases is the content of the file.
func encodeLeases(held map[gateway.MAC]netip.Addr) []byte {
	macs := slices.SortedFunc(maps.Keys(held), func(a, b gateway.MAC) int { return slices.Compare(a[:], b[:]) })
	var w bytes.Buffer
	w.WriteString("{\"leases\": [")
	for i, m := range macs {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(&w, "\n  {\"mac\": %q, \"addr\": %q}", m, held[m])
	}
	w.WriteString("\n]}\n")
	return w.Bytes()
}
