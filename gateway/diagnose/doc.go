// Package diagnose turns events into stages and verdicts: where a device fails
// on its way to the cloud, whose job the repair is, and why.
//
// One Story folds the events of one device, whoever saw them, and one ordered
// table of rules reads it. Ladder keeps a Story per device of a running
// gateway and adds what the way out looks like; Serial keeps one for a pasted
// log. Both give the same verdict for the same facts.
//
// The package is pure: no goroutine, no clock, no file. Time comes from the
// events and from the callers' arguments. No value of it may be used by two
// goroutines at once.
package diagnose
