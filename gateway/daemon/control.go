package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"photongate/gateway"
	"photongate/gateway/config"
)

const (
	// requestLimit bounds a request, answerLimit an answer: a thousand devices
	// with their verdicts are two megabytes.
	requestLimit = 64 << 10
	answerLimit  = 16 << 20
	// callLimit bounds one exchange; a whitelist change runs nft once.
	callLimit = 10 * time.Second
	// requestTime is how long a client may take to say what it wants; ours take
	// a millisecond. It bounds how long clients that say nothing hold up others.
	requestTime = 2 * time.Second
	// callers bounds those served at once.
	callers = 16
)

// request is what a client asks: one JSON value, and then the end of its stream.
type request struct {
	// Do is "snapshot", "status", "list", "add" or "remove".
	Do string `json:"do"`
	// Device is what to add; Name is what to remove.
	Device *gateway.Device `json:"device,omitempty"`
	Name   string          `json:"name,omitempty"`
}

// answer is what it gets: one JSON value.
type answer struct {
	Error   string            `json:"error,omitempty"`
	Hint    string            `json:"hint,omitempty"`
	Status  json.RawMessage   `json:"status,omitempty"`
	View    *gateway.Snapshot `json:"view,omitempty"`
	Devices []gateway.Device  `json:"devices,omitempty"`
}

// control serves the control socket. It is a gateway.Task.
type control struct {
	path  string
	d     *Daemon
	ready chan struct{}
}

// String names the task.
func (c *control) String() string { return "control on " + c.path }

// Ready is closed once the socket accepts.
func (c *control) Ready() <-chan struct{} { return c.ready }

// Run serves until ctx ends. The lock is held, so a socket that is there is a
// dead run's.
func (c *control) Run(ctx context.Context) error {
	if err := os.Remove(c.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace control socket: %w", err)
	}
	l, err := net.Listen("unix", c.path)
	if err != nil {
		return fmt.Errorf("open control socket %s: %w", c.path, err)
	}
	// Root and the service's group may ask, nobody else (DESIGN 4.9).
	if err := os.Chmod(c.path, 0o660); err != nil {
		l.Close()
		return fmt.Errorf("protect control socket: %w", err)
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	close(c.ready)
	c.accept(ctx, l)
	return nil
}

// accept serves clients until ctx ends, and the last of them to the end: a
// whitelist change that is under way is finished before the firewall goes.
func (c *control) accept(ctx context.Context, l net.Listener) {
	slots := make(chan struct{}, callers)
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		conn, err := l.Accept()
		if err != nil {
			gateway.Pause(ctx, time.Second) // out of descriptors: they come back
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			conn.Close()
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			c.serve(ctx, conn)
		})
	}
}

// serve answers one client.
func (c *control) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(callLimit))
	conn.SetReadDeadline(time.Now().Add(requestTime))
	// Whoever has not asked yet when the gateway ends is not waited for.
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	a, err := c.answer(ctx, io.LimitReader(conn, requestLimit))
	if err != nil {
		a = answer{Error: err.Error()}
		var h *gateway.Hinted
		if errors.As(err, &h) {
			a.Hint = h.Hint
		}
	}
	json.NewEncoder(conn).Encode(a)
}

// answer carries out one request.
func (c *control) answer(ctx context.Context, r io.Reader) (answer, error) {
	var q request
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return answer{}, fmt.Errorf("read the request: %w", err)
	}
	switch q.Do {
	case "snapshot":
		s := c.d.journal.view(ctx)
		return answer{View: &s}, nil
	case "status":
		b, err := c.d.journal.status(ctx)
		return answer{Status: b}, err
	case "list":
		return answer{Devices: c.d.devices.inventory().All()}, nil
	case "add":
		return c.add(ctx, q.Device)
	case "remove":
		dev, err := c.d.devices.remove(ctx, q.Name)
		return answer{Devices: []gateway.Device{dev}}, err
	}
	return answer{}, fmt.Errorf("%q is not something a gateway can be asked", q.Do)
}

// add lists the device that a client names.
func (c *control) add(ctx context.Context, d *gateway.Device) (answer, error) {
	if d == nil {
		return answer{}, errors.New("add device: none is named")
	}
	dev := *d
	dev.Pinned = false
	if err := config.CheckName(dev.Name); dev.Name != "" && err != nil {
		return answer{}, fmt.Errorf("add device %s: %w", dev.MAC, err)
	}
	return answer{Devices: []gateway.Device{dev}}, c.d.devices.add(ctx, dev)
}
