package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"photongate/cmd/photonlab/site"
	"photongate/gateway/config"
)

// gateVar tells the stand-in for photongate how to behave: empty is idle, "die"
// ends at once, "leave" ends when first asked, "serve" carries the listed
// Photons to the cloud with dnsmasq and a plain pipe.
const gateVar = "PHOTONLAB_TEST_GATE"

// TestMain lets a copy of the test binary be photonlab, and under the name of
// photongate a stand-in for it.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "photongate" {
		os.Exit(standIn(os.Args[1:]))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "demo", "stage", "photon":
			os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr))
		}
	}
	os.Exit(m.Run())
}

// standIn is a photongate that serves nobody: `run` holds a control socket,
// `status` knows no device.
func standIn(args []string) int {
	if args[0] == "status" {
		fmt.Println(`{"gateway":"lab","devices":[],"alerts":[]}`)
		return 1
	}
	if os.Getenv(gateVar) == "die" {
		fmt.Fprintln(os.Stderr, "cannot live here")
		return 1
	}
	c, err := config.Load(args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	l, err := net.Listen("unix", controlSocket(filepath.Dir(c.Gateway.RuntimeDir)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer l.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	switch os.Getenv(gateVar) {
	case "serve":
		if err := serveSegment(filepath.Dir(args[2])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	case "leave":
		// The stage's question is the sign that all is set up.
		_, _ = l.Accept()
		fmt.Println("had enough")
		return 3
	}
	<-stop
	return 0
}

// serveSegment gives the listed Photons addresses and a way to the cloud.
func serveSegment(dir string) error {
	for _, line := range []string{
		"ip address add " + site.SegmentAddress + " dev " + site.SegmentInterface,
		"ip link set dev " + site.SegmentInterface + " up",
	} {
		argv := strings.Fields(line)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("run %s: %w: %s", line, err, out)
		}
	}
	gw, _, _ := strings.Cut(site.SegmentAddress, "/")
	// Debug mode stays in front and leaves user and groups alone, which a user
	// namespace does not let it change.
	argv := []string{"--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
		"--pid-file=" + dir + "/dnsmasq.pid", "--dhcp-leasefile=" + dir + "/dnsmasq.leases", "--interface=" + site.SegmentInterface,
		"--bind-interfaces", "--dhcp-range=" + gw + ",static", "--address=/" + site.CloudName + "/" + gw}
	for i, p := range site.Photons() {
		if p.Listed {
			argv = append(argv, fmt.Sprintf("--dhcp-host=%s,192.168.77.%d", p.MAC, 50+i))
		}
	}
	dnsmasq := exec.Command("dnsmasq", argv...)
	dnsmasq.Stderr = os.Stderr
	if err := dnsmasq.Start(); err != nil {
		return err
	}
	l, err := net.Listen("tcp4", net.JoinHostPort(gw, "5683"))
	if err != nil {
		return err
	}
	go site.Forward(l, func() (net.Conn, error) {
		return net.Dial("tcp4", netip.AddrPortFrom(site.CloudAddrs()[0], site.CloudPort).String())
	})
	return nil
}
