package mqtt

import "time"

const (
	// rivalLived is how soon after the connect a loss is suspicious: two
	// clients with one id throw each other out as fast as each comes back.
	rivalLived = 10 * time.Second
	// rivalWindow and rivalLosses: so many such losses in that time are a rival.
	rivalWindow = 30 * time.Second
	rivalLosses = 3
	// rivalOver is how long a connection must live to end the suspicion: longer
	// than the greatest pause between attempts, after which a rival is back.
	rivalOver = time.Minute
)

// rival notices that connections end as soon as they begin, which is what a
// second client with our id does to us.
type rival struct {
	// quick lists the suspicious losses of the last rivalWindow.
	quick []time.Time
	// known: there were enough of them, and no connection has lived since.
	known bool
}

// lost takes one connection that ended, how long it lived, and whether the
// broker ended it without a better reason, and tells whether a rival is the likely one.
func (r *rival) lost(now time.Time, lived time.Duration, unexplained bool) bool {
	if lived >= rivalOver {
		*r = rival{}
		return false
	}
	if !unexplained {
		return false
	}
	if lived < rivalLived {
		r.quick = append(r.quick, now)
	}
	for len(r.quick) > 0 && now.Sub(r.quick[0]) > rivalWindow {
		r.quick = r.quick[1:]
	}
	r.known = r.known || len(r.quick) >= rivalLosses
	return r.known
}
