package config

import (
	"errors"
	"net/url"
	"strings"

	"photongate/gateway"
)

// brokers are the schemes of a broker's URL, with the ports that IANA
// registers for MQTT and HTTP.
func brokers() []scheme {
	return []scheme{
		{name: "tcp", as: "tcp", port: 1883},
		{name: "ssl", as: "ssl", port: 8883},
		{name: "ws", as: "ws", port: 80, path: true},
		{name: "wss", as: "wss", port: 443, path: true},
		{name: "mqtt", as: "tcp", port: 1883},
		{name: "mqtts", as: "ssl", port: 8883},
	}
}

// mqtt makes the section about the broker.
func (b *builder) mqtt(sec *section) {
	user := b.text(sec, "username", "")
	pass := b.text(sec, "password_file", "")
	ca, cert, key := b.text(sec, "ca_file", ""), b.text(sec, "cert_file", ""), b.text(sec, "key_file", "")
	m := MQTT{
		URL: b.broker(sec), Username: user.text, PasswordFile: pass.path(),
		CAFile: ca.path(), CertFile: cert.path(), KeyFile: key.path(),
	}
	b.c.MQTT = m
	if strings.ContainsFunc(user.text, unprintable) {
		user.refuse(errors.New("the name has characters that cannot be printed"))
	}
	// MQTT 3.1.1, 3.1.2.9: no password without a user name.
	if pass.set && !user.set && !user.wrong {
		pass.lacks(gateway.Hint(errors.New("MQTT has no password without a user name"), "set username"))
	}
	if cert.set && !key.set && !key.wrong {
		cert.lacks(gateway.Hint(errors.New("a certificate is no use without its key"), "set key_file"))
	}
	if key.set && !cert.set && !cert.wrong {
		key.lacks(gateway.Hint(errors.New("a key is no use without its certificate"), "set cert_file"))
	}
	if m.URL == nil || m.URL.Scheme == "ssl" || m.URL.Scheme == "wss" {
		return
	}
	for _, s := range []setting{ca, cert, key} {
		if s.set {
			s.refuse(gateway.Hint(errors.New("the broker's URL is one without TLS"), `write "ssl://..." or "wss://..."`))
		}
	}
}

// broker finds the URL; nil is off.
func (b *builder) broker(sec *section) *url.URL {
	s := b.text(sec, "url", "")
	if !s.set {
		return nil
	}
	u, err := parseURL(s.text, brokers())
	if errors.Is(err, errUserinfo) {
		err = gateway.Hint(err, "put them into username and password_file")
	}
	s.refuse(err)
	return u
}
