package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	"photongate/gateway"
)

// maxSize bounds a file, in bytes. Two thousand devices fit into half of it.
const maxSize = 256 << 10

// Load reads and checks the file at path; the name of the gateway defaults to
// the host's. The error is Problems when the file could be read.
func Load(path string) (Config, error) {
	src, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = gateway.Hint(err, "photongate check --print-default writes a commented one")
	}
	if err != nil {
		return Config{}, err
	}
	// A host that cannot tell its name has none: Parse says so, but only where
	// the file does not name the gateway.
	host, _ := os.Hostname()
	return Parse(path, src, host)
}

// read returns the bytes of a file, and at most one more than it may have.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return src, nil
}

// Parse checks the bytes of a file. name stands in the problems; hostname is
// the default of the gateway's name. The error is Problems, or nil.
func Parse(name string, src []byte, hostname string) (Config, error) {
	var ns notes
	var c Config
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if n, ok := legible(src); ok {
		doc := readDocument(src, &ns)
		c = build(doc, hostname, &ns)
		c.Lint = doc.lint.problems(name)
	} else {
		ns.add(n)
	}
	if ps := ns.problems(name); ps != nil {
		return Config{}, ps
	}
	return c, nil
}

// legible tells whether src is text of a bounded size, or what is wrong with it.
func legible(src []byte) (note, bool) {
	if len(src) > maxSize {
		return note{line: 1, text: "the file is larger than 256 KiB"}, false
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return note{
			line: 1 + bytes.Count(src[:i], []byte("\n")),
			text: "the file holds a NUL byte", hint: "save it as UTF-8 text",
		}, false
	}
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return note{
				line: 1 + bytes.Count(src[:i], []byte("\n")),
				text: "the file is not UTF-8", hint: "save it as UTF-8 text",
			}, false
		}
		i += n
	}
	return note{}, true
}
