// Command photongate keeps Particle Photons running, contained and explained
// at a strict site. Run `photongate help` for its subcommands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"photongate/gateway"
	"photongate/gateway/config"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = ""

// Exit codes (DESIGN 4.6): a script can tell a found fault from a mistake.
const (
	exitOK           = 0
	exitFault        = 1
	exitUsage        = 2
	exitUndetermined = 3
)

// env is the outside world of a subcommand; tests replace it.
type env struct {
	in       io.Reader
	out, err io.Writer
	// color and width are the terminal's; width is 0 when out is none.
	color bool
	width int
	// progress: err is a terminal, where long work may show how far it is.
	progress bool
}

// command is one subcommand.
type command struct {
	name, args, short string
	// example is shown by help.
	example string
	run     func(e env, args []string) (int, error)
}

// commands lists the subcommands in the order of help.
func commands() []command {
	return []command{
		{"run", "[--config FILE] [--verbose] [--journal FILE]", "serve the segment and relay its sessions, until stopped", "photongate run --config /etc/photongate/photongate.toml", runCommand},
		{"check", "[--config FILE | FILE] [--print-default]", "say everything that is wrong with a configuration", "photongate check --print-default > photongate.toml", checkCommand},
		{"status", "[--json] [--watch] [--config FILE | --socket PATH]", "show how far every device got, and what is wrong", "photongate status --watch", statusCommand},
		{"doctor", "[--json] [--serial FILE] [--pcap FILE] [--journal FILE] [DEVICE] [--config FILE | --socket PATH]", "name the hop where a device fails, and whose job the repair is", "photongate doctor --serial porch.log", doctorCommand},
		{"incident", "[list | show ID | export ID [--output FILE] [--redact]] [--json] [--config FILE]", "read what was kept of an alert", "photongate incident export 7 --output incident.zip", incidentCommand},
		{"device", "[list | add MAC [--name NAME] [--id ID] | remove DEVICE] [--json] [--config FILE | --socket PATH]", "show or change who may use the segment", "photongate device add 6c:0b:84:59:72:95 --name porch", deviceCommand},
		{"cleanup", "[--config FILE]", "remove what a killed run left on the machine", "photongate cleanup", cleanupCommand},
		{"completion", "", "print a completion script for bash", "source <(photongate completion)", completionCommand},
		{"version", "", "print the version", "photongate version", versionCommand},
	}
}

func main() {
	e := env{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	e.width, e.color = terminal(os.Stdout)
	columns, _ := terminal(os.Stderr)
	e.progress = columns > 0
	os.Exit(dispatch(e, os.Args[1:]))
}

// dispatch runs the subcommand that args name and returns the exit code.
func dispatch(e env, args []string) int {
	if len(args) == 0 {
		usage(e.err)
		return exitUsage
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(e.out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		code, err := c.run(e, args[1:])
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(e.out, "usage: %s\n\n%s.\n\nexample: %s\n", strings.TrimSpace("photongate "+c.name+" "+c.args), c.short, c.example)
			return exitOK
		}
		if err != nil {
			complain(e.err, err)
		}
		return code
	}
	complain(e.err, gateway.Hint(fmt.Errorf("%q is not a command", args[0]), "`photongate help` lists them"))
	return exitUsage
}

// complain prints an error as a person reads it: what, then what to do.
func complain(w io.Writer, err error) {
	if problems, ok := err.(config.Problems); ok {
		// Each is a place that an editor can jump to; a prefix would hide the first.
		fmt.Fprintln(w, strings.TrimRight(problems.Error(), "\n"))
		return
	}
	fmt.Fprintf(w, "photongate: %v\n", err)
	for h := (*gateway.Hinted)(nil); errors.As(err, &h); err = h.Err {
		fmt.Fprintf(w, "  hint: %s\n", h.Hint)
	}
}

// usage prints the list of subcommands.
func usage(w io.Writer) {
	fmt.Fprint(w, "photongate keeps Particle Photons running, contained and explained at a strict site.\n\nusage: photongate COMMAND\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\n`photongate COMMAND -h` shows its arguments and an example.\n")
}

// flags is a flag set that leaves the talking to dispatch.
func flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parse reads the flags of args wherever they stand, and returns the other
// arguments, of which there may be at most most.
func parse(fs *flag.FlagSet, args []string, most int) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, gateway.Hint(fmt.Errorf("%s: %w", fs.Name(), err), fmt.Sprintf("`photongate %s -h` shows how it is called", fs.Name()))
		}
		if args = fs.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) > most {
		return nil, gateway.Hint(fmt.Errorf("%s: %q is one argument too many", fs.Name(), rest[most]), fmt.Sprintf("`photongate %s -h` shows how it is called", fs.Name()))
	}
	return rest, nil
}

// versionText is the version, from the build or from the module.
func versionText() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}

// versionCommand is `photongate version`.
func versionCommand(e env, args []string) (int, error) {
	if _, err := parse(flags("version"), args, 0); err != nil {
		return exitUsage, err
	}
	fmt.Fprintln(e.out, "photongate", versionText())
	return exitOK, nil
}
