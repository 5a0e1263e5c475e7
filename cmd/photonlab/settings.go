package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"photongate/cmd/photonlab/site"
)

// gatewayName is what the gateway of the lab is called, in MQTT topics as well.
const gatewayName = "lab"

// settings is the configuration of photongate for a run in the folder dir.
func settings(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[gateway]\nname = %q\nstate_dir = %q\nruntime_dir = %q\n",
		gatewayName, filepath.Join(dir, "state"), runtimeDir(dir))
	fmt.Fprintf(&b, "[segment]\ninterface = %q\naddress = %q\n", site.SegmentInterface, site.SegmentAddress)
	b.WriteString("[ap]\nmode = \"wired\"\n")
	fmt.Fprintf(&b, "[egress]\ncloud = \"%s:%d\"\nresolvers = [%q]\n", site.CloudName, site.CloudPort, site.ResolverAddr())
	fmt.Fprintf(&b, "[mqtt]\nurl = \"tcp://%s\"\n", gatewayBroker)
	b.WriteString("[http]\nlisten = \"\"\n")
	for _, p := range site.Photons() {
		if p.Listed {
			fmt.Fprintf(&b, "[[device]]\nname = %q\nmac = %q\nid = %q\n", p.Name, p.MAC, p.ID)
		}
	}
	return b.String()
}

// runtimeDir is where photongate keeps its control socket.
func runtimeDir(dir string) string { return filepath.Join(dir, "run") }

// controlSocket is photongate's control socket.
func controlSocket(dir string) string { return filepath.Join(runtimeDir(dir), "control.sock") }

// writeSettings makes the folders and the configuration file, and returns its path.
func writeSettings(dir string) (string, error) {
	for _, d := range []string{runtimeDir(dir), filepath.Join(dir, "state")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return "", fmt.Errorf("make folder: %w", err)
		}
	}
	path := filepath.Join(dir, "photongate.toml")
	if err := os.WriteFile(path, []byte(settings(dir)), 0o600); err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	return path, nil
}
