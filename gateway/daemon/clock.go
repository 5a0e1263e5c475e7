package daemon

import "golang.org/x/sys/unix"

// clockSynced tells whether the kernel takes its clock for synchronised, which
// whoever runs NTP on the machine tells it (adjtimex(2), STA_UNSYNC).
func clockSynced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR
}
