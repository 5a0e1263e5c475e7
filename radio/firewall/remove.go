package firewall

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"photongate/gateway"
	"photongate/radio/internal/run"
)

// command starts a program and returns its output: run.Once, or that of a test.
type command = func(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error)

// errSlow is why a call of nft was ended.
var errSlow = fmt.Errorf("nft did not end within %s", limit)

// Remove deletes our tables, whoever loaded them; where there are none, it does
// nothing. `photongate cleanup` calls it, as often as it likes.
func Remove(ctx context.Context) error { return remove(ctx, run.Once) }

// remove is Remove by way of exec.
func remove(ctx context.Context, exec command) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	err := run.Undo(func() error {
		_, err := exec(ctx, []byte(deletion()), "nft", "-f", "-")
		return err
	})
	if err != nil {
		return explain(fmt.Errorf("remove the tables %s: %w", Table, err))
	}
	return nil
}

// explain adds what to do about an error of nft, known by its words in English.
func explain(err error) error {
	text := err.Error()
	var h *gateway.Hinted
	switch {
	case errors.As(err, &h):
		return err
	case strings.Contains(text, "Operation not permitted"):
		return gateway.Hint(err, "nft needs CAP_NET_ADMIN: run as root, or by the unit that comes with the package")
	case strings.Contains(text, "Could not process rule"),
		strings.Contains(text, "Protocol not supported"),
		strings.Contains(text, "Unable to initialize Netlink socket"):
		return gateway.Hint(err, "the kernel lacks a part of nftables: it needs version 5.2 or later with nf_tables with the families inet and arp, nft_ct, nft_limit and nft_nat (on OpenWrt: kmod-nft-core, kmod-nft-nat and kmod-nft-arp)")
	}
	return err
}
