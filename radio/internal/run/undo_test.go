package run

import (
	"errors"
	"fmt"
	"testing"
)

// TestUndo holds what is tried once more, and how it then ends.
func TestUndo(t *testing.T) {
	for _, tt := range []struct {
		name, first, second string
		calls               int
		want                string
	}{
		{"works", "exit 0", "exit 9", 1, ""},
		{"fails", "exit 2", "exit 0", 1, "take it back: run sh: exit status 2"},
		{"is ended once", "kill -TERM $$", "exit 0", 2, ""},
		{"is ended, then fails", "kill -KILL $$", "exit 2", 2, "take it back: run sh: exit status 2"},
		{"is ended twice", "kill -INT $$", "kill -INT $$", 2, "take it back: run sh: signal: interrupt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scripts, calls := []string{tt.first, tt.second}, 0
			err := Undo(func() error {
				_, err := Once(t.Context(), nil, "sh", "-c", scripts[calls])
				calls++
				if err != nil {
					// As it comes out of several steps of taking back.
					return errors.Join(fmt.Errorf("take it back: %w", err))
				}
				return nil
			})
			if errText(err) != tt.want || calls != tt.calls {
				t.Errorf("error %q after %d calls, want %q after %d", errText(err), calls, tt.want, tt.calls)
			}
		})
	}
}
