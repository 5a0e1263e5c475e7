// Package radio is the air side of photongate: below it lives everything that
// speaks on the segment, and nothing that speaks anywhere else. It has no code
// of its own; each service is a package, and what they notice goes upward as
// gateway.Event.
package radio
