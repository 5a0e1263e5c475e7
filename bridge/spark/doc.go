// Package spark is the wire shape of the Photon's cloud protocol: what a relay
// without keys can tell from lengths alone (photon.md 4.1). It decrypts nothing
// and holds no key.
//
// A session on TCP 5683 begins with the server:
//
//	cloud   40 bytes   a nonce
//	device  256 bytes  RSA-2048 of nonce, device id, device key
//	cloud   384 bytes  RSA-1024 of the session key, and a signature of 256
//	both    records    2-byte big-endian length, then that many bytes of AES-CBC
//
// The length of a record is a positive multiple of 16. The device's first
// record is its HELLO, the cloud's first is the answer; then the handshake is
// complete. Nothing else may cross an open access point's relay.
package spark
