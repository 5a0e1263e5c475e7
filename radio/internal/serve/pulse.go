package serve

import "time"

// proofPause is how often a serving loop proves that it lives: health is
// published every 60 s (users.md E2) and shows ages, so twice in that.
const proofPause = 30 * time.Second

// pulse is what a serving loop knows of its own health.
type pulse struct {
	// next is when to report.
	next time.Time
	// sent: a reply went out since the last report; unsent is why one did not.
	sent   bool
	unsent error
}

// due tells whether a report is due, and what it says: an error when replies
// were due since the last one and none went out.
func (p *pulse) due(now time.Time) (bool, error) {
	if now.Before(p.next) {
		return false, nil
	}
	p.next = now.Add(proofPause)
	err := p.unsent
	if p.sent {
		err = nil
	}
	p.sent, p.unsent = false, nil
	return true, err
}

// wrote notes how sending a reply ended.
func (p *pulse) wrote(err error) {
	if err == nil {
		p.sent = true
	} else {
		p.unsent = err
	}
}
