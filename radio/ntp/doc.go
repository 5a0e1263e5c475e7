// Package ntp answers the segment's questions for the time. Firmware 2.x tests
// for internet by asking pool.ntp.org (photon.md 5.2); answered here, the test
// tells whether the air side works, as the device's light is meant to.
package ntp
