package health

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"photongate/gateway"
)

// The times of an alert's life.
const (
	// clearFor is how long a condition must be gone before its alert resolves
	// (users.md E4, the default of `clear_for`).
	clearFor = 120 * time.Second
	// clearSoon takes its place for a condition whose evidence was conclusive at
	// once (Finding.For is 0): what proved it, a path that answers again
	// disproves as surely. Ten seconds are one probe and its repetition.
	clearSoon = 10 * time.Second
	// clearFlap takes its place while a condition comes and goes.
	clearFlap = flapWindow
)

// comesAndGoes is what the summary of a flapping alert adds.
const comesAndGoes = " (comes and goes)"

// Alerts gives findings a life. The rules:
//
//   - A condition is pending until it held for Finding.For, then it fires; when
//     it was gone for clearFor it resolves. A pending one that goes is dropped.
//   - A condition that another one causes (Finding.Causes) does not fire while
//     that one fires, or may be about to; it waits Finding.For anew afterwards.
//     One that fires already goes on.
//   - A key that fires more than three times in ten minutes stays firing until
//     it was gone for ten minutes.
//   - A rise of severity is told again. A fault once named stays named while the
//     same condition holds and is merely UNDETERMINED.
type Alerts struct {
	// live are the pending and firing alerts by key.
	live map[string]*life
	// flaps remembers when keys fired.
	flaps flaps
	// ids names new lives.
	ids ids
}

// life is one alert from its first finding to its end.
type life struct {
	gateway.Alert
	// from is when the wait for Finding.For began: Since, or when the last cause went.
	from time.Time
	// gone is when the condition was first missing; zero while it holds.
	gone time.Time
	// restored marks a life of before a restart that was not found again yet.
	restored bool
	// flapping marks a life that ends only after a long quiet time.
	flapping bool
	// told is the severity that was last told.
	told gateway.Severity
}

// NewAlerts returns a set without alerts.
func NewAlerts() *Alerts {
	return &Alerts{live: make(map[string]*life), flaps: make(flaps)}
}

// Restore takes over the alerts that fired when the gateway stopped; others are
// ignored. One whose condition is not found again resolves after 120 s, however
// conclusive it was: after a start nothing is known yet.
func (a *Alerts) Restore(alerts []gateway.Alert) {
	for _, al := range alerts {
		if al.State != gateway.AlertFiring || al.Key == "" {
			continue
		}
		a.live[al.Key] = &life{Alert: al, from: al.Since, restored: true, told: al.Severity}
	}
}

// Update compares the conditions found at now with those before, and returns
// the alerts that changed for a reader: those that fire now or rose in severity
// (firing), and those that ended (resolved). Roots come before what they cause.
func (a *Alerts) Update(found []gateway.Finding, now time.Time) []gateway.Alert {
	seen := make(map[string]bool, len(found))
	for _, f := range found {
		if f.Key == "" || seen[f.Key] {
			continue
		}
		seen[f.Key] = true
		a.see(f, now)
	}
	a.flaps.prune(now)

	var changed []gateway.Alert
	for _, l := range a.sorted(rootsFirst) {
		switch {
		case !seen[l.Key]:
			changed = a.miss(l, now, changed)
		case l.State == gateway.AlertPending && !a.silenced(l, now):
			changed = a.ripen(l, now, changed)
		case l.State == gateway.AlertFiring && rank(l.Severity) < rank(l.told):
			l.told = l.Severity
			changed = append(changed, l.Alert)
		}
	}
	a.count(seen)
	return withSilences(changed, a.live)
}

// see records that a condition holds.
func (a *Alerts) see(f gateway.Finding, now time.Time) {
	l := a.live[f.Key]
	if l == nil {
		l = &life{from: now}
		l.Alert = gateway.Alert{ID: a.ids.next(f.Key, now), Finding: f, State: gateway.AlertPending, Since: now}
		a.live[f.Key] = l
	}
	if f.Code != gateway.CodeUndetermined || l.Code == "" || l.Code == gateway.CodeUndetermined {
		l.Finding = f
		if l.flapping {
			l.Summary += comesAndGoes
		}
	}
	l.Last, l.gone, l.restored = now, time.Time{}, false
	l.Count++
}

// miss records that a condition does not hold, and ends its alert when it has
// been gone for long enough.
func (a *Alerts) miss(l *life, now time.Time, changed []gateway.Alert) []gateway.Alert {
	if l.State == gateway.AlertPending {
		delete(a.live, l.Key)
		return changed
	}
	if l.gone.IsZero() {
		l.gone = now
	}
	if now.Sub(l.gone) < l.patience() {
		return changed
	}
	delete(a.live, l.Key)
	l.State, l.Ended = gateway.AlertResolved, now
	return append(changed, l.Alert)
}

// patience is how long the condition must be gone.
func (l *life) patience() time.Duration {
	switch {
	case l.flapping:
		return clearFlap
	case l.For == 0 && !l.restored:
		return clearSoon
	}
	return clearFor
}

// ripen fires a pending alert that held for long enough.
func (a *Alerts) ripen(l *life, now time.Time, changed []gateway.Alert) []gateway.Alert {
	if now.Sub(l.from) < l.For {
		return changed
	}
	l.State, l.Fired, l.told = gateway.AlertFiring, now, l.Severity
	if a.flaps.fired(l.Key, now) {
		l.flapping = true
		l.Summary += comesAndGoes
	}
	return append(changed, l.Alert)
}

// silenced tells whether another condition explains l, and then restarts the
// wait of l. A cause that is itself pending holds l back only as long as it
// needs to fire, so two conditions that claim to cause each other cannot wait
// for ever.
func (a *Alerts) silenced(l *life, now time.Time) bool {
	for _, root := range a.live {
		if !root.explains(l) {
			continue
		}
		if root.State == gateway.AlertFiring || now.Sub(root.Since) <= root.For {
			l.from = now
			return true
		}
	}
	return false
}

// explains tells whether o is one of the conditions that l causes.
func (l *life) explains(o *life) bool {
	return l != o && slices.ContainsFunc(l.Causes, func(p string) bool {
		return p != "" && strings.HasPrefix(o.Key, p)
	})
}

// count notes for each firing alert the most findings that it explained at one time.
func (a *Alerts) count(seen map[string]bool) {
	for _, root := range a.live {
		if root.State != gateway.AlertFiring {
			continue
		}
		n := 0
		for _, l := range a.live {
			if seen[l.Key] && l.State == gateway.AlertPending && root.explains(l) {
				n++
			}
		}
		root.Silences = max(root.Silences, n)
	}
}

// withSilences brings the counts into alerts that were copied before the count.
func withSilences(changed []gateway.Alert, live map[string]*life) []gateway.Alert {
	for i := range changed {
		if l := live[changed[i].Key]; l != nil {
			changed[i].Silences = l.Silences
		}
	}
	return changed
}

// Active lists the pending and firing alerts, most severe first, then by key.
func (a *Alerts) Active() []gateway.Alert {
	out := make([]gateway.Alert, 0, len(a.live))
	for _, l := range a.sorted(bySeverity) {
		out = append(out, l.Alert)
	}
	return out
}

// sorted lists the lives in an order.
func (a *Alerts) sorted(by func(a, b *life) int) []*life {
	out := make([]*life, 0, len(a.live))
	for _, l := range a.live {
		out = append(out, l)
	}
	slices.SortFunc(out, by)
	return out
}

// bySeverity orders lives by severity, then by key.
func bySeverity(a, b *life) int {
	return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Key, b.Key))
}

// rootsFirst orders lives that explain others before those that do not, so that
// a cause and its effects that are due together do not all fire.
func rootsFirst(a, b *life) int {
	return cmp.Or(cmp.Compare(len(b.Causes), len(a.Causes)), bySeverity(a, b))
}

// rank is a severity's place, the most severe first.
func rank(s gateway.Severity) int {
	switch s {
	case gateway.Critical:
		return 0
	case gateway.Warning:
		return 1
	}
	return 2
}
