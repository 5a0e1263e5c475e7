package mqtt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// alarm appends alerts with the given payloads.
func alarm(t testing.TB, s *Spool, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := s.Append(Message{Topic: "g/alert/x", Payload: []byte(p), Retain: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// fill appends alerts for upper-case names, and events for others.
func fill(t testing.TB, s *Spool, names string) {
	t.Helper()
	for _, n := range strings.Fields(names) {
		if n == strings.ToUpper(n) {
			alarm(t, s, n)
		} else {
			add(t, s, n)
		}
	}
}

// wantOrder holds that ids grow, and that the spool is within its bounds.
func wantOrder(t *testing.T, s *Spool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var last uint64
	var size int64
	for _, r := range s.queue {
		if r.id <= last {
			t.Errorf("record %d behind %d, want growing ids", r.id, last)
		}
		last, size = r.id, size+r.size
	}
	if size != s.bytes || s.bytes > s.maxBytes || len(s.queue) > s.maxRecords {
		t.Errorf("%d records of %d bytes, counted %d, want at most %d of %d", len(s.queue), size, s.bytes, s.maxRecords, s.maxBytes)
	}
}

func TestSpoolRoom(t *testing.T) {
	tests := []struct {
		name, in, want string
		dropped        uint64
	}{
		{"events alone", "a b c d e f", "c d e f", 2},
		{"alert before events", "A b c d e f", "A d e f", 2},
		{"alerts among events", "a B c D e f", "B D e f", 2},
		{"alert makes room", "a b c d E", "b c d E", 1},
		{"alerts behind alerts", "A b C d E f G", "A C E G", 3},
		{"event among alerts alone", "A B C D e", "A B C D", 1},
		{"alerts alone", "A B C D E F", "C D E F", 2},
		{"events, then alerts", "a b A B C D E", "B C D E", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool")
			s := openSpool(t, path, 4, 1<<20)
			fill(t, s, tt.in)
			wantPayloads(t, s, strings.Fields(tt.want)...)
			wantOrder(t, s)
			if s.Dropped() != tt.dropped {
				t.Errorf("Dropped() = %d, want %d", s.Dropped(), tt.dropped)
			}
			// Not closed: the process was killed.
			again := openSpool(t, path, 4, 1<<20)
			wantPayloads(t, again, strings.Fields(tt.want)...)
			if again.Dropped() != 0 || again.Damaged() != 0 {
				t.Errorf("after restart dropped %d, damaged %d, want 0: they were counted before", again.Dropped(), again.Damaged())
			}
		})
	}
}

// TestSpoolRoomForBytes pushes out events, and then alerts too, with one alert
// as long as the spool.
func TestSpoolRoomForBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, path, 100, 1000)
	fill(t, s, "A b c D e f")
	alarm(t, s, strings.Repeat("G", 540))
	wantPayloads(t, s, "A", "D", strings.Repeat("G", 540))
	wantOrder(t, s)
	alarm(t, s, strings.Repeat("H", 650))
	wantPayloads(t, s, strings.Repeat("H", 650))
	wantOrder(t, s)
	wantPayloads(t, openSpool(t, path, 100, 1000), strings.Repeat("H", 650))
	if s.Dropped() != 7 {
		t.Errorf("Dropped() = %d, want 7", s.Dropped())
	}
}

// TestSpoolRoomAtSmallerLimits opens a file that was written under larger ones.
func TestSpoolRoomAtSmallerLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	fill(t, openSpool(t, path, 10, 1<<20), "a B c d E f")
	s := openSpool(t, path, 3, 1<<20)
	wantPayloads(t, s, "B", "E", "f")
	if s.Dropped() != 3 {
		t.Errorf("Dropped() = %d, want 3", s.Dropped())
	}
	wantPayloads(t, openSpool(t, path, 10, 1<<20), "B", "E", "f")
}

// TestSpoolDropsBehindRecordUnderWay gives events up while the alert before
// them is on its way: its acknowledgement still takes it off, and nothing else.
func TestSpoolDropsBehindRecordUnderWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, path, 3, 1<<20)
	fill(t, s, "A b c")
	r, _ := s.head()
	fill(t, s, "d e F")
	s.remove(r.id)
	wantPayloads(t, s, "e", "F")
	wantPayloads(t, openSpool(t, path, 3, 1<<20), "e", "F")
}

// TestAlertSurvivesStorm lets an alert wait for a broker that is away behind
// more events than the spool holds, with a restart in between.
func TestAlertSurvivesStorm(t *testing.T) {
	const records, size, storm = 2000, 1 << 20, 5000
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts, away: true}
		path := filepath.Join(t.TempDir(), "spool")
		run := func() (*Client, *Spool, func()) {
			cfg := states(t, "tcp://b", newJournal())
			cfg.Dial = b.dial
			cfg.Spool = openSpool(t, path, records, size)
			c, stop := start(t, cfg)
			return c, cfg.Spool, stop
		}
		c, s, stop := run()
		alarm(t, s, "firing")
		for i := range storm {
			add(t, s, fmt.Sprintf("e%04d", i))
		}
		wantOrder(t, s)
		if got := fileSize(t, path); got > 2*size {
			t.Errorf("file has %d bytes, want at most %d", got, 2*size)
		}
		if c.SpoolWaiting() != records || c.SpoolDropped() != storm+1-records {
			t.Errorf("waiting %d, dropped %d, want %d and %d", c.SpoolWaiting(), c.SpoolDropped(), records, storm+1-records)
		}
		stop()
		c, _, stop = run()
		b.mu.Lock()
		b.away = false
		b.mu.Unlock()
		time.Sleep(maxPause * 5 / 4)
		synctest.Wait()
		if c.SpoolWaiting() != 0 || c.SpoolDropped() != 0 {
			t.Errorf("after restart waiting %d, dropped %d, want 0 and 0", c.SpoolWaiting(), c.SpoolDropped())
		}
		stop()
		want := []string{"g/info=i!", "g/state=online!", "g/alert/x=firing!"}
		for i := storm + 1 - records; i < storm; i++ {
			want = append(want, fmt.Sprintf("g/event=e%04d", i))
		}
		want = append(want, "g/state=offline!")
		if got := b.received(); !slices.Equal(got, want) {
			t.Errorf("got %d messages %.200q, want %d %.200q", len(got), got, len(want), want)
		}
	})
}
