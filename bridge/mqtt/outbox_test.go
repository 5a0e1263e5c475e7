package mqtt

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestOutbox(t *testing.T) {
	o := newOutbox()
	put := func(topic, p string) bool { return o.put(Message{Topic: topic, Payload: []byte(p)}) }
	take := func(n int) (got []string) {
		for _, m := range o.take(n) {
			got = append(got, m.Topic+"="+string(m.Payload))
		}
		return got
	}
	put("a", "lost")
	o.turn(true)
	if got := take(9); got != nil {
		t.Errorf("closed box kept %q, want nothing", got)
	}
	put("a", "1")
	put("b", "2")
	put("a", "3")
	put("c", "4")
	if got, want := take(2), []string{"a=3", "b=2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	put("a", "5")
	if got, want := take(9), []string{"c=4", "a=5"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range maxTopics {
		if !put(fmt.Sprint(i), "") {
			t.Fatalf("no room for topic %d, want %d", i, maxTopics)
		}
	}
	if put("one more", "") || !put("0", "newer") {
		t.Error("full box: want no room for another topic, and room for a known one")
	}
	o.turn(false)
	o.turn(true)
	if got := take(9); got != nil {
		t.Errorf("box kept %q over a reconnect, want nothing", got)
	}
}

func TestRival(t *testing.T) {
	type loss struct {
		at, lived time.Duration
		want      bool
		// told: something else explains it.
		told bool
	}
	const s = time.Second
	tests := []struct {
		name   string
		losses []loss
	}{
		{"three quick ones", []loss{{at: 1 * s}, {at: 2 * s, lived: s}, {at: 4 * s, lived: s, want: true}}},
		{"too slow", []loss{{lived: s}, {at: 20 * s, lived: s}, {at: 40 * s, lived: s}, {at: 60 * s, lived: s}}},
		{"not quick", []loss{{lived: 11 * s}, {at: 12 * s, lived: 11 * s}, {at: 24 * s, lived: 11 * s}}},
		{"known until a long life", []loss{{}, {at: s}, {at: 2 * s, want: true}, {at: 40 * s, lived: 30 * s, want: true}, {at: 200 * s, lived: 60 * s}, {at: 201 * s}}},
		{"explained", []loss{{told: true}, {at: s, told: true}, {at: 2 * s, told: true}, {at: 3 * s}, {at: 4 * s}, {at: 5 * s, told: true}, {at: 6 * s, want: true}, {at: 7 * s, told: true}}},
		{"explained after a long life", []loss{{}, {at: s}, {at: 2 * s, want: true}, {at: 200 * s, lived: 60 * s, told: true}, {at: 201 * s}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r rival
			start := time.Unix(0, 0)
			for i, l := range tt.losses {
				if got := r.lost(start.Add(l.at), l.lived, !l.told); got != l.want {
					t.Errorf("loss %d: got %v, want %v", i, got, l.want)
				}
			}
		})
	}
}
