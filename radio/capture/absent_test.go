//go:build nowatch

package capture

import (
	"errors"
	"testing"

	"photongate/gateway"
)

// TestAbsent wants every door to say that the witness is not there.
func TestAbsent(t *testing.T) {
	_, decoder := NewDecoder(Settings{})
	_, file := ReadFile(nil, Settings{})
	_, ring := New(Config{})
	for _, err := range []error{decoder, file, ring, (*Ring)(nil).Run(t.Context()), (*Ring)(nil).Dump(nil, gateway.MAC{})} {
		var h *gateway.Hinted
		if !errors.Is(err, ErrAbsent) || err.Error() != "this build has no packet witness" || !errors.As(err, &h) || h.Hint == "" {
			t.Errorf("error %v, want %v with a hint", err, ErrAbsent)
		}
	}
}
