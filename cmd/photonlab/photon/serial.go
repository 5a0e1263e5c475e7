package photon

import (
	"context"
	"fmt"
	"io"
	"time"
)

// The categories of log lines (photon.md 6.2).
const (
	catSystem    = "system"
	catWLAN      = "hal.wlan"
	catProtocol  = "comm.sparkprotocol"
	catHandshake = "comm.sparkprotocol.handshake"
)

// The levels of log lines (photon.md 6.1).
const (
	levelInfo  = "INFO"
	levelWarn  = "WARN"
	levelError = "ERROR"
)

// maxLine is the longest message; a longer one is cut and ends in a tilde (photon.md 6.1).
const maxLine = 160

// serial is the log of one life, in the format of SerialLogHandler.
type serial struct {
	// power is what the writer needs: without it nothing is printed.
	power context.Context
	// w takes the lines.
	w io.Writer
	// boot is when the power came.
	boot time.Time
}

// print writes one line. Nobody hears of a failed write, as with a USB port
// that nobody reads.
func (s *serial) print(category, level, format string, args ...any) {
	if s.power.Err() != nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(text) > maxLine {
		text = text[:maxLine-1] + "~"
	}
	// The counter has 32 bits and wraps after 49.7 days (photon.md 6.1).
	stamp := uint32(time.Since(s.boot).Milliseconds())
	_, _ = fmt.Fprintf(s.w, "%010d [%s] %s: %s\r\n", stamp, category, level, text)
}

// info prints for the system.
func (s *serial) info(format string, args ...any) { s.print(catSystem, levelInfo, format, args...) }

// warn prints for the system.
func (s *serial) warn(format string, args ...any) { s.print(catSystem, levelWarn, format, args...) }

// fail prints an error for the system.
func (s *serial) fail(format string, args ...any) { s.print(catSystem, levelError, format, args...) }
