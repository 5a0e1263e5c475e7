package photon

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/gateway"
)

// The seed's cloud and a device of its kind.
var (
	cloudAddr = netip.MustParseAddr("107.22.28.43")
	testID    = gateway.DeviceID{0x3a, 0x00, 0x27, 0x00, 0x04, 0x47, 0x33, 0x31, 0x36, 0x32, 0x37, 0x39}
)

// fakeNet is a network whose delays are those of the seed's log.
type fakeNet struct {
	// join, lease, resolve and dial may fail; nil works. internet is the internet test.
	join, lease func(ctx context.Context) error
	resolve     func(ctx context.Context) error
	dial        func(ctx context.Context) (net.Conn, error)
	internet    func(ctx context.Context) (net.Conn, error)
	// mu guards what follows.
	mu        sync.Mutex
	lost      chan struct{}
	announced []string
	downs     int
}

// Up implements Network.
func (f *fakeNet) Up(ctx context.Context) error {
	f.mu.Lock()
	f.lost = make(chan struct{})
	f.mu.Unlock()
	if f.join != nil {
		return f.join(ctx)
	}
	return nil
}

// Lost implements Network.
func (f *fakeNet) Lost() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// lose takes the link away.
func (f *fakeNet) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.lost)
}

// Lease implements Network.
func (f *fakeNet) Lease(ctx context.Context, _ string) error {
	gateway.Pause(ctx, 700*time.Millisecond)
	if f.lease != nil {
		return f.lease(ctx)
	}
	return nil
}

// Resolve implements Network.
func (f *fakeNet) Resolve(ctx context.Context, _ string) (netip.Addr, error) {
	if ctx.Err() != nil {
		return netip.Addr{}, context.Cause(ctx)
	}
	if f.resolve != nil {
		if err := f.resolve(ctx); err != nil {
			return netip.Addr{}, err
		}
	}
	gateway.Pause(ctx, 9*time.Millisecond)
	return cloudAddr, nil
}

// Dial implements Network.
func (f *fakeNet) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if to.Port() == 53 {
		if f.internet == nil {
			return dropped(ctx)
		}
		return f.internet(ctx)
	}
	gateway.Pause(ctx, 100*time.Millisecond)
	return f.dial(ctx)
}

// Announce implements Network.
func (f *fakeNet) Announce(_ context.Context, to netip.AddrPort, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.announced = append(f.announced, to.String()+" "+string(b))
	return nil
}

// Down implements Network.
func (f *fakeNet) Down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.downs++
}

// dropped is a SYN that nobody answers.
func dropped(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// refused is a SYN answered by a reset.
func refused(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

// rejected is a SYN answered by a router.
func rejected(context.Context) (net.Conn, error) { return nil, syscall.EHOSTUNREACH }

// open is a connection to something that says nothing.
func open(context.Context) (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

// noName is a lookup that ends after three tries.
func noName(ctx context.Context) error {
	gateway.Pause(ctx, 15*time.Second)
	return errors.New("no answer")
}

// cloudDial connects to a cloud of its own each time.
func cloudDial(c sparktest.ServerConfig, s sparktest.ServeConfig) func(context.Context) (net.Conn, error) {
	if c.Key == nil {
		c.Key = sparktest.ServerKey()
	}
	return func(context.Context) (net.Conn, error) {
		near, far := slowPipe(20 * time.Millisecond)
		go func() {
			defer far.Close()
			session, err := sparktest.Server(context.Background(), far, c)
			if err == nil {
				_ = session.Serve(context.Background(), s)
			}
		}()
		return near, nil
	}
}

// slowPipe is a connection with buffers and a delay each way; a bare net.Pipe
// makes two ends that write at once wait for each other for ever.
func slowPipe(delay time.Duration) (near, far net.Conn) {
	near, n := net.Pipe()
	far, f := net.Pipe()
	go pump(n, f, delay)
	go pump(f, n, delay)
	return near, far
}

// pump carries bytes from one pipe to another, and then the end.
func pump(from, to net.Conn, delay time.Duration) {
	type chunk struct {
		due time.Time
		b   []byte
	}
	way := make(chan chunk, 1024)
	go func() {
		defer to.Close()
		for c := range way {
			time.Sleep(time.Until(c.due))
			if _, err := to.Write(c.b); err != nil {
				// Go on taking, so that the reader ends.
				continue
			}
		}
	}()
	defer close(way)
	for {
		b := make([]byte, 1024)
		n, err := from.Read(b)
		if err != nil {
			return
		}
		way <- chunk{time.Now().Add(delay), b[:n]}
	}
}

// logBuffer is a serial port.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is the log so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
