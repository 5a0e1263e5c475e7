package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"photongate/gateway"
	"photongate/gateway/config"
	"photongate/gateway/daemon"
)

// whitelist is the list of a gateway, running or not.
type whitelist interface {
	List(context.Context) ([]gateway.Device, error)
	Add(context.Context, gateway.Device) error
	Remove(context.Context, string) (gateway.Device, error)
}

// deviceFlags are those of `photongate device`.
type deviceFlags struct {
	name, id *string
	asJSON   *bool
}

// deviceCommand is `photongate device`.
func deviceCommand(e env, args []string) (int, error) {
	fs := flags("device")
	at := placeFlags(fs)
	f := deviceFlags{
		name:   fs.String("name", "", "what people call it"),
		id:     fs.String("id", "", "its 24-digit device id"),
		asJSON: fs.Bool("json", false, "for programs"),
	}
	rest, err := parse(fs, args, 2)
	if err != nil {
		return exitUsage, err
	}
	ctx, stop := interruptible()
	defer stop()
	do, code, err := deviceAction(e, f, rest)
	if err != nil {
		return code, err
	}
	c, err := at.client()
	if err != nil {
		return exitUsage, err
	}
	err = do(ctx, c)
	if errors.Is(err, daemon.ErrNotRunning) && *at.socket == "" {
		var cfg config.Config
		if cfg, err = config.Load(*at.config); err != nil {
			return exitUsage, err
		}
		err = daemon.OpenOffline(cfg, func(o daemon.Offline) error { return do(ctx, o) })
	}
	switch {
	case errors.Is(err, daemon.ErrNotRunning):
		return exitUsage, err
	case err != nil:
		return exitFault, err
	}
	return exitOK, nil
}

// deviceAction is what the arguments ask for.
func deviceAction(e env, f deviceFlags, args []string) (func(context.Context, whitelist) error, int, error) {
	if len(args) == 0 {
		args = []string{"list"}
	}
	switch {
	case args[0] == "list" && len(args) == 1:
		return func(ctx context.Context, w whitelist) error {
			ds, err := w.List(ctx)
			if err == nil {
				err = printDevices(e.out, ds, *f.asJSON)
			}
			return err
		}, 0, nil
	case args[0] == "add" && len(args) == 2:
		d, err := newDevice(args[1], *f.name, *f.id)
		return func(ctx context.Context, w whitelist) error {
			if err := w.Add(ctx, d); err != nil {
				return err
			}
			return printChange(e.out, "added", d, *f.asJSON)
		}, exitUsage, err
	case args[0] == "remove" && len(args) == 2:
		return func(ctx context.Context, w whitelist) error {
			d, err := w.Remove(ctx, args[1])
			if err != nil {
				return err
			}
			return printChange(e.out, "removed", d, *f.asJSON)
		}, 0, nil
	}
	return nil, exitUsage, gateway.Hint(errors.New("device: want list, add MAC or remove DEVICE"), "`photongate device add 6c:0b:84:59:72:95 --name porch`")
}

// newDevice is a device as it was typed.
func newDevice(mac, name, id string) (gateway.Device, error) {
	m, err := gateway.ParseMAC(mac)
	if err != nil {
		return gateway.Device{}, fmt.Errorf("device: %w", err)
	}
	d := gateway.Device{MAC: m, Name: name}
	if err := config.CheckName(name); name != "" && err != nil {
		return d, fmt.Errorf("device: %w", err)
	}
	if id != "" {
		if d.ID, err = gateway.ParseDeviceID(id); err != nil {
			return d, fmt.Errorf("device: %w", err)
		}
	}
	return d, nil
}

// printDevices prints the list.
func printDevices(w io.Writer, ds []gateway.Device, asJSON bool) error {
	if asJSON {
		if ds == nil {
			ds = []gateway.Device{}
		}
		return json.NewEncoder(w).Encode(ds)
	}
	if len(ds) == 0 {
		fmt.Fprintln(w, "no device is listed; add one with `photongate device add MAC --name NAME`")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tMAC\tID\tFROM")
	for _, d := range ds {
		from, id := "added", "-"
		if d.Pinned {
			from = "configuration"
		}
		if !d.ID.IsZero() {
			id = d.ID.String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", d.Label(), d.MAC, id, from)
	}
	return t.Flush()
}

// printChange confirms a change.
func printChange(w io.Writer, what string, d gateway.Device, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{what: d})
	}
	_, err := fmt.Fprintf(w, "%s %s (%s)\n", what, d.Label(), d.MAC)
	return err
}
