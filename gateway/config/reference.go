package config

import _ "embed"

// reference is the commented file.
//
//go:embed reference.toml
var reference string

// Reference is a file with every key, its default and its reason. It is a
// valid configuration, equal to one that only names segment.interface "eth1".
func Reference() []byte { return []byte(reference) }
