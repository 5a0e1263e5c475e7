package mqtt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// openSpool opens a spool that the test closes.
func openSpool(t testing.TB, path string, records int, size int64) *Spool {
	t.Helper()
	s, err := OpenSpool(path, records, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// add appends events with the given payloads.
func add(t testing.TB, s *Spool, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := s.Append(Message{Topic: "g/event", Payload: []byte(p)}); err != nil {
			t.Fatal(err)
		}
	}
}

// payloads lists what waits, oldest first.
func payloads(s *Spool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.queue {
		all = append(all, string(r.Payload))
	}
	return all
}

// ack removes the oldest n records, as acknowledgements do.
func ack(s *Spool, n int) {
	for range n {
		r, _ := s.head()
		s.remove(r.id)
	}
}

// wantPayloads compares what waits.
func wantPayloads(t *testing.T, s *Spool, want ...string) {
	t.Helper()
	if got := payloads(s); !slices.Equal(got, want) {
		t.Errorf("waiting: got %q, want %q", got, want)
	}
	if got := s.Waiting(); got != uint64(len(want)) {
		t.Errorf("Waiting() = %d, want %d", got, len(want))
	}
}

// fileSize is the length of a file.
func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestSpoolSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, path, 100, 1<<20)
	if err := s.Append(Message{Topic: "g/alert/ü<&>", Payload: []byte{0, 0xff, '\n', '"'}, Retain: true}); err != nil {
		t.Fatal(err)
	}
	add(t, s, "a", "b", "c")
	ack(s, 2)
	// Not closed: the process was killed.
	again := openSpool(t, path, 100, 1<<20)
	wantPayloads(t, again, "b", "c")
	add(t, again, "d")
	wantPayloads(t, openSpool(t, path, 100, 1<<20), "b", "c", "d")
	if again.Damaged() != 0 || again.Dropped() != 0 {
		t.Errorf("damaged %d, dropped %d, want 0 and 0", again.Damaged(), again.Dropped())
	}
}

func TestSpoolKeepsMessagesExactly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	want := Message{Topic: "g/alert/ü<&>\u2028\"\n", Payload: bytes.Repeat([]byte{0, 0xff, '\n', '"'}, maxPayload/4), Retain: true}
	if err := openSpool(t, path, 1, 1<<20).Append(want); err != nil {
		t.Fatal(err)
	}
	r, ok := openSpool(t, path, 1, 1<<20).head()
	if !ok || r.Topic != want.Topic || !bytes.Equal(r.Payload, want.Payload) || !r.Retain {
		t.Errorf("got %v %q, %d bytes, retain %v", ok, r.Topic, len(r.Payload), r.Retain)
	}
}

func TestSpoolEmptyFileWhenNothingWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, path, 10, 1<<20)
	add(t, s, "a", "b")
	ack(s, 2)
	if got := fileSize(t, path); got != 0 {
		t.Errorf("file has %d bytes, want 0", got)
	}
	add(t, s, "c")
	wantPayloads(t, openSpool(t, path, 10, 1<<20), "c")
}

func TestSpoolFull(t *testing.T) {
	one := record{id: 1, Message: Message{Topic: "g/event", Payload: []byte("00")}}.encode()
	tests := []struct {
		name    string
		records int
		size    int64
	}{
		{"records", 3, 1 << 20},
		// Room for three lines, whose ids and sums differ in length by a few digits.
		{"bytes", 1000, 3*int64(len(one)) + 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool")
			s := openSpool(t, path, tt.records, tt.size)
			for i := range 50 {
				add(t, s, fmt.Sprintf("%02d", i))
				if got := fileSize(t, path); got > 2*tt.size {
					t.Fatalf("file has %d bytes, want at most %d", got, 2*tt.size)
				}
			}
			wantPayloads(t, s, "47", "48", "49")
			if s.Dropped() != 47 {
				t.Errorf("Dropped() = %d, want 47", s.Dropped())
			}
			again := openSpool(t, path, tt.records, tt.size)
			wantPayloads(t, again, "47", "48", "49")
			if again.Dropped() != 0 {
				t.Errorf("after restart Dropped() = %d, want 0: they were counted before", again.Dropped())
			}
		})
	}
}

func TestSpoolDropsRecordUnderWay(t *testing.T) {
	s := openSpool(t, filepath.Join(t.TempDir(), "spool"), 2, 1<<20)
	add(t, s, "a")
	r, _ := s.head()
	add(t, s, "b", "c")
	s.remove(r.id)
	wantPayloads(t, s, "b", "c")
}

func TestSpoolDamagedFile(t *testing.T) {
	good := func(id uint64, p string) string {
		return string(record{id: id, Message: Message{Topic: "g/event", Payload: []byte(p)}}.encode())
	}
	done := func(id uint64) string { return string(line{ID: id, Done: true}.encode()) }
	some := func(id uint64) string { return string(line{ID: id, Done: true, Events: true}.encode()) }
	alarm := func(id uint64, p string) string {
		return string(record{id: id, Message: Message{Topic: "g/alert/x", Payload: []byte(p), Retain: true}}.encode())
	}
	torn := good(3, "c")
	tests := []struct {
		name, content string
		want          []string
		damaged       uint64
	}{
		{"empty", "", nil, 0},
		{"torn last line", good(1, "a") + good(2, "b") + torn[:len(torn)/2], []string{"a", "b"}, 1},
		{"last line without newline", good(1, "a") + strings.TrimSuffix(torn, "\n"), []string{"a"}, 1},
		{"torn in the middle", good(1, "a") + torn[:20] + good(3, "c") + good(4, "d"), []string{"a", "d"}, 1},
		{"changed byte", good(1, "a") + strings.Replace(good(2, "b"), "event", "evenT", 1) + good(3, "c"), []string{"a", "c"}, 1},
		{"changed mark", good(1, "a") + good(2, "b") + strings.Replace(done(1), `"id":1`, `"id":2`, 1), []string{"a", "b"}, 1},
		{"zeros, as after a power loss", good(1, "a") + strings.Repeat("\x00", 5000), []string{"a"}, 1},
		{"other text", "hello\n[]\n\n" + good(1, "a"), []string{"a"}, 3},
		{"line without end", strings.Repeat("x", 2*maxLine) + "\n" + good(1, "a"), []string{"a"}, 1},
		{"repeated line", good(1, "a") + good(1, "a"), []string{"a"}, 1},
		{"marks", good(1, "a") + done(1) + good(2, "b") + done(7) + good(8, "c"), []string{"c"}, 0},
		{"marks of events", alarm(1, "A") + good(2, "b") + good(3, "c") + some(2) + alarm(4, "D") + some(4) + good(5, "e"), []string{"A", "D", "e"}, 0},
		{"mark of events, then of all", alarm(1, "A") + good(2, "b") + alarm(3, "C") + some(2) + done(1), []string{"C"}, 0},
		{"changed mark of events", alarm(1, "A") + good(2, "b") + strings.Replace(some(2), `"events":true,`, "", 1), []string{"A", "b"}, 1},
		{"record that says events", good(1, "a") + string(line{ID: 2, Events: true, Topic: "g/event"}.encode()), []string{"a"}, 1},
		{"wildcard topic", string(record{id: 1, Message: Message{Topic: "#"}}.encode()), nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s := openSpool(t, path, 100, 1<<20)
			wantPayloads(t, s, tt.want...)
			if s.Damaged() != tt.damaged {
				t.Errorf("Damaged() = %d, want %d", s.Damaged(), tt.damaged)
			}
			add(t, s, "new")
			again := openSpool(t, path, 100, 1<<20)
			wantPayloads(t, again, append(tt.want, "new")...)
			if again.Damaged() != 0 {
				t.Errorf("after restart Damaged() = %d, want 0", again.Damaged())
			}
		})
	}
}

func TestSpoolSmallerLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	add(t, openSpool(t, path, 10, 1<<20), "a", "b", "c")
	s := openSpool(t, path, 2, 1<<20)
	wantPayloads(t, s, "b", "c")
	if s.Dropped() != 1 {
		t.Errorf("Dropped() = %d, want 1", s.Dropped())
	}
}

// TestSpoolFullDisk gives the spool a file whose every write ends with the
// kernel's ENOSPC, and takes it away again.
func TestSpoolFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spool")
		s := openSpool(t, path, 10, 1<<20)
		var faults []error
		s.tell(func(err error) { faults = append(faults, err) })
		add(t, s, "a")
		full, err := os.OpenFile("/dev/full", os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.file.Close()
		s.file = full
		add(t, s, "b", "c")
		if len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), "write spool: write /dev/full: no space left on device") {
			t.Fatalf("reported %v, want one fault", faults)
		}
		wantPayloads(t, s, "a", "b", "c")
		wantPayloads(t, openSpool(t, path, 10, 1<<20), "a")
		time.Sleep(spoolRetry)
		add(t, s, "d")
		if len(faults) != 2 || faults[1] != nil {
			t.Fatalf("reported %v, want a fault and its end", faults)
		}
		wantPayloads(t, openSpool(t, path, 10, 1<<20), "a", "b", "c", "d")
	})
}

func TestSpoolErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spool")
	s := openSpool(t, path, 10, 100)
	closed := openSpool(t, filepath.Join(dir, "closed"), 1, 100)
	if err := errors.Join(closed.Close(), closed.Close()); err != nil {
		t.Fatal(err)
	}
	opens := func(path string, records int, size int64) error { _, err := OpenSpool(path, records, size); return err }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no room", opens(path, 0, 1), "open spool " + path + ": want room for at least one record and one byte"},
		{"no folder", opens(dir+"/no/spool", 1, 1), "open spool: open " + dir + "/no/spool: no such file or directory"},
		{"device", opens("/dev/full", 1, 1), "open spool: /dev/full is not a regular file"},
		{"topic", s.Append(Message{Topic: "a/+"}), "append to spool " + path + `: "a/+" is not a topic: want UTF-8 without +, # and NUL, 1 to 65535 bytes`},
		{"payload", s.Append(Message{Topic: "a", Payload: make([]byte, maxPayload+1)}), "append to spool " + path + ": 262145 bytes for topic a are more than 262144"},
		{"record", s.Append(Message{Topic: "a", Payload: make([]byte, 100)}), "append to spool " + path + ": record of 187 bytes is more than the 100 of the whole spool"},
		{"closed", closed.Append(Message{Topic: "a"}), "append to spool " + dir + "/closed: file already closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || tt.err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", tt.err, tt.want)
			}
		})
	}
}

func FuzzSpool(f *testing.F) {
	a := record{id: 1, Message: Message{Topic: "g/event", Payload: []byte("a")}}.encode()
	f.Add([]byte(nil))
	f.Add(a)
	f.Add(append(slices.Clone(a), a[:10]...))
	f.Add(append(slices.Clone(a), line{ID: 1, Done: true}.encode()...))
	f.Add(append(record{id: 1, Message: Message{Topic: "g/alert", Retain: true}}.encode(), line{ID: 1, Done: true, Events: true}.encode()...))
	f.Add([]byte("{\"id\":18446744073709551615,\"done\":true,\"crc\":0}\n\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "spool")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openSpool(t, path, 3, 500)
		add(t, s, "event")
		alarm(t, s, "new")
		before := payloads(s)
		if len(before) > 3 || before[len(before)-1] != "new" {
			t.Fatalf("waiting %q, want at most 3, the new one last", before)
		}
		wantOrder(t, s)
		again := openSpool(t, path, 3, 500)
		if got := payloads(again); !slices.Equal(got, before) || again.Damaged() != 0 {
			t.Fatalf("after restart %q, damaged %d, want %q", got, again.Damaged(), before)
		}
	})
}
