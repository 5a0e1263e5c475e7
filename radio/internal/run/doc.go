// Package run starts other programs: it is the only place of the product that
// does. Input, output and time are bounded, and what a program said on its
// standard error is part of the error.
package run
