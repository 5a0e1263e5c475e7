package incident

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// shelfIn opens a shelf.
func shelfIn(t *testing.T, dir string, maxCount int, maxBytes int64) *Shelf {
	t.Helper()
	s, err := OpenShelf(dir, maxCount, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// incidentAt is a small bundle of the nth life of an alert, n hours after the start.
func incidentAt(n int) Bundle {
	return Bundle{
		Made: start.Add(time.Duration(n) * time.Hour), Gateway: "lab-3", Device: porch,
		Alert: gateway.Alert{ID: fmt.Sprint("life ", n), Finding: gateway.Finding{Code: gateway.CodeDHCPNone, Hop: gateway.HopAddress, Summary: fmt.Sprint("incident ", n)}},
	}
}

// put keeps a bundle, and expects an id.
func put(t *testing.T, s *Shelf, b Bundle, want string) {
	t.Helper()
	if id, err := s.Put(b); err != nil || id != want {
		t.Fatalf("got %q, %v, want %s", id, err, want)
	}
}

// ids lists the shelf in short.
func ids(t *testing.T, s *Shelf) string {
	t.Helper()
	es, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range es {
		out = append(out, e.ID)
	}
	return strings.Join(out, " ")
}

// TestShelf: bundles are numbered, listed, found and dropped, over restarts.
func TestShelf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "incidents")
	s := shelfIn(t, dir, 3, 1<<20)
	if got := ids(t, s); got != "" {
		t.Errorf("an empty shelf lists %s", got)
	}
	for i := range 4 {
		put(t, s, incidentAt(i), fmt.Sprintf("%04d", i+1))
	}
	if got := ids(t, s); got != "0002 0003 0004" {
		t.Errorf("got %s", got)
	}
	s = shelfIn(t, dir, 2, 1<<20)
	put(t, s, incidentAt(4), "0005")
	es, err := s.List()
	if err != nil || len(es) != 2 {
		t.Fatalf("got %+v, %v", es, err)
	}
	e := es[1]
	if e.ID != "0005" || e.Number != 5 || e.File != "incident-0005-DHCP_NONE.zip" || e.Code != gateway.CodeDHCPNone || e.Hop != gateway.HopAddress ||
		e.Summary != "incident 4" || e.Device != porch || !e.Made.Equal(start.Add(4*time.Hour)) || e.Size < 100 || e.Damaged != "" {
		t.Errorf("got %+v", e)
	}
	for _, id := range []string{"5", "0005", "incident/0005", "incident-0005-DHCP_NONE.zip"} {
		if b, err := s.Get(id); err != nil || b.ID != "0005" || b.Alert.Summary != "incident 4" {
			t.Errorf("%s: got %+v, %v", id, b, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, e.File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestShelfPace: one bundle for each life of an alert, and one in a minute.
func TestShelfPace(t *testing.T) {
	dir := t.TempDir()
	s := shelfIn(t, dir, 9, 1<<20)
	put(t, s, incidentAt(1), "0001")
	again := incidentAt(1)
	again.Made = again.Made.Add(time.Hour)
	put(t, s, again, "0001")
	soon := incidentAt(2)
	soon.Made = start.Add(time.Hour + 59*time.Second)
	check := func() {
		t.Helper()
		if id, err := s.Put(soon); id != "" || !errors.Is(err, ErrTooSoon) || err.Error() != "keep incident: the last bundle was less than a minute before" {
			t.Errorf("got %q, %v", id, err)
		}
	}
	check()
	s = shelfIn(t, dir, 9, 1<<20)
	check()
	put(t, s, again, "0001")
	soon.Made = start.Add(time.Hour + time.Minute)
	put(t, s, soon, "0002")
	// A clock that was set back must not keep incidents away.
	put(t, s, incidentAt(-100), "0003")
}

// TestShelfBytes: the newest stays, whatever its size.
func TestShelfBytes(t *testing.T) {
	s := shelfIn(t, t.TempDir(), 9, 20<<10)
	for i := range 5 {
		b := incidentAt(i)
		b.Captures = map[string][]byte{"porch.pcapng": capture(100, 80)}
		put(t, s, b, fmt.Sprintf("%04d", i+1))
	}
	if got := ids(t, s); got != "0004 0005" {
		t.Errorf("got %s", got)
	}
}

// TestShelfDamaged: a damaged file is listed as such, and what is none is left alone.
func TestShelfDamaged(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"incident-0003-DHCP_NONE.zip": "torn", "notes.txt": "", "incident-x.zip": "", "0009": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := shelfIn(t, dir, 9, 1<<20)
	put(t, s, incidentAt(1), "0004")
	es, err := s.List()
	if err != nil || len(es) != 2 || es[0].Damaged != "not an incident bundle: zip: not a valid zip file" || es[0].Size != 4 || es[1].Damaged != "" {
		t.Errorf("got %+v, %v", es, err)
	}
	if _, err := s.Get("3"); err == nil || err.Error() != "read incident 3: read bundle: not an incident bundle: zip: not a valid zip file" {
		t.Errorf("got %v", err)
	}
}

// TestShelfFails: errors name the object and the cause.
func TestShelfFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenShelf(file, 1, 1); !errors.Is(err, syscall.ENOTDIR) || !strings.HasPrefix(err.Error(), "open incidents: ") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenShelf(dir, 0, 1); err == nil || err.Error() != "open incidents "+dir+": a limit of 0 bundles and 1 bytes holds none" {
		t.Errorf("got %v", err)
	}
	s := shelfIn(t, filepath.Join(dir, "a"), 1, 1<<20)
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(incidentAt(1)); err == nil || err.Error() != "keep incident: mkdir "+filepath.Join(dir, "a")+": not a directory" {
		t.Errorf("got %v", err)
	}
	s = shelfIn(t, filepath.Join(dir, "b"), 1, 1<<20)
	for _, id := range []string{"7", "x", "../../etc/passwd", ""} {
		if _, err := s.Get(id); !errors.Is(err, ErrNoIncident) || err.Error() != "find incident "+id+": no such incident" {
			t.Errorf("%q: got %v", id, err)
		}
	}
	put(t, s, incidentAt(1), "0001")
	if _, err := s.Put(Bundle{Made: start, Captures: map[string][]byte{"x": nil}}); err == nil ||
		err.Error() != `keep incident: write bundle: "x" is not the name of a capture: want letters, digits and .-_ with .pcapng at the end` {
		t.Errorf("got %v", err)
	}
}

// TestShelfFullDisk: a full disk costs nothing of what there was, and says so.
func TestShelfFullDisk(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := shelfIn(t, dir, 1, 1<<20)
	put(t, s, incidentAt(1), "0001")
	big := incidentAt(2)
	big.Captures = map[string][]byte{"porch.pcapng": capture(500, 80)}
	temp := filepath.Join(dir, tempName)
	if _, err := s.Put(big); !errors.Is(err, syscall.ENOSPC) || err.Error() != "keep incident: write "+temp+": no space left on device" {
		t.Errorf("got %v", err)
	}
	if got := ids(t, s); got != "0001" {
		t.Errorf("got %s", got)
	}
	if _, err := os.Stat(temp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	put(t, s, incidentAt(3), "0002")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(incidentAt(4)); err == nil || err.Error() != "keep incident: open "+temp+": read-only file system" {
		t.Errorf("got %v", err)
	}
	if b, err := s.Get("2"); err != nil || b.ID != "0002" {
		t.Errorf("got %v, %v", b.ID, err)
	}
}
