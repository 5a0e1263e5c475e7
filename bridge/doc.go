// Package bridge is the wire side of photongate: connections whose far end we
// do not serve. Its packages are the cloud's protocol (spark), the way out
// (egress), the sessions (relay) and the broker (mqtt).
//
// It is not a Linux bridge: nothing is bridged or forwarded, which is the
// point. Every connection of the segment ends in this program, and every
// connection that leaves the machine begins in it.
package bridge
