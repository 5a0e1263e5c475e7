package mqtt

// trim makes room until the spool is within its limits, and returns the marks
// that say so in the file.
func (s *Spool) trim() (marks []byte) {
	if last := s.giveUp(true); last > 0 {
		marks = append(marks, line{ID: last, Done: true, Events: true}.encode()...)
	}
	if last := s.giveUp(false); last > 0 {
		marks = append(marks, line{ID: last, Done: true}.encode()...)
	}
	return marks
}

// giveUp gives up the oldest records, events alone or any, until the rest fits
// or none is left, counts them, and returns the last id given up, or 0.
func (s *Spool) giveUp(events bool) (last uint64) {
	n := len(s.queue)
	s.sift(func(r record) fate {
		switch {
		case n <= s.maxRecords && s.bytes <= s.maxBytes:
			return enough
		case events && r.Retain:
			return keep
		}
		n--
		s.dropped++
		last = r.id
		return drop
	})
	return last
}

// settle takes off what a mark of the file says is done.
func (s *Spool) settle(mark line) {
	s.sift(func(r record) fate {
		switch {
		case r.id > mark.ID:
			return enough
		case mark.Events && r.Retain:
			return keep
		}
		return drop
	})
}

// fate is what becomes of a record in sift.
type fate int

// The fates: it stays, it goes, or it stays and so does everything behind it.
const (
	keep fate = iota
	drop
	enough
)

// sift takes records off that judge drops, from the oldest on until it has
// enough; bytes follows. What it keeps moves up to the rest: the kept are few, and
// the rest may be the whole queue.
func (s *Spool) sift(judge func(record) fate) {
	var kept []record
	i := 0
	for ; i < len(s.queue); i++ {
		v := judge(s.queue[i])
		if v == enough {
			break
		}
		if v == keep {
			kept = append(kept, s.queue[i])
			continue
		}
		s.bytes -= s.queue[i].size
	}
	from := i - len(kept)
	copy(s.queue[from:], kept)
	// The array lives on under the rest; the payloads must not.
	clear(s.queue[:from])
	s.queue = s.queue[from:]
}
