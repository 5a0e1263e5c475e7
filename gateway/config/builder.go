package config

import (
	"errors"
	"fmt"
	"path/filepath"

	"photongate/gateway"
)

// The defaults that are not facts of a protocol.
const (
	// defaultState and defaultRuntime follow the file hierarchy standard
	// (FHS 3.0, 5.8 and 3.15).
	defaultState   = "/var/lib/photongate"
	defaultRuntime = "/run/photongate"
	// maxRuntime leaves room for "/control.sock" in the 107 bytes of a unix
	// socket's path (unix(7)).
	maxRuntime = 107 - len("/control.sock")
)

// builder makes a Config of a document.
type builder struct {
	// doc is what the file says.
	doc *document
	// notes is what is wrong with it.
	notes *notes
	// c is what has been made so far. Later sections are checked against
	// earlier ones.
	c Config
}

// build checks every section, whatever is wrong with the others.
func build(doc *document, hostname string, ns *notes) Config {
	b := &builder{doc: doc, notes: ns}
	b.gateway(doc.section("gateway"), hostname)
	b.segment(doc.section("segment"))
	b.ap(doc.section("ap"))
	b.egress(doc.section("egress"))
	b.usb(doc.section("usb"))
	b.mqtt(doc.section("mqtt"))
	b.http(doc.section("http"))
	b.devices(doc.devices)
	return b.c
}

// gateway makes the section about this box.
func (b *builder) gateway(sec *section, hostname string) {
	name := b.text(sec, "name", hostname)
	err := topicLevel(name.text)
	switch {
	case name.set:
		name.refuse(err)
	case err != nil:
		name.lacks(gateway.Hint(fmt.Errorf("the host name %q is not one level of an MQTT topic", clip(hostname)),
			`name the gateway, as in name = "lab-3"`))
	}
	state := b.text(sec, "state_dir", defaultState)
	runtime := b.text(sec, "runtime_dir", defaultRuntime)
	b.c.Gateway = Gateway{Name: name.text, StateDir: state.path(), RuntimeDir: runtime.path()}
	if len(b.c.Gateway.RuntimeDir) > maxRuntime {
		runtime.refuse(fmt.Errorf("longer than %d bytes, which leaves no room for the socket's name", maxRuntime))
	}
	b.directories(state, runtime)
}

// directories checks the two directories against each other.
func (b *builder) directories(state, runtime setting) {
	for _, s := range []setting{state, runtime} {
		if filepath.Clean(s.text) == "/" {
			s.refuse(errors.New("the root of the file system is no directory of ours"))
		}
	}
	if g := b.c.Gateway; g.StateDir != "" && g.StateDir == g.RuntimeDir {
		runtime.lacks(errors.New("the same directory as state_dir: one is emptied at every start of the machine, the other must not be"))
	}
}

// usb makes the section about devices on a cable.
func (b *builder) usb(sec *section) {
	s := b.text(sec, "policy", string(USBOff))
	if s.choose(string(USBOff), string(USBIdentify), string(USBProvision)) && s.text != string(USBOff) {
		s.lint(gateway.Hint(later(s.text), "until then devices are provisioned by hand"))
	}
	b.c.USB.Policy = USBPolicy(s.text)
}

// http makes the section about the status page.
func (b *builder) http(sec *section) {
	s := b.text(sec, "listen", "")
	if !s.set {
		return
	}
	a, err := parseListen(s.text)
	switch {
	case err != nil:
		s.refuse(err)
	case b.c.Segment.Address.Contains(a.Addr()):
		s.refuse(gateway.Hint(errors.New("the address belongs to the segment, where the page must not be"), `as in "127.0.0.1:9585"`))
	default:
		s.lint(gateway.Hint(errors.New("the status page is not in this version, and nothing listens there"), "`photongate status` shows the same"))
	}
	b.c.HTTP.Listen = a
}
