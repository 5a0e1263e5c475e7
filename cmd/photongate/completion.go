package main

import "fmt"

// completionCommand is `photongate completion`. The script asks nothing of the
// program at completion time, so that it is quick on a router.
func completionCommand(e env, args []string) (int, error) {
	if _, err := parse(flags("completion"), args, 0); err != nil {
		return exitUsage, err
	}
	// The value of a flag is a path; an empty reply leaves it to bash.
	fmt.Fprint(e.out, `_photongate() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD-1]} in --config|--serial|--socket) return ;; esac
	if [ "$COMP_CWORD" -eq 1 ]; then words='`)
	for _, c := range commands() {
		fmt.Fprint(e.out, c.name, " ")
	}
	fmt.Fprint(e.out, "help'\n\telse case ${COMP_WORDS[1]} in\n")
	for _, c := range commands() {
		if w := optionWords(c.args); w != "" {
			fmt.Fprintf(e.out, "\t\t%s) words='%s' ;;\n", c.name, w)
		}
	}
	fmt.Fprint(e.out, "\tesac; fi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _photongate photongate\n")
	return exitOK, nil
}

// optionWords takes the words worth completing out of a synopsis.
func optionWords(synopsis string) string {
	out, word := "", ""
	for _, r := range synopsis + " " {
		switch {
		case r == '-' || r >= 'a' && r <= 'z':
			word += string(r)
			continue
		case len(word) > 1:
			if out != "" {
				out += " "
			}
			out += word
		}
		word = ""
	}
	return out
}
