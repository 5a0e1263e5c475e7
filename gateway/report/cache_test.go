package report_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/report"
)

// topics are the topics of messages, a removal with a minus.
func topics(msgs []report.Message) []string {
	var out []string
	for _, m := range msgs {
		t := m.Topic[len("photongate/lab-3/"):]
		if len(m.Payload) == 0 {
			t = "-" + t
		}
		out = append(out, t)
	}
	return out
}

func TestCacheDiff(t *testing.T) {
	const dev, cel = "device/3a0027000447333136323739/", "device/6c0b84597296/"
	alert := "alert/device.offline.6c0b84597296"
	s := broken()
	c := report.NewCache()
	if got := c.Diff(report.Retained(s)); len(got) != len(report.Retained(s)) {
		t.Fatalf("at first %q, want all", topics(got))
	}
	steps := []struct {
		name   string
		change func()
		want   []string
	}{
		{"nothing", func() {}, nil},
		{"time passes", func() {
			s.Time = s.Time.Add(5 * time.Second)
			s.Seq++
			s.Counters.DNSAnswered++
			s.Alerts[0].Last, s.Alerts[0].Count = s.Time, s.Alerts[0].Count+5
			s.Devices[0].Seen, s.Parts[0].Seen, s.Egress.Addresses[0].LastTime = s.Time, s.Time, s.Time
			s.Egress.Addresses[0].Bad++
			s.Devices[0].Verdict.Evidence[0].Time = s.Time
		}, nil},
		{"a device gets on", func() { s.Devices[0].Stage = gateway.StageOnline }, []string{dev + "state", dev + "availability", "health"}},
		{"bytes cross", func() { s.Devices[0].Session = &gateway.SessionRecord{ID: 9} }, []string{dev + "state"}},
		{"more bytes cross", func() { s.Devices[0].Session = &gateway.SessionRecord{ID: 9, Up: 17} }, nil},
		{"an outcome changes", func() { s.Egress.Addresses[0].Last = gateway.Spoke }, []string{"egress/direct"}},
		{"a part recovers", func() { s.Parts[6].Status = gateway.StatusOK }, []string{"health"}},
		{"an alert explains more", func() { s.Alerts[0].Silences++ }, []string{"alert/egress.path"}},
		{"an alert ends", func() { s.Alerts = s.Alerts[:2] }, []string{"-" + alert}},
		{"a device is removed", func() { s.Devices = slices.Delete(s.Devices, 1, 2) },
			[]string{"health", "-" + cel + "availability", "-" + cel + "state", "-" + cel + "verdict"}},
		{"nothing again", func() {}, nil},
	}
	for _, step := range steps {
		step.change()
		got := topics(c.Diff(report.Retained(s)))
		slices.Sort(got)
		slices.Sort(step.want)
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}

	all := topics(c.All(report.Retained(s)))
	want := append(topics(report.Retained(s)), "-"+alert, "-"+cel+"availability", "-"+cel+"state", "-"+cel+"verdict")
	if !slices.Equal(all, want) {
		t.Errorf("on connect %q, want %q", all, want)
	}
}

func TestCacheAcrossARestart(t *testing.T) {
	old := report.NewCache()
	old.Diff(report.Retained(broken()))

	s := broken()
	s.Devices = s.Devices[1:]
	s.Alerts = nil
	c := report.NewCache(old.Topics()...)
	msgs := report.Retained(s)
	got := c.All(msgs)
	if !reflect.DeepEqual(got[:len(msgs)], msgs) {
		t.Errorf("on connect %q, want the retained set first", topics(got))
	}
	want := []string{
		"-alert/device.offline.6c0b84597296", "-alert/egress.path",
		"-device/3a0027000447333136323739/availability", "-device/3a0027000447333136323739/state", "-device/3a0027000447333136323739/verdict",
	}
	if rest := topics(got[len(msgs):]); !slices.Equal(rest, want) {
		t.Errorf("removed %q, want %q", rest, want)
	}
	for _, m := range got[len(msgs):] {
		if !m.Retain {
			t.Errorf("removal of %s is not retained", m.Topic)
		}
	}
	// The device comes back: it is no longer gone.
	c.Diff(report.Retained(broken()))
	if got := c.All(report.Retained(broken())); len(got) != len(report.Retained(broken())) {
		t.Errorf("on connect %q, want no removal", topics(got))
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := report.NewCache()
	for i := range 2000 {
		c.Diff([]report.Message{{Topic: time.Duration(i).String(), Payload: []byte("x"), Retain: true}})
	}
	if n := len(c.All(nil)); n > 300 {
		t.Errorf("remembers %d removals, want at most 256", n)
	}
}
