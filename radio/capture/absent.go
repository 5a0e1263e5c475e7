//go:build nowatch

package capture

import (
	"context"
	"io"
	"time"

	"photongate/gateway"
)

// absentHint is the advice with ErrAbsent.
const absentHint = "it was built with the tag nowatch, for small routers; the build without that tag has the witness"

// errAbsent is ErrAbsent with advice.
func errAbsent() error { return gateway.Hint(ErrAbsent, absentHint) }

// Decoder is not part of this build.
type Decoder struct{}

// NewDecoder returns ErrAbsent.
func NewDecoder(Settings) (*Decoder, error) { return nil, errAbsent() }

// Frame does nothing.
func (*Decoder) Frame(time.Time, LinkType, []byte, int) gateway.MAC { return gateway.MAC{} }

// Advance does nothing.
func (*Decoder) Advance(time.Time) {}

// Finish does nothing.
func (*Decoder) Finish() {}

// Stats is empty.
func (*Decoder) Stats() Stats { return Stats{} }

// ReadFile returns ErrAbsent.
func ReadFile(io.Reader, Settings) (Stats, error) { return Stats{}, errAbsent() }

// Ring is not part of this build.
type Ring struct{}

// New returns ErrAbsent.
func New(Config) (*Ring, error) { return nil, errAbsent() }

// Run returns ErrAbsent.
func (*Ring) Run(context.Context) error { return errAbsent() }

// Ready is never closed.
func (*Ring) Ready() <-chan struct{} { return nil }

// String names the ring.
func (*Ring) String() string { return "packet witness, absent" }

// Dump returns ErrAbsent.
func (*Ring) Dump(io.Writer, gateway.MAC) error { return errAbsent() }

// Held is empty.
func (*Ring) Held() []gateway.MAC { return nil }

// Drops is 0.
func (*Ring) Drops() uint64 { return 0 }
