package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"photongate/gateway"
)

// scheme is one way to write a URL of ours.
type scheme struct {
	// name is how it may be written, as how it is passed on.
	name, as string
	// port is the one that goes without saying; 0 where there is none.
	port uint16
	// path tells whether a path may follow the port.
	path bool
}

// errUserinfo refuses a secret in a URL.
var errUserinfo = errors.New("the URL carries a user name or a password")

// parseURL reads a URL of one of the schemes. Its errors never repeat the
// URL, because it may carry a password.
func parseURL(s string, schemes []scheme) (*url.URL, error) {
	// Wherever it stands: a password with a '#' or '/' hides its '@' from url.Parse.
	if strings.Contains(s, "@") {
		return nil, errUserinfo
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil, gateway.Hint(errors.New("not a URL"), "as in "+example(schemes[0]))
	}
	for _, k := range schemes {
		if k.name == u.Scheme {
			return k.normal(u)
		}
	}
	names := make([]string, len(schemes))
	for i, k := range schemes {
		names[i] = k.name
	}
	return nil, gateway.Hint(fmt.Errorf("%q is not a scheme for this", clip(u.Scheme)), "choose "+orList(names))
}

// example shows what a URL of the scheme looks like.
func example(k scheme) string {
	return strconv.Quote(k.name + "://host.example:" + strconv.Itoa(int(max(k.port, 1))))
}

// normal is u with nothing in it but scheme, host, port and path.
func (k scheme) normal(u *url.URL) (*url.URL, error) {
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("the URL has more than scheme, host, port and path")
	}
	if u.Path != "" && u.Path != "/" && !k.path {
		return nil, fmt.Errorf("a URL of scheme %q has no path", k.name)
	}
	host, err := parseHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	port := k.port
	switch p := u.Port(); {
	case p != "":
		if port, err = parsePort(p); err != nil {
			return nil, err
		}
	case port == 0:
		return nil, errors.New("the URL has no port")
	}
	n := &url.URL{Scheme: k.as, Host: net.JoinHostPort(host, strconv.Itoa(int(port)))}
	if k.path {
		n.Path = u.Path
	}
	return n, nil
}
