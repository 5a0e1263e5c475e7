// Package site builds an enterprise site out of network namespaces: the air of
// a closed segment with Photons on it, a place for the gateway, a firewall that
// can be told to misbehave, and an internet with the cloud's six addresses.
//
//	porch  gate  stranger        one namespace each, interface wlan0
//	   \     |     /
//	        air                  a bridge whose ports do not see each other
//	         | seg0              192.168.77.0/24
//	         gw                  photongate runs here
//	         | wan0              10.10.0.0/24
//	      firewall               the faults are rules here
//	         | inet0             10.20.0.0/24
//	        inet                 the cloud's addresses, TCP 5683; a resolver on 10.20.0.53
//
// Every namespace is held by a thread of this process and ends with it. None
// is named, mounted or reachable from the host.
package site
