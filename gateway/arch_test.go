package gateway_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// packages lists the packages of the module, without their tests.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "photongate/...")
	cmd.Env = append(os.Environ(), "GOOS=linux")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var ps []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, "photongate/")
		ps = append(ps, p)
	}
	return ps
}

// within tells whether a package is in the folder or below it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// helper tells whether a package is for tests and the lab only.
func helper(p string) bool { return strings.HasSuffix(p, "test") || within(p, "cmd/photonlab") }

// ours returns the part of an import path below the module, and whether it is of the module.
func ours(imp string) (string, bool) { return strings.CutPrefix(imp, "photongate/") }

// layer is one rule about what a package of ours may import of ours.
type layer struct {
	folder string
	may    []string
	reason string
}

// layers are the rules of the architecture, from the leaf up.
var layers = []layer{
	{"gateway/gatewaytest", []string{"gateway"}, "test tools know the vocabulary only"},
	{"gateway/config", []string{"gateway"}, "configuration is bytes to values"},
	{"gateway/diagnose", []string{"gateway"}, "decisions are pure"},
	{"gateway/health", []string{"gateway"}, "decisions are pure"},
	{"gateway/report", []string{"gateway"}, "rendering is pure"},
	{"gateway/incident", []string{"gateway", "gateway/diagnose"}, "a bundle is facts, and folds them again"},
	{"gateway/daemon", []string{"gateway", "gateway/config", "gateway/diagnose", "gateway/incident", "gateway/health", "gateway/report", "radio/", "bridge/"}, "composition is the one place where both sides meet"},
	{"bridge/loop", nil, "mechanism knows nothing of the product"},
	{"bridge/spark/sparktest", []string{"gateway", "bridge/spark"}, "keys exist in tests and the lab only"},
	{"bridge/spark", []string{"gateway"}, "the wire shape is vocabulary"},
	{"bridge", []string{"gateway", "bridge/spark", "bridge/loop"}, "siblings meet only in the daemon; spark and loop are below them"},
	{"radio/internal", []string{"gateway"}, "mechanism below the parts"},
	{"radio", []string{"gateway", "radio/internal/"}, "siblings meet only in the daemon"},
	{"cmd/photongate", []string{"gateway", "gateway/config", "gateway/daemon", "gateway/diagnose", "gateway/incident", "gateway/report"}, "the program starts things and prints; it decides nothing"},
	{"cmd/photonlab", []string{"gateway", "bridge/", "cmd/photonlab/"}, "the lab stands outside of the product"},
	{"gateway", nil, "the vocabulary is a leaf"},
}

// rule finds the layer of a package: the first whose folder holds it.
func rule(p string) (layer, bool) {
	for _, l := range layers {
		if l.folder == "gateway" && p != "gateway" {
			continue
		}
		if within(p, l.folder) {
			return l, true
		}
	}
	return layer{}, false
}

// permits tells whether a layer may import a package of ours. A name with a
// slash at the end means everything below.
func (l layer) permits(p string) bool {
	for _, m := range l.may {
		if p == m || (strings.HasSuffix(m, "/") && strings.HasPrefix(p, m)) {
			return true
		}
	}
	return false
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		l, ok := rule(p.ImportPath)
		if !ok {
			t.Errorf("%s is in no layer; give it one in this test", p.ImportPath)
			continue
		}
		seen[l.folder] = true
		for _, imp := range p.Imports {
			if o, ok := ours(imp); ok && !l.permits(o) {
				t.Errorf("%s imports %s, but %s", p.ImportPath, o, l.reason)
			}
			if o, ok := ours(imp); ok && helper(o) && !helper(p.ImportPath) {
				t.Errorf("%s imports %s, which is for tests and the lab", p.ImportPath, o)
			}
		}
	}
	for _, l := range layers {
		if !seen[l.folder] {
			t.Errorf("the layer %s has no package any more; drop it from this test", l.folder)
		}
	}
}

// doors are modules and packages that exactly one place may import, so that
// each can be swapped by editing that place.
var doors = map[string]struct {
	door   []string
	reason string
}{
	"github.com/eclipse/paho.mqtt.golang": {[]string{"bridge/mqtt"}, "MQTT has one door"},
	"github.com/pelletier/go-toml/v2":     {[]string{"gateway/config"}, "TOML has one door"},
	"github.com/insomniacslk/dhcp":        {[]string{"radio/dhcp", "cmd/photonlab"}, "DHCP has one door"},
	"github.com/mochi-mqtt/server/v2":     {[]string{"cmd/photonlab"}, "the broker is the lab's"},
	"os/exec":                             {[]string{"radio/internal/run", "cmd/photonlab", "gateway/gatewaytest"}, "programs are started in one place"},
	"html/template":                       {nil, "it keeps every method alive: 2 MB on a router"},
	"text/template":                       {nil, "it keeps every method alive: 2 MB on a router"},
	"golang.org/x/net/http2":              {nil, "net/http has the one HTTP/2 stack we ship"},
	"github.com/prometheus/client_golang": {nil, "it is 2.4 MB on a router"},
	"github.com/google/gopacket":          {[]string{"radio/capture"}, "packets have one door"},
	"github.com/mdlayher/wifi":            {[]string{"radio/station"}, "nl80211 has one door"},
	"go.bug.st/serial":                    {[]string{"bridge/usb"}, "serial ports have one door"},
	"github.com/gorilla/websocket":        {nil, "it is paho's business"},
	"github.com/google/nftables":          {nil, "rules are text, loaded by nft"},
}

func TestDoors(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for mod, d := range doors {
				if !within(imp, mod) || anyWithin(p.ImportPath, d.door) {
					continue
				}
				t.Errorf("%s imports %s, but %s", p.ImportPath, imp, d.reason)
			}
		}
	}
}

// anyWithin tells whether a package is within one of the folders.
func anyWithin(p string, folders []string) bool {
	for _, f := range folders {
		if within(p, f) {
			return true
		}
	}
	return false
}

func TestVocabularyIsStandardLibrary(t *testing.T) {
	for _, p := range packages(t) {
		pure := anyWithin(p.ImportPath, []string{"gateway/diagnose", "gateway/health", "gateway/report"})
		if p.ImportPath != "gateway" && !pure {
			continue
		}
		for _, imp := range p.Imports {
			if _, mine := ours(imp); !mine && strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("%s imports %s, but it may use the standard library only", p.ImportPath, imp)
			}
		}
	}
}

// TestPure holds that decisions start no goroutine, and that only programs
// end the process.
func TestPure(t *testing.T) {
	for _, p := range packages(t) {
		pure := anyWithin(p.ImportPath, []string{"gateway/config", "gateway/diagnose", "gateway/health", "gateway/report"})
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					if pure {
						t.Errorf("%s/%s starts a goroutine; decisions are pure", p.ImportPath, name)
					}
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "os" && n.Sel.Name == "Exit" && !within(p.ImportPath, "cmd") && !helper(p.ImportPath) {
						t.Errorf("%s/%s calls os.Exit; only programs do", p.ImportPath, name)
					}
				case *ast.FuncDecl:
					if n.Name.Name == "init" && n.Recv == nil {
						t.Errorf("%s/%s has an init function", p.ImportPath, name)
					}
				}
				return true
			})
		}
	}
}

// TestTopLevel holds the repository's shape: a newcomer finds any line from
// the folder names alone.
func TestTopLevel(t *testing.T) {
	allowed := map[string]bool{}
	for _, n := range strings.Fields(".ci .git .gitignore LICENSE Makefile README.md bin bridge cmd dist gateway go.mod go.sum openwrt radio systemd") {
		allowed[n] = true
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !allowed[e.Name()] {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

// maxFile is where a file stops (600 lines), tests included: what is longer
// has two subjects.
const maxFile = 600

func TestFileSizes(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		b, err := os.ReadFile(path)
		if n := strings.Count(string(b), "\n"); n > maxFile {
			t.Errorf("%s has %d lines, more than %d", path, n, maxFile)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
