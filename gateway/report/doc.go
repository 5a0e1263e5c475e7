// Package report renders what the gateway knows: for MQTT subscribers, for
// programs (status --json) and for people (the ladder). It is pure: a snapshot
// goes in, bytes come out, and the same snapshot gives the same bytes.
//
// # Topics
//
// Below photongate/<gateway>/, all at QoS 1:
//
//	state                    retained, the will    online or offline, as plain text
//	info                     retained              what this gateway is
//	health                   retained              status of the whole and of each part, counters
//	egress/<path>            retained              the way out and the address book
//	device/<id>/state        retained              how far a listed device got
//	device/<id>/availability retained              online or offline, as plain text
//	device/<id>/verdict      retained              where it fails, and why we think so
//	alert/<key>              retained while firing the alert; its end is sent once, not retained
//	event                    never retained        transitions, see Feed
//
// <id> is the device id when known, else the MAC without colons. A stranger
// never becomes a topic, so nobody on the air can fill the broker.
//
// # Documents
//
// Every document but the plain ones is a JSON object of less than 4 KiB with
// "schema" and "ts" (RFC 3339, UTC, milliseconds). Numbers carry their unit in
// the name; what is not known is absent, not zero; no member ever changes its
// type. Members that change without news (ages, byte counts) stand behind
// "ts", which is what Cache relies on. No document carries an SSID.
package report
