package health_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/health"
)

// find makes a finding: its key, how long it must hold, and what it causes.
func find(key string, hold int, causes ...string) gateway.Finding {
	return gateway.Finding{Key: key, Code: "X", Severity: gateway.Warning, Summary: key, For: time.Duration(hold) * time.Second, Causes: causes}
}

// story runs Update once a second while a condition's spans last, and writes
// down the transitions as "second key state".
func story(a *health.Alerts, until int, spans map[int][]gateway.Finding) []string {
	var out []string
	var now []gateway.Finding
	for s := range until {
		if f, ok := spans[s]; ok {
			now = f
		}
		for _, al := range a.Update(now, at(s)) {
			out = append(out, fmt.Sprintf("%d %s %s", s, al.Key, al.State))
		}
	}
	return out
}

func TestAlertsLife(t *testing.T) {
	slow, quick := find("slow", 60), find("quick", 0)
	root, soft := find("egress.path", 0, "device."), find("egress.path", 60, "device.")
	d1, d2 := find("device.offline.1", 60), find("device.offline.2", 60)
	type spans = map[int][]gateway.Finding
	tests := []struct {
		name  string
		until int
		spans spans
		want  []string
	}{
		{"holds, fires, clears", 400, spans{0: {slow}, 100: nil}, []string{"60 slow firing", "220 slow resolved"}},
		{"goes before it fires", 400, spans{0: {slow}, 59: nil, 70: {slow}, 100: nil}, nil},
		{"returns before it clears", 600, spans{0: {slow}, 100: nil, 219: {slow}, 300: nil}, []string{"60 slow firing", "420 slow resolved"}},
		{"conclusive", 100, spans{0: {quick}, 20: nil}, []string{"0 quick firing", "30 quick resolved"}},
		{"twice the same key", 70, spans{0: {slow, slow}}, []string{"60 slow firing"}},
		{"no key", 70, spans{0: {find("", 0)}}, nil},
		{"flaps: the fourth time is held", 1000, spans{0: {quick}, 5: nil, 20: {quick}, 25: nil, 40: {quick}, 45: nil, 60: {quick}, 65: nil},
			[]string{"0 quick firing", "15 quick resolved", "20 quick firing", "35 quick resolved", "40 quick firing", "55 quick resolved",
				"60 quick firing", "665 quick resolved"}},
		{"flapping starts over when it returns", 1400, spans{0: {quick}, 5: nil, 20: {quick}, 25: nil, 40: {quick}, 45: nil, 60: {quick}, 65: nil, 600: {quick}, 610: nil},
			[]string{"0 quick firing", "15 quick resolved", "20 quick firing", "35 quick resolved", "40 quick firing", "55 quick resolved",
				"60 quick firing", "1210 quick resolved"}},
		{"root silences its effects", 400, spans{0: {root, d1, d2}, 200: nil}, []string{"0 egress.path firing", "210 egress.path resolved"}},
		{"root that still waits holds its effects", 400, spans{0: {d1, d2}, 30: {d1, d2, soft}},
			[]string{"90 egress.path firing"}},
		{"effect that fired first goes on", 400, spans{0: {d1}, 70: {d1, d2, root}, 150: {d1, d2}},
			[]string{"60 device.offline.1 firing", "70 egress.path firing", "160 egress.path resolved", "219 device.offline.2 firing"}},
		{"root over, its effect waits anew", 400, spans{0: {root, d1}, 100: {d1}}, []string{"0 egress.path firing", "110 egress.path resolved", "169 device.offline.1 firing"}},
		{"two that cause each other", 400, spans{0: {find("a.x", 60, "b."), find("b.x", 60, "a.")}}, []string{"120 a.x firing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := story(health.NewAlerts(), tt.until, tt.spans); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestAlertsCountSilences(t *testing.T) {
	a := health.NewAlerts()
	found := []gateway.Finding{find("device.offline.1", 60), find("egress.path", 0, "device."), find("device.offline.2", 60), find("part.mqtt", 60)}
	fired := a.Update(found, at(0))
	if len(fired) != 1 || fired[0].Silences != 2 {
		t.Fatalf("fired %+v, want egress.path with 2 silences", fired)
	}
	a.Update(found[:2], at(1))
	ended := a.Update(nil, at(2))
	ended = append(ended, a.Update(nil, at(12))...)
	if len(ended) != 1 || ended[0].Silences != 2 || ended[0].Count != 2 {
		t.Errorf("ended %+v, want egress.path, seen twice, with the 2 it once explained", ended)
	}
}

func TestAlertsTimes(t *testing.T) {
	a := health.NewAlerts()
	f := []gateway.Finding{find("k", 60)}
	a.Update(f, at(0))
	a.Update(f, at(60))
	a.Update(f, at(90))
	a.Update(nil, at(91))
	got := a.Update(nil, at(211))
	if len(got) != 1 {
		t.Fatalf("got %+v, want one end", got)
	}
	al := got[0]
	if al.Since != at(0) || al.Fired != at(60) || al.Last != at(90) || al.Ended != at(211) || al.Count != 3 {
		t.Errorf("got %+v, want since 0, fired 60, last 90, ended 211, count 3", al)
	}
	if n := len(a.Active()); n != 0 {
		t.Errorf("%d alerts are active, want none", n)
	}
}

func TestAlertsSeverity(t *testing.T) {
	a := health.NewAlerts()
	f := find("k", 0)
	var got []string
	for s, sev := range []gateway.Severity{gateway.Warning, gateway.Warning, gateway.Critical, gateway.Info, gateway.Critical} {
		f.Severity = sev
		for _, al := range a.Update([]gateway.Finding{f}, at(s)) {
			got = append(got, fmt.Sprintf("%d %s %s", s, al.Severity, al.State))
		}
	}
	if want := []string{"0 warning firing", "2 critical firing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAlertsKeepTheNamedFault(t *testing.T) {
	a := health.NewAlerts()
	vague, named := find("k", 0), find("k", 0)
	vague.Code, vague.Summary = gateway.CodeUndetermined, "something"
	named.Code, named.Summary = gateway.CodeEgressDropAll, "dropped"
	for s, want := range []string{"something", "dropped", "dropped"} {
		f := vague
		if s == 1 {
			f = named
		}
		a.Update([]gateway.Finding{f}, at(s))
		if got := a.Active()[0].Summary; got != want {
			t.Errorf("step %d: %q, want %q", s, got, want)
		}
	}
}

func TestAlertsSayThatTheyFlap(t *testing.T) {
	a := health.NewAlerts()
	f := []gateway.Finding{find("k", 0)}
	for s := 0; s <= 60; s += 20 {
		a.Update(f, at(s))
		a.Update(nil, at(s+1))
		a.Update(nil, at(s+11))
	}
	if got := a.Active(); len(got) != 1 || got[0].Summary != "k (comes and goes)" {
		t.Fatalf("got %+v, want one that comes and goes", got)
	}
	a.Update(f, at(100))
	if got := a.Active()[0].Summary; got != "k (comes and goes)" {
		t.Errorf("summary %q, want the note once", got)
	}
}

func TestAlertsActiveOrderAndIDs(t *testing.T) {
	run := func() []gateway.Alert {
		a := health.NewAlerts()
		crit := find("z", 60)
		crit.Severity = gateway.Critical
		a.Update([]gateway.Finding{find("b", 60), crit, find("a", 0)}, at(0))
		return a.Active()
	}
	got := run()
	var keys []string
	ids := map[string]bool{}
	for _, al := range got {
		keys = append(keys, al.Key)
		ids[al.ID] = true
		if len(al.ID) != 26 {
			t.Errorf("id %q, want 26 digits", al.ID)
		}
	}
	if want := []string{"z", "a", "b"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	if len(ids) != 3 {
		t.Errorf("ids %v, want 3 different ones", ids)
	}
	if again := run(); !reflect.DeepEqual(got, again) {
		t.Errorf("a second run gave %+v, want %+v", again, got)
	}
}

func TestAlertsIDsSort(t *testing.T) {
	a := health.NewAlerts()
	last := ""
	for s := range 50 {
		got := a.Update([]gateway.Finding{find(fmt.Sprintf("k%d", 100-s), 0)}, at(s/2))
		for _, al := range got {
			if al.State != gateway.AlertFiring {
				continue
			}
			if strings.Compare(al.ID, last) <= 0 {
				t.Fatalf("id %s does not sort behind %s", al.ID, last)
			}
			last = al.ID
		}
	}
}

func TestAlertsSurviveARestart(t *testing.T) {
	a := health.NewAlerts()
	f := []gateway.Finding{find("k", 0, "device."), find("slow", 60)}
	f[0].Device = porch.MAC
	fired := a.Update(f, at(0))

	saved, err := json.Marshal(a.Active())
	if err != nil {
		t.Fatal(err)
	}
	var back []gateway.Alert
	if err := json.Unmarshal(saved, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, a.Active()) {
		t.Fatalf("after JSON %+v, want %+v", back, a.Active())
	}

	b := health.NewAlerts()
	b.Restore(back)
	if got := b.Active(); len(got) != 1 || got[0].ID != fired[0].ID {
		t.Fatalf("restored %+v, want %+v", got, fired)
	}
	// Nothing is known yet for 100 s: not even a conclusive alert resolves.
	if got := story(b, 100, nil); got != nil {
		t.Errorf("transitions %q, want none", got)
	}
	// Found again, it is the same alert and is not told again.
	if got := b.Update(f[:1], at(100)); got != nil {
		t.Errorf("transitions %+v, want none", got)
	}
	if got := b.Active()[0]; got.ID != fired[0].ID || got.Count != 2 || got.Since != at(0) {
		t.Errorf("got %+v, want the same life, seen twice", got)
	}
	b.Update(nil, at(101))
	if got := b.Update(nil, at(111)); len(got) != 1 || got[0].State != gateway.AlertResolved {
		t.Errorf("got %+v, want its end after 10 s", got)
	}

	c := health.NewAlerts()
	c.Restore(back)
	want := []string{"120 k resolved"}
	if got := story(c, 200, nil); !slices.Equal(got, want) {
		t.Errorf("never found again: %q, want %q", got, want)
	}
}
