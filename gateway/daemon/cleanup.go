package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"photongate/gateway/config"
	"photongate/radio/firewall"
	"photongate/radio/segment"
)

// Cleanup removes what a run that was killed left on the machine: the
// firewall's table, the segment's address, the control socket. It may be called
// at any time, any number of times; it refuses while a gateway runs. Devices
// and addresses that were learned stay: they are not the run's but the owner's.
func Cleanup(ctx context.Context, cfg config.Config) error {
	k, err := takeLock("clean up", cfg)
	if err != nil {
		return err
	}
	defer k.release()
	return cleanup(ctx, cfg)
}

// cleanup is Cleanup for who holds the lock.
func cleanup(ctx context.Context, cfg config.Config) error {
	var errs []error
	// The address goes first: without it nothing reaches the gateway, so the
	// firewall is not missed.
	errs = append(errs, segment.Cleanup(ctx, cfg.Gateway.RuntimeDir), firewall.Remove(ctx))
	if err := os.Remove(socketPath(cfg.Gateway.RuntimeDir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// socketPath is the control socket below a runtime directory.
func socketPath(dir string) string { return filepath.Join(dir, "control.sock") }
