package mqtt

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// spoolRetry is how long a file that failed is left alone: a full disk stays
// full for a while, and a failing one should not be worn by us.
const spoolRetry = 30 * time.Second

// Spool keeps messages until the broker has acknowledged them, in order, in
// memory and in a file of JSON lines.
//
// When it is full, records that are not retained are given up first, oldest
// first, and retained ones only when no others are left: a storm of events must
// not push out the alert that it caused. The order of the rest stays.
//
// A record is written to the file when it is appended, not when the broker turns
// out to be slow: a killed gateway then loses none. It is flushed to the disk
// (fsync) when it is retained, which alerts are and events never (users.md E2);
// an event can be lost with the power in the seconds before the system writes
// it. The file is emptied whenever nothing waits, so a gateway that has nothing
// to tell writes nothing, and an event that the broker takes at once seldom gets
// as far as the flash.
//
// A record is removed after its acknowledgement. If the gateway dies between
// the two, the record is sent again after the restart: its payload, and with it
// the alert's id, is the same, and so subscribers can tell.
type Spool struct {
	// path names the file; maxRecords and maxBytes bound the queue.
	path       string
	maxRecords int
	maxBytes   int64
	// bell has one token when a record was appended.
	bell chan struct{}

	// mu guards what follows.
	mu sync.Mutex
	// file is open for appending; nil once closed.
	file *os.File
	// queue is what waits, oldest first; bytes is its length as lines.
	queue []record
	bytes int64
	// nextID is the next record's; ids begin at 1, and again after a restart
	// that found nothing waiting.
	nextID uint64
	// dropped counts records given up for room, damaged the file's bad lines.
	dropped, damaged uint64
	// size is how much of the file is whole lines.
	size int64
	// fault is why the file lacks what the queue has, or nil; retry is when it
	// is tried again.
	fault error
	retry time.Time
	// report is told when fault comes and goes.
	report func(error)
}

// OpenSpool opens the spool in the file path, or creates it; its folder must
// exist. It holds at most maxRecords records, and at most maxBytes bytes of
// them as lines of the file; the file itself grows to twice that before it is
// rewritten. Damaged lines are skipped (Damaged). Only one process may have it open.
func OpenSpool(path string, maxRecords int, maxBytes int64) (*Spool, error) {
	if maxRecords < 1 || maxBytes < 1 {
		return nil, fmt.Errorf("open spool %s: want room for at least one record and one byte", path)
	}
	s := &Spool{path: path, maxRecords: maxRecords, maxBytes: maxBytes, nextID: 1, bell: make(chan struct{}, 1)}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return s, nil
}

// Append takes a message; it waits for the disk at most, never for the network.
// What a full spool gives up for it is counted; for an event among nothing but
// alerts that is the event itself. A file that cannot be written is no error:
// the record is kept in memory, and the Client tells the journal.
func (s *Spool) Append(m Message) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("append to spool %s: %w", s.path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return fmt.Errorf("append to spool %s: %w", s.path, os.ErrClosed)
	}
	r := record{id: s.nextID, Message: m}
	lines := r.encode()
	r.size = int64(len(lines))
	if r.size > s.maxBytes {
		return fmt.Errorf("append to spool %s: record of %d bytes is more than the %d of the whole spool", s.path, r.size, s.maxBytes)
	}
	s.nextID++
	s.push(r)
	s.save(append(lines, s.trim()...), m.Retain)
	ring(s.bell)
	return nil
}

// Waiting counts the records that are not acknowledged.
func (s *Spool) Waiting() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.queue))
}

// Dropped counts the records given up since OpenSpool because the spool was
// full, among them one whose delivery was under way.
func (s *Spool) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Damaged counts the lines that OpenSpool could not read; a torn last line after
// a crash is one of them.
func (s *Spool) Damaged() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

// Close flushes and closes the file. What waits stays in it.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Sync(), s.file.Close())
	s.file = nil
	if err != nil {
		return fmt.Errorf("close spool %s: %w", s.path, err)
	}
	return nil
}

// rung is the bell, or for no spool a channel that never has anything.
func (s *Spool) rung() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.bell
}

// head is the oldest record.
func (s *Spool) head() (record, bool) {
	if s == nil {
		return record{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return record{}, false
	}
	return s.queue[0], true
}

// remove takes the acknowledged head off; it may have been given up meanwhile.
func (s *Spool) remove(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || s.queue[0].id != id || s.file == nil {
		return
	}
	s.pop()
	s.save(line{ID: id, Done: true}.encode(), false)
}

// push adds the newest record.
func (s *Spool) push(r record) {
	s.queue = append(s.queue, r)
	s.bytes += r.size
}

// pop takes the oldest record off.
func (s *Spool) pop() {
	s.bytes -= s.queue[0].size
	s.queue[0] = record{}
	s.queue = s.queue[1:]
}
