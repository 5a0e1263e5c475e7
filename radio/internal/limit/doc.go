// Package limit bounds how often the same is told. Whoever is on the air can
// repeat itself thousands of times a second, and invent ever new subjects:
// neither may fill the journal or the memory.
package limit
