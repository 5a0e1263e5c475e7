package config

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"photongate/gateway"
)

// FuzzParse holds that any bytes give a valid Config or Problems whose lines
// lie in the file and stand in order.
func FuzzParse(f *testing.F) {
	f.Add(Reference())
	for _, dir := range []string{"good", "bad"} {
		paths, err := filepath.Glob("testdata/" + dir + "/*.toml")
		if err != nil {
			f.Fatal(err)
		}
		for _, p := range paths {
			f.Add(readTest(f, p))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse("x.toml", src, "box")
		if err != nil {
			checkProblems(t, err, 1+bytes.Count(src, []byte("\n")))
			return
		}
		if !c.Segment.Address.IsValid() || interfaceName(c.Segment.Interface) != nil || topicLevel(c.Gateway.Name) != nil || c.Egress.Cloud.Port == 0 {
			t.Errorf("accepted %+v", c)
		}
		if _, err := gateway.NewInventory(c.Devices); err != nil {
			t.Errorf("accepted devices that are no inventory: %v", err)
		}
	})
}

// checkProblems checks the shape of an error.
func checkProblems(t *testing.T, err error, lines int) {
	t.Helper()
	var ps Problems
	if !errors.As(err, &ps) || len(ps) == 0 {
		t.Fatalf("got error %v, want Problems", err)
	}
	last := 1
	for _, p := range ps {
		if p.Line < last || p.Line > lines || p.Text == "" {
			t.Errorf("got %+v after line %d of %d", p, last, lines)
		}
		last = p.Line
	}
}
