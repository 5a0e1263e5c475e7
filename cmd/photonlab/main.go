// Photonlab shows photongate at work on a machine without a single Photon:
// virtual Photons, a virtual cloud and a virtual enterprise firewall, in
// network namespaces that end with it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"photongate/gateway"
)

// The exit codes.
const (
	// exitOK: what was expected came about.
	exitOK = 0
	// exitUnexpected: it did not.
	exitUnexpected = 1
	// exitUsage: wrong usage, or the lab could not be set up.
	exitUsage = 2
)

// command is a subcommand.
type command struct {
	// name is what a person types, summary a line of the help.
	name, summary string
	// run takes the arguments behind the name and returns the exit code.
	run func(args []string) int
}

// commands lists the subcommands that people use.
func commands() []command {
	return []command{
		{"demo", "run the lab: three Photons, a firewall, a cloud, photongate between them", demoMain},
		{"relay", "run photongate's relay alone, for measuring", relayMain},
	}
}

// inner lists the subcommands that the lab starts by itself.
func inner() []command {
	return []command{
		{"stage", "the inside of the demo's namespaces", stageMain},
		{"photon", "one virtual Photon", photonMain},
	}
}

func main() { os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr)) }

// dispatch runs the subcommand that args name.
func dispatch(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, helpText())
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, helpText())
		return exitOK
	}
	for _, c := range append(commands(), inner()...) {
		if c.name == args[0] {
			return c.run(args[1:])
		}
	}
	fmt.Fprintf(stderr, "photonlab: %q is not a command\nhint: photonlab help\n", args[0])
	return exitUsage
}

// helpText is what `photonlab help` prints.
func helpText() string {
	text := "photonlab: photongate at work on a machine without a Photon\n\nusage: photonlab COMMAND [FLAGS]\n\n"
	for _, c := range commands() {
		text += fmt.Sprintf("  %-8s %s\n", c.name, c.summary)
	}
	return text + `  help     this text

examples:
  photonlab demo
        run until Ctrl-C; shows how to subscribe to the alerts
  photonlab demo --for 30s --json
        end by itself; the last line of stdout is the result, exit 0 when it is as expected
  photonlab demo --fault allow-then-kill --at 10s
        let the firewall drop every packet of TCP 5683 after ten seconds (three at
        least: there must be sessions to kill); a Photon
        pings every 15 s, so give it 30 s to be noticed
  photonlab demo --fault drop
        let the firewall drop new connections from the start
        (also refuse, dns-drop, cloud-mute, approve-one). With --at they happen later, and
        the lab then takes the Photons' power for a moment, so that they connect anew;
        a dns-drop in between shows only when the name's 30 s are over
  photonlab demo --serial porch
        print the serial log of one Photon

  photonlab relay --listen 127.0.0.1:15683 --upstream 127.0.0.1:5683
        relay without admission, to measure it

flags: photonlab demo -h, photonlab relay -h
exit codes: 0 as expected, 1 not as expected, 2 wrong usage or the lab could not be set up
A demo that was killed hard (kill -9) leaves its folder in the temporary folder;
the next demo removes it, unless --keep was given.
needs: Linux, ip and nft (Debian: iproute2, nftables); root, or user namespaces
`
}

// complain prints an error, and advice where it carries some.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "photonlab: %v\n", err)
	if hinted := (*gateway.Hinted)(nil); errors.As(err, &hinted) {
		fmt.Fprintf(w, "hint: %s\n", hinted.Hint)
	}
}
