package site

import (
	"io"
	"net"
	"sync"
)

// Forward takes connections on l and pipes each to one that dial opens, until
// l is closed. The gateway reaches the lab's broker over it: a Unix socket
// crosses namespaces, and no cable to the host is needed.
func Forward(l net.Listener, dial func() (net.Conn, error)) error {
	for {
		near, err := l.Accept()
		if err != nil {
			return err
		}
		far, err := dial()
		if err != nil {
			// The client sees the end of its connection and tries again.
			near.Close()
			continue
		}
		go pipe(near, far)
	}
}

// pipe copies both ways until either end is done.
func pipe(a, b net.Conn) {
	var once sync.Once
	end := func() { a.Close(); b.Close() }
	go func() {
		defer once.Do(end)
		_, _ = io.Copy(a, b)
	}()
	defer once.Do(end)
	_, _ = io.Copy(b, a)
}
