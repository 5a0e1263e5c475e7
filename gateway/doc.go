// Package gateway is the vocabulary of photongate: devices, events, stages,
// verdicts, findings and tasks. It imports the standard library only, and
// every other package imports it.
//
// # Map of the repository
//
// radio serves the air, bridge carries the wires, gateway decides what it
// means, cmd only starts it.
//
//	cmd/photongate    the program: run, check, cleanup, status, doctor, device
//	cmd/photonlab     virtual Photons, a virtual cloud, a virtual enterprise firewall
//	gateway           this vocabulary
//	gateway/config    bytes to a typed Config; every problem at once
//	gateway/diagnose  events to stages and verdicts; the serial log reader
//	gateway/health    findings to alerts with a life
//	gateway/report    snapshot to MQTT topics, JSON and text
//	gateway/daemon    the composition of all parts, the journal, the control socket
//	radio/...         dhcp, dns, ntp, firewall: what speaks on the segment
//	bridge/...        spark, egress, relay, mqtt: connections whose far end we do not serve
//
// # How facts travel
//
// Parts below radio and bridge know nothing of each other. What they notice
// they emit as Event values into the journal (gateway/daemon), the one place
// that folds events into an immutable Snapshot:
//
//	radio/*, bridge/*  --Event-->  journal  --Snapshot-->  report  -->  MQTT, status
//
// Configuration and the whitelist (Inventory) flow down as values.
package gateway
