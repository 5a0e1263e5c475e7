package limit

import "time"

// Limiter lets one event through per subject and pause. It is not safe for
// concurrent use.
type Limiter[K comparable] struct {
	// pause is how long a subject stays quiet after an event.
	pause time.Duration
	// size bounds last, which is when each subject's last event passed.
	size int
	last map[K]time.Time
}

// New lets an event about one subject through every pause. It remembers size
// subjects at most; when so many are within their pause, events about others
// do not pass. So no more than size events pass in one pause, whatever comes.
func New[K comparable](pause time.Duration, size int) *Limiter[K] {
	return &Limiter[K]{pause: pause, size: size, last: make(map[K]time.Time)}
}

// Allow tells whether an event about k may go out at now. What it turns away
// does not prolong the pause.
func (l *Limiter[K]) Allow(k K, now time.Time) bool {
	t, known := l.last[k]
	if known && now.Sub(t) < l.pause {
		return false
	}
	if !known && len(l.last) >= l.size {
		l.forget(now)
		if len(l.last) >= l.size {
			return false
		}
	}
	l.last[k] = now
	return true
}

// forget drops the subjects whose pause is over.
func (l *Limiter[K]) forget(now time.Time) {
	for k, t := range l.last {
		if now.Sub(t) >= l.pause {
			delete(l.last, k)
		}
	}
}
