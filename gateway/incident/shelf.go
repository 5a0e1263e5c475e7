package incident

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"photongate/gateway"
)

// pace is how far apart two bundles are at the least: flash wears, and what
// happens within a minute is one incident.
const pace = time.Minute

// Causes of a Shelf's errors.
var (
	// ErrTooSoon: a bundle was made less than a minute before.
	ErrTooSoon = errors.New("the last bundle was less than a minute before")
	// ErrNoIncident: there is none of that name.
	ErrNoIncident = errors.New("no such incident")
)

// Shelf is a folder with the latest bundles. Several goroutines may use it.
type Shelf struct {
	dir      string
	maxCount int
	maxBytes int64

	mu sync.Mutex
	// lives holds the bundle of every alert's life.
	lives map[string]string
	// last is when the latest bundle was made, number its number.
	last   time.Time
	number int
}

// OpenShelf looks at the bundles of a folder, of which no more than maxCount,
// of together no more than maxBytes, will stay. The folder may be missing:
// the first bundle makes it.
func OpenShelf(dir string, maxCount int, maxBytes int64) (*Shelf, error) {
	if maxCount < 1 || maxBytes < 1 {
		return nil, fmt.Errorf("open incidents %s: a limit of %d bundles and %d bytes holds none", dir, maxCount, maxBytes)
	}
	s := &Shelf{dir: dir, maxCount: maxCount, maxBytes: maxBytes, lives: map[string]string{}}
	entries, err := s.list()
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	for _, e := range entries {
		s.number = max(s.number, e.Number)
		if e.alert != "" {
			s.lives[e.alert] = e.ID
		}
		if e.Made.After(s.last) {
			s.last = e.Made
		}
	}
	return s, nil
}

// String names the shelf.
func (s *Shelf) String() string { return "incidents in " + s.dir }

// Put writes a bundle and returns its id, as "0007". The oldest bundles go
// when there are too many; where only that went wrong, there is an id and an
// error. A life of an alert gets one bundle: a second one is not written, and
// the id is the first one's. Within a minute after another bundle the cause of
// the error is ErrTooSoon.
func (s *Shelf) Put(b Bundle) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, known := s.lives[b.Alert.ID]; known && b.Alert.ID != "" {
		return id, nil
	}
	if d := b.Made.Sub(s.last); !s.last.IsZero() && d >= 0 && d < pace {
		return "", fmt.Errorf("keep incident: %w", ErrTooSoon)
	}
	b.ID = fmt.Sprintf("%04d", s.number+1)
	data, err := encode(b, int(min(MaxBundle, s.maxBytes)))
	if err != nil {
		return "", fmt.Errorf("keep incident: %w", err)
	}
	if err := makeDir(s.dir); err != nil {
		return "", fmt.Errorf("keep incident: %w", err)
	}
	if err := writeFile(filepath.Join(s.dir, fileName(b.ID, b.code())), data); err != nil {
		return "", fmt.Errorf("keep incident: %w", err)
	}
	s.number++
	s.last = b.Made
	s.remember(b.Alert.ID, b.ID)
	// Only now: a full disk must not cost what there was.
	if err := s.clear(); err != nil {
		return b.ID, fmt.Errorf("drop old incidents: %w", err)
	}
	return b.ID, nil
}

// maxLives bounds the lives remembered beyond those on the shelf; a life that
// is forgotten has ended long ago.
const maxLives = 1024

// remember notes the bundle of a life.
func (s *Shelf) remember(life, id string) {
	if life == "" {
		return
	}
	if len(s.lives) >= maxLives {
		clear(s.lives)
	}
	s.lives[life] = id
}

// clear removes the oldest bundles while there are too many.
func (s *Shelf) clear() error {
	names, err := s.names()
	if err != nil {
		return err
	}
	var total int64
	for _, n := range names {
		total += n.size
	}
	for i := 0; i < len(names)-1 && (len(names)-i > s.maxCount || total > s.maxBytes); i++ {
		if err := os.Remove(filepath.Join(s.dir, names[i].name)); err != nil {
			return err
		}
		total -= names[i].size
	}
	return nil
}

// List lists the bundles, oldest first. One that cannot be read is listed with
// Damaged set.
func (s *Shelf) List() ([]Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.list()
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return entries, nil
}

// Get reads a bundle by its id, its number or its file's name: "0007", "7",
// "incident/0007" and "incident-0007-DHCP_NONE.zip" are the same.
func (s *Shelf) Get(id string) (Bundle, error) {
	path, err := s.File(id)
	if err != nil {
		return Bundle{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Bundle{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Bundle{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	b, err := Read(f, info.Size())
	if err != nil {
		return Bundle{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	return b, nil
}

// File is the path of a bundle, named as for Get.
func (s *Shelf) File(id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.names()
	if err != nil {
		return "", fmt.Errorf("find incident %s: %w", id, err)
	}
	n, ok := numberOf(id)
	for _, x := range names {
		if ok && x.number == n {
			return filepath.Join(s.dir, x.name), nil
		}
	}
	return "", gateway.Hint(fmt.Errorf("find incident %s: %w", id, ErrNoIncident), "photongate incident list shows those that are kept")
}
