package dhcp

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// watchPause is how often the interface is looked for: a socket bound to one
// that went away stays silent for ever, and a Photon gives DHCP 15 s in all
// (photon.md 8.3).
const watchPause = 5 * time.Second

// errGone: the interface of the socket is not there any more.
var errGone = errors.New("the interface went away")

// watch looks whether the interface of a socket is still the same.
type watch struct {
	iface string
	// find looks an interface up by its name: net.InterfaceByName, or a test's.
	find func(string) (*net.Interface, error)
	// index is the interface's when the socket was opened; 0 is not known yet.
	index int
	// next is when to look again.
	next time.Time
}

// present is an error once the interface went away, or came back as another.
// A look that goes wrong in itself, as with no file descriptor left for it
// (EMFILE), says nothing about the interface: the socket still serves.
func (w *watch) present(now time.Time) error {
	if now.Before(w.next) {
		return nil
	}
	w.next = now.Add(watchPause)
	i, err := w.find(w.iface)
	switch {
	case err != nil && missing(err):
		return fmt.Errorf("look for %s: %w: %w", w.iface, errGone, err)
	case err != nil:
	case w.index == 0:
		w.index = i.Index
	case i.Index != w.index:
		return fmt.Errorf("look for %s: %w and came back", w.iface, errGone)
	}
	return nil
}

// missing tells whether there is no such interface. The library has no error
// of its own for this.
func missing(err error) bool { return strings.Contains(err.Error(), "no such network interface") }
