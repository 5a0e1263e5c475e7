package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"photongate/gateway"
	"photongate/gateway/config"
)

// Client asks a running gateway, through its control socket.
type Client struct {
	// Path is the socket's.
	Path string
}

// SocketPath is the control socket of a configuration.
func SocketPath(cfg config.Config) string { return socketPath(cfg.Gateway.RuntimeDir) }

// ErrNotRunning is the cause of every failure to reach a gateway.
var ErrNotRunning = errors.New("no gateway runs there")

// Snapshot is what the gateway knows.
func (c Client) Snapshot(ctx context.Context) (gateway.Snapshot, error) {
	a, err := c.ask(ctx, request{Do: "snapshot"})
	if err != nil {
		return gateway.Snapshot{}, err
	}
	if a.View == nil {
		return gateway.Snapshot{}, errors.New("ask the gateway: it answered without a snapshot")
	}
	return *a.View, nil
}

// Status is the same as JSON for programs.
func (c Client) Status(ctx context.Context) ([]byte, error) {
	a, err := c.ask(ctx, request{Do: "status"})
	return a.Status, err
}

// List is the whitelist.
func (c Client) List(ctx context.Context) ([]gateway.Device, error) {
	a, err := c.ask(ctx, request{Do: "list"})
	return a.Devices, err
}

// Add lists a device, with effect at once.
func (c Client) Add(ctx context.Context, d gateway.Device) error {
	_, err := c.ask(ctx, request{Do: "add", Device: &d})
	return err
}

// Remove takes a device off the list, named by name, id or MAC, and returns it.
func (c Client) Remove(ctx context.Context, name string) (gateway.Device, error) {
	a, err := c.ask(ctx, request{Do: "remove", Name: name})
	if err != nil || len(a.Devices) != 1 {
		return gateway.Device{}, err
	}
	return a.Devices[0], nil
}

// ask makes one exchange.
func (c Client) ask(ctx context.Context, q request) (answer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.Path)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, gateway.Hint(fmt.Errorf("ask the gateway at %s: %w", c.Path, ErrNotRunning),
			"start it with `photongate run`, or name its socket with --socket")
	case errors.Is(err, syscall.EACCES):
		return answer{}, gateway.Hint(fmt.Errorf("ask the gateway at %s: %w", c.Path, syscall.EACCES), "run as root, or as a member of the socket's group")
	case err != nil:
		return answer{}, fmt.Errorf("ask the gateway: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(callLimit))
	if err := json.NewEncoder(conn).Encode(q); err != nil {
		return answer{}, fmt.Errorf("ask the gateway at %s: %w", c.Path, err)
	}
	var a answer
	if err := json.NewDecoder(io.LimitReader(conn, answerLimit)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("read the gateway's answer: %w", err)
	}
	if a.Error != "" {
		return answer{}, gateway.Hint(errors.New(a.Error), a.Hint)
	}
	return a, nil
}

// Offline changes the whitelist of a gateway that does not run. Whoever runs
// next takes it up.
type Offline struct{ cfg config.Config }

// OpenOffline takes the gateway's lock, so that none starts meanwhile, and
// gives the whitelist to f.
func OpenOffline(cfg config.Config, f func(Offline) error) error {
	k, err := takeLock("change the whitelist", cfg)
	if err != nil {
		return err
	}
	defer k.release()
	return f(Offline{cfg})
}

// list opens the whitelist.
func (o Offline) list() (*whitelist, error) {
	w, _, err := openWhitelist(filepath.Join(o.cfg.Gateway.StateDir, "devices.json"), o.cfg.Devices)
	return w, err
}

// List is the whitelist.
func (o Offline) List(context.Context) ([]gateway.Device, error) {
	w, err := o.list()
	if err != nil {
		return nil, err
	}
	return w.inventory().All(), nil
}

// Add lists a device. It may come before the first run, which makes the folder.
func (o Offline) Add(ctx context.Context, d gateway.Device) error {
	if err := makeFolder(o.cfg.Gateway.StateDir); err != nil {
		return err
	}
	w, err := o.list()
	if err != nil {
		return err
	}
	return w.add(ctx, d)
}

// Remove takes a device off the list and returns it.
func (o Offline) Remove(ctx context.Context, name string) (gateway.Device, error) {
	w, err := o.list()
	if err != nil {
		return gateway.Device{}, err
	}
	return w.remove(ctx, name)
}
