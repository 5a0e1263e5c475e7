// Package relay carries the devices' cloud sessions: it admits a connection
// that comes in on the segment, has the way to the cloud opened, and then moves
// bytes both ways unchanged for as long as they have the shape of the Spark
// protocol (bridge/spark). Every session leaves a record.
//
// All sessions live on one event loop (bridge/loop). A session is one struct;
// it holds a buffer only while one side takes less than the other sends, and
// reading from that other side pauses meanwhile.
//
// What it never does: add, lose, change or re-order a byte; fake a ping (they
// are encrypted end to end); decide where the cloud is (that is Open's part).
package relay
