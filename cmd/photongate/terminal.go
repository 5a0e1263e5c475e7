package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminal tells the width of the terminal that f is, and whether to colour;
// the width is 0 where f is none. NO_COLOR is a common wish (no-color.org).
func terminal(f *os.File) (width int, color bool) {
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(ws.Col), os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
