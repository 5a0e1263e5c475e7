package peertest

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/photon"
	"photongate/gateway"
)

// photonVar tells a copy of the test binary that it is a Photon; it holds the
// file with the key that the Photon takes for its cloud's.
const photonVar = "PHOTONGATE_PEER_PHOTON"

// The Photon of the tests: a MAC of Particle's block and a made-up id.
var (
	photonMAC = gateway.MAC{0x6c, 0x0b, 0x84, 0x59, 0x72, 0x95}
	photonID  = gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, 0x39}
)

// TestMain runs the tests, or a Photon: it needs a network namespace for all
// of its threads, and so a process.
func TestMain(m *testing.M) {
	path := os.Getenv(photonVar)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := photonRole(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// photonRole is a Photon on wlan0, with its log on stdout, until it is told to end.
func photonRole(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	key, err := sparktest.ParsePublicKey(text)
	if err != nil {
		return err
	}
	p, err := photon.New(photon.Config{
		Name: "porch", MAC: photonMAC, ID: photonID, Interface: "wlan0",
		Key: sparktest.DeviceKey(), ServerKey: key, Serial: os.Stdout,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return p.Run(ctx)
}
