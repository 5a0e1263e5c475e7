package main

import (
	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/cloud"
)

// newCloud is the virtual cloud, under the published test key: the Photons of
// the lab know its public half.
func newCloud() *cloud.Server { return &cloud.Server{Key: sparktest.ServerKey()} }
