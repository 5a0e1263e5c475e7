package dns

import (
	"fmt"
	"testing"
	"time"

	"photongate/gateway"
)

// TestRefusedIsBounded holds that a device that asks for ever new names causes
// so many events a minute and no more.
func TestRefusedIsBounded(t *testing.T) {
	told := 0
	n := newNotes(config(func(gateway.Event) { told++ }))
	now := time.Now()
	for i := range 4 * subjects {
		n.reply(reply{result: refused, name: fmt.Sprint(i)}, config(nil).Addr.Addr(), now)
	}
	if told != subjects {
		t.Errorf("told %d times, want %d", told, subjects)
	}
	if got := n.refused.Load(); got != 4*subjects {
		t.Errorf("%d refused, want %d: every one is counted", got, 4*subjects)
	}
}
