// Package gatewaytest helps the tests of every package: network namespaces
// that leave the host alone, golden files, a record of events, waiting at the
// edges of real processes, and a check for goroutines left behind.
//
// A test that needs its own network begins with
//
//	if !gatewaytest.InNamespace(t) {
//		return // it ran in a child process
//	}
//
// The package defines the flag -update of Golden; a test package that imports
// it defines no flag of that name.
package gatewaytest
