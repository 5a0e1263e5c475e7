package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/photon"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// photonArgs is the command line of a Photon's process, behind the program.
func photonArgs(p site.Photon) []string {
	return []string{"photon", p.Name, p.MAC.String(), p.ID.String()}
}

// photonMain runs one Photon on the interface wlan0 of the namespace that it
// is started in, with its serial log on stdout. Only the stage starts it.
func photonMain(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "photonlab photon: started by photonlab demo only")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runPhoton(ctx, args[0], args[1], args[2]); err != nil {
		complain(os.Stderr, err)
		return exitUnexpected
	}
	return exitOK
}

// runPhoton gives the Photon power until ctx ends. All Photons of the lab have
// the same published test key; the cloud takes whichever a device shows.
func runPhoton(ctx context.Context, name, mac, id string) error {
	hw, err := gateway.ParseMAC(mac)
	if err != nil {
		return fmt.Errorf("read MAC of photon %s: %w", name, err)
	}
	own, err := gateway.ParseDeviceID(id)
	if err != nil {
		return fmt.Errorf("read id of photon %s: %w", name, err)
	}
	p, err := photon.New(photon.Config{
		Name: name, MAC: hw, ID: own, Interface: site.PhotonInterface,
		Key: sparktest.DeviceKey(), ServerKey: &sparktest.ServerKey().PublicKey,
		Serial: os.Stdout, CloudHost: site.CloudName, Port: site.CloudPort,
	})
	if err != nil {
		return err
	}
	return p.Run(ctx)
}
