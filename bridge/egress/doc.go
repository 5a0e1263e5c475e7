// Package egress is the one way out of the gateway: the only code that dials
// the cloud. It resolves the cloud's name, remembers every address in a book
// with what happened when it was tried, prefers the one that answered last, and
// never dials an address that is not approved.
//
// Attempts start one after the other, 300 ms apart, and the first that stands
// wins. Probes go further: they wait for the cloud's 40 bytes, which it sends
// unasked (photon.md 4.1), and send nothing themselves.
//
// State lives on an event loop (bridge/loop); name look-ups run beside it.
package egress
