// Package dhcp gives listed devices their addresses, and nobody else.
//
// Table decides who gets which address and remembers it across restarts.
// Server answers on the segment's interface. A device keeps its address for
// as long as it is listed, because the firewall admits pairs of MAC and
// address: there is no pool of leases that come and go.
package dhcp
