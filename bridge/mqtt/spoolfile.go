package mqtt

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// suffix names the file that a rewrite fills before it takes the spool's place.
const suffix = ".new"

// load reads the file into the queue, and rewrites it where it holds anything
// that should not be there.
func (s *Spool) load() error {
	// A rewrite that a crash cut short; the path itself still names a whole file.
	os.Remove(s.path + suffix)
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", s.path)
	}
	if err == nil {
		var bad uint64
		bad, err = scan(f, s.admit)
		s.damaged += bad
	}
	if err != nil {
		f.Close()
		return err
	}
	s.file, s.size = f, info.Size()
	s.trim()
	if s.damaged > 0 || s.size != s.bytes {
		s.note(s.bring(nil, true))
	}
	return nil
}

// admit takes one line of the file.
func (s *Spool) admit(l line) {
	if l.Done {
		s.settle(l)
		s.nextID = max(s.nextID, l.ID+1)
		return
	}
	if l.ID < s.nextID {
		// Ids grow in the file; this line was put there by somebody else.
		s.damaged++
		return
	}
	s.nextID = l.ID + 1
	r := record{id: l.ID, Message: Message{Topic: l.Topic, Payload: l.Payload, Retain: l.Retain}}
	if r.size = int64(len(r.encode())); r.size > s.maxBytes {
		s.dropped++
		return
	}
	s.push(r)
	// Marks that follow take most of this away again, so the limits wait for the
	// end; a file that is longer than we write is bounded here.
	if s.bytes > 2*s.maxBytes {
		s.trim()
	}
}

// save brings the file up to the queue, of which it lacks lines.
func (s *Spool) save(lines []byte, sync bool) {
	if s.fault == nil || len(s.queue) == 0 || !time.Now().Before(s.retry) {
		s.note(s.bring(lines, sync))
	}
}

// bring writes the cheapest thing that makes the file right: nothing at all,
// the missing lines, or all of them.
func (s *Spool) bring(lines []byte, sync bool) error {
	switch {
	case len(s.queue) == 0:
		return s.empty()
	case lines == nil || s.fault != nil || s.size+int64(len(lines)) > 2*s.maxBytes:
		return s.rewrite()
	}
	return s.extend(lines, sync)
}

// empty makes the file as empty as the queue. It works on a full disk.
func (s *Spool) empty() error {
	if err := s.file.Truncate(0); err != nil {
		return fmt.Errorf("empty spool: %w", err)
	}
	s.size = 0
	return nil
}

// extend adds lines to the file, all or nothing.
func (s *Spool) extend(lines []byte, sync bool) error {
	_, err := s.file.Write(lines)
	if err == nil && sync {
		err = s.file.Sync()
	}
	if err != nil {
		// A torn line would swallow the next one; where this fails too, the
		// rewrite that follows a fault heals it.
		return errors.Join(fmt.Errorf("write spool: %w", err), s.file.Truncate(s.size))
	}
	s.size += int64(len(lines))
	return nil
}

// rewrite replaces the file by one that holds the queue and nothing else. At
// every moment the path names a whole file.
func (s *Spool) rewrite() error {
	path := s.path + suffix
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite spool: %w", err)
	}
	for _, r := range s.queue {
		if _, err = f.Write(r.encode()); err != nil {
			break
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(path, s.path)
	}
	if err != nil {
		f.Close()
		os.Remove(path)
		return fmt.Errorf("rewrite spool: %w", err)
	}
	s.file.Close()
	s.file, s.size = f, s.bytes
	return nil
}

// note remembers how writing went, and tells when that changed.
func (s *Spool) note(err error) {
	changed := (err == nil) != (s.fault == nil)
	s.fault = err
	if err != nil {
		s.retry = time.Now().Add(spoolRetry)
	}
	if changed && s.report != nil {
		s.report(err)
	}
}

// tell names who is told when the file fails, and when it works again; a fault
// from before is told at once. The function must not call back.
func (s *Spool) tell(report func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = report
	if s.fault != nil {
		report(s.fault)
	}
}
