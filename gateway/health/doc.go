// Package health decides what is wrong with the gateway now, and when a person
// must hear of it. It is pure: it starts nothing, runs nothing and has no
// clock; time comes from events and arguments.
//
// A fact becomes an alert in three steps:
//
//	Tracker.Apply     folds events into the state of the gateway's parts
//	Tracker.Findings  names the conditions that hold now
//	Alerts.Update     gives conditions a life: pending, firing, resolved
//
// Neither Tracker nor Alerts is safe for concurrent use: the journal owns both.
package health
