package serve

import (
	"errors"
	"testing"
	"time"
)

// TestPulse holds when a serving loop says what of itself.
func TestPulse(t *testing.T) {
	var p pulse
	now, lost := time.Now(), errors.New("lost")
	for _, tt := range []struct {
		name  string
		wrote []error
		after time.Duration
		due   bool
		want  error
	}{
		{"at the start", nil, 0, true, nil},
		{"before the pause is over", []error{lost}, proofPause - 1, false, nil},
		{"nothing went out", nil, 1, true, lost},
		{"something went out", []error{lost, nil, lost}, proofPause, true, nil},
		{"nobody asked", nil, proofPause, true, nil},
	} {
		for _, err := range tt.wrote {
			p.wrote(err)
		}
		now = now.Add(tt.after)
		if due, err := p.due(now); due != tt.due || err != tt.want {
			t.Errorf("%s: %t, %v; want %t, %v", tt.name, due, err, tt.due, tt.want)
		}
	}
}
