package matrix

import (
	"context"
	"io"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/photon"
	"photongate/cmd/photonlab/site"
)

// runPhoton gives the Photon of a scene power until ctx ends, on the interface
// of the namespace that the process was started in.
func runPhoton(ctx context.Context, scene string, serial io.Writer) error {
	s, err := Find(scene)
	if err != nil {
		return err
	}
	key := sparktest.ServerKey()
	if s.foreign {
		key = sparktest.OtherServerKey()
	}
	host := s.host
	if host == "" {
		host = site.CloudName
	}
	own := Porch()
	p, err := photon.New(photon.Config{
		Name: own.Name, MAC: own.MAC, ID: own.ID, Interface: site.PhotonInterface,
		Key: sparktest.DeviceKey(), ServerKey: &key.PublicKey,
		Serial: serial, CloudHost: host, Port: site.CloudPort,
	})
	if err != nil {
		return err
	}
	return p.Run(ctx)
}
