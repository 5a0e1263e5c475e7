package matrix

import (
	"fmt"
	"path/filepath"
	"strings"

	"photongate/cmd/photonlab/site"
)

// settings is photongate's configuration for a scene in the folder dir.
func settings(s Scene, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[gateway]\nname = \"matrix\"\nstate_dir = %q\nruntime_dir = %q\n", filepath.Join(dir, "state"), filepath.Join(dir, "run"))
	fmt.Fprintf(&b, "[segment]\ninterface = %q\naddress = %q\n", site.SegmentInterface, site.SegmentAddress)
	b.WriteString("[ap]\nmode = \"wired\"\n")
	fmt.Fprintf(&b, "[egress]\ncloud = \"%s:%d\"\nresolvers = [%q]\n", site.CloudName, site.CloudPort, site.ResolverAddr())
	b.WriteString("[http]\nlisten = \"\"\n")
	for _, p := range Listed(s) {
		fmt.Fprintf(&b, "[[device]]\nname = %q\nmac = %q\nid = %q\n", p.Name, p.MAC, p.ID)
	}
	return b.String()
}

// Listed are the devices on the whitelist: the one of the scene, or where that
// is a stranger another one.
func Listed(s Scene) []site.Photon {
	var all []site.Photon
	for _, p := range site.Photons() {
		if p.Listed && (p.Name == porch) != s.unlisted {
			all = append(all, p)
		}
	}
	return all
}
