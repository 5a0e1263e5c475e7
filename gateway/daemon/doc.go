// Package daemon is the composition: it turns a configuration into parts, runs
// them in the right order, gathers what they notice in one journal, and shows
// the result on MQTT and on the control socket.
//
// It is the one package that imports both sides, radio and bridge. The parts
// know nothing of each other: what one learns and another must act on passes
// through here (react.go).
//
//	daemon.go     which parts there are: the wiring
//	run.go        the order in which they start and stop
//	journal.go    events in, snapshots out
//	react.go      what a fact makes another part do
//	incidents.go  what an alert leaves behind; record.go the journal in a file
//	publish.go    snapshots to MQTT
//	whitelist.go  who may use the segment
//	control.go    the control socket; client.go its other end
//	lock.go       one gateway in a network namespace
//	cleanup.go    what a killed run left behind
package daemon
