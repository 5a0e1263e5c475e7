package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// roleVar tells a copy of the test binary what it is for.
const roleVar = "PHOTONLAB_MATRIX_ROLE"

// The roles.
const (
	// rolePlay plays the scene of the Order in the variable orderVar.
	rolePlay = "play"
	// rolePart is what Play starts.
	rolePart = "part"
	// orderVar holds an Order as JSON.
	orderVar = "PHOTONLAB_MATRIX_ORDER"
)

// TestMain is every process of a recording but photongate.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case rolePlay:
		os.Exit(playRole())
	case rolePart:
		os.Exit(told(Part(context.Background(), os.Args[1:])))
	}
	os.Exit(m.Run())
}

// playRole plays a scene inside namespaces.
func playRole() int {
	var o Order
	err := json.Unmarshal([]byte(os.Getenv(orderVar)), &o)
	if err == nil {
		// What it starts inherits the environment.
		os.Setenv(roleVar, rolePart)
		err = Play(context.Background(), o)
	}
	return told(err)
}

// told prints an error and is the exit code.
func told(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
