// Package incident freezes what a firing alert rests on into one bounded file,
// so that whoever gets the file comes to the same verdict (users.md H, row 11).
//
// A Recorder keeps the events that still matter, in memory, for as long as the
// gateway runs. When an alert fires, the daemon makes a Bundle of them, and a
// Shelf writes it to flash: rarely, and never more than it was given room for
// (users.md F). Replay folds a bundle's events through diagnose.Ladder as the
// daemon does.
//
// The package starts no goroutine and holds no clock: time comes from events
// and bundles. Only a Shelf opens files.
package incident
