package incident

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"photongate/gateway"
)

// Entry is one bundle of a Shelf, as its manifest describes it.
type Entry struct {
	// ID is the number with four digits; Number the same as a number, from 1.
	ID     string
	Number int
	// File is the file's name within the folder, Size its bytes.
	File string
	Size int64
	// Made is when it was frozen; where it is damaged, when the file was written.
	Made    time.Time
	Code    gateway.Code
	Hop     gateway.Hop
	Device  gateway.MAC
	Summary string
	// Damaged says why it cannot be read; empty where it can.
	Damaged string
	// alert is the life of the alert that it is about.
	alert string
}

// stored is one file of the folder.
type stored struct {
	number int
	name   string
	size   int64
	time   time.Time
}

// The name of a bundle's file.
const (
	filePrefix = "incident-"
	fileEnd    = ".zip"
)

// fileName is the name of a bundle's file.
func fileName(id string, code gateway.Code) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, string(code))
	return filePrefix + id + "-" + cmp.Or(word[:min(len(word), 40)], string(gateway.CodeUndetermined)) + fileEnd
}

// numberOf reads a bundle's number from what a person calls it.
func numberOf(s string) (int, bool) {
	s = strings.TrimPrefix(s, "incident/")
	if rest, ok := strings.CutPrefix(s, filePrefix); ok {
		s, _, _ = strings.Cut(rest, "-")
	}
	n, err := strconv.Atoi(s)
	// Nine digits hold more incidents than flash lives through.
	return n, err == nil && n > 0 && len(s) <= 9
}

// names lists the bundles' files, oldest first.
func (s *Shelf) names() ([]stored, error) {
	dir, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []stored
	for _, e := range dir {
		n, ok := numberOf(e.Name())
		if !ok || !strings.HasPrefix(e.Name(), filePrefix) || !strings.HasSuffix(e.Name(), fileEnd) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			// Removed since the folder was read.
			continue
		}
		out = append(out, stored{number: n, name: e.Name(), size: info.Size(), time: info.ModTime()})
	}
	slices.SortFunc(out, func(a, b stored) int { return cmp.Or(a.number-b.number, cmp.Compare(a.name, b.name)) })
	return out, nil
}

// list reads the manifests.
func (s *Shelf) list() ([]Entry, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(names))
	for _, n := range names {
		out = append(out, s.entry(n))
	}
	return out, nil
}

// entry describes one file.
func (s *Shelf) entry(n stored) Entry {
	e := Entry{ID: fmt.Sprintf("%04d", n.number), Number: n.number, File: n.name, Size: n.size, Made: n.time}
	m, err := manifestFrom(filepath.Join(s.dir, n.name), n.size)
	if err != nil {
		e.Damaged = err.Error()
		return e
	}
	e.Made, e.Code, e.Hop, e.Device, e.Summary, e.alert = m.Made, m.Code, m.Hop, m.Device, m.Summary, m.Alert
	return e
}

// manifestFrom reads the manifest of a file.
func manifestFrom(path string, size int64) (manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return manifest{}, err
	}
	defer f.Close()
	z, err := open(f, size)
	if err != nil {
		return manifest{}, err
	}
	return z.manifest()
}
