// Package mqtt keeps a broker informed: MQTT 3.1.1 over TCP, TLS or WebSocket,
// everything at QoS 1.
//
// Two kinds of messages leave by it. State goes through Client.Publish: the
// latest value of a topic wins, nothing is kept while the broker is away, and
// Config.Birth supplies the whole set again on every connect, so a broker
// without persistence knows everything again as soon as it is back. Alerts
// and events go through Spool.Append: they are kept in a file, in order, until
// the broker has acknowledged each of them, across its outages and our restarts;
// room that runs out is taken from the events.
//
// A broker that is away, mute, hostile or no broker at all never stops the
// gateway: Run tries again, about 30 s apart at most, and says what is wrong in
// gateway.PartFailed. A connection alone proves little, so gateway.PartOK
// follows acknowledgements, not the connection.
//
// # What is not left to paho
//
// The client library reconnects, stores and resends on its own when asked to,
// and then reports messages as delivered that were not. So each connection has
// a client of its own, without a session and without a store; waiting, retrying
// and remembering are done here. What the broker sends is checked before the
// library sees it (frames), because the library believes a packet's length up
// to 256 MiB and indexes by counts that the broker chooses.
package mqtt
