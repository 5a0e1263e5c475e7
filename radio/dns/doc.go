// Package dns is a closed resolver: the names it is given have one address,
// the gateway's, and every other name is refused. It never asks anybody, so a
// device can neither reach the site's names nor carry data out in questions.
//
// Its TCP side is also the far end of the internet test of firmware up to
// 1.5: a connection to 8.8.8.8:53 that the firewall sends here, and that says
// nothing (photon.md 5.2).
package dns
