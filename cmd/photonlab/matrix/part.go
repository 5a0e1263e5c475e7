package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"

	"photongate/cmd/photonlab/site"
)

// The parts that Play starts as processes of their own.
const (
	partPhoton  = "photon"
	partCapture = "capture"
)

// Part runs what Play starts, by the arguments that Play gives, until ctx ends
// or, as a rule, until it is killed.
func Part(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("run part %q: %w", args, errors.ErrUnsupported)
	}
	switch args[0] {
	case partPhoton:
		return runPhoton(ctx, args[1], os.Stdout)
	case partCapture:
		return runCapture(site.SegmentInterface, args[1])
	}
	return fmt.Errorf("run part %q: %w", args, errors.ErrUnsupported)
}
