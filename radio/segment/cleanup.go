package segment

import (
	"context"
	"errors"

	"photongate/radio/internal/run"
)

// Cleanup takes back what a Keeper changed and noted in runtimeDir, in reverse
// order, and forgets it. Where nothing is noted it does nothing, so it may be
// called as often as one likes; what others have changed back meanwhile is no
// error. `photongate cleanup` calls it.
func Cleanup(ctx context.Context, runtimeDir string) error {
	return cleanup(ctx, runtimeDir, run.Once)
}

// cleanup is Cleanup by way of exec. It keeps the record of what it could not
// take back.
func cleanup(ctx context.Context, dir string, exec command) error {
	r, ok, err := readRecord(dir)
	if err != nil || !ok {
		return err
	}
	if err := run.Undo(func() error { return newLink(r.Interface, exec).undo(ctx, r) }); err != nil {
		return err
	}
	return forget(dir)
}

// undo takes back what r says. An interface that is gone took all of it along.
func (l link) undo(ctx context.Context, r record) error {
	s, err := l.look(r.Address)
	if err != nil || !s.exists {
		return err
	}
	var errs []error
	if r.Raised && s.up {
		errs = append(errs, l.set(ctx, "down"))
	}
	if r.Address.IsValid() && s.addressed {
		errs = append(errs, l.remove(ctx, r.Address))
	}
	if r.IPv6Off && !l.ipv6On() {
		errs = append(errs, l.setIPv6(true))
	}
	return errors.Join(errs...)
}
