// Package config turns the bytes of a configuration file into one typed
// Config, or into the list of everything that is wrong with them.
//
// The rules:
//
//   - A file is TOML in UTF-8, of at most 256 KiB; CRLF and a byte order
//     mark are fine.
//   - An empty string or list is the same as an absent key: it means the default.
//   - Unknown keys and sections are refused, with the nearest known name as hint.
//   - Every problem carries the line it stands on, and all come at once, in
//     the order of the file.
//   - Values that may hold a secret never stand in a message. Secrets come
//     from files; the configuration only names them.
//   - What is known but cannot be done yet is refused in so many words, never
//     accepted and ignored.
//
// The package is pure: it starts nothing, and Load is the only thing in it
// that touches the machine.
package config
