// Package segment keeps the gateway's own address on the segment's interface,
// and the interface up and without IPv6. It waits for an interface that is not
// there, mends what others undo, and takes back only what it did itself: what
// it did stands in a small file first, so that cleanup works after kill -9.
//
// It enables no forwarding and leaves every other setting of the machine alone.
package segment
