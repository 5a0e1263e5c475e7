// Package sparktest speaks both ends of the Spark protocol, the session of a
// Photon with its cloud (photon.md 4.1), for tests and for cmd/photonlab. The
// product holds no key and never imports it: there bridge/spark knows the
// shape alone.
//
// # The handshake
//
// The cloud speaks first. All sizes are exact (photon.md 4.1):
//
//	cloud  > device   40  nonce
//	device > cloud   256  RSA-2048 PKCS #1 v1.5 of nonce, 12 bytes id, 162 bytes public key (SPKI, DER)
//	cloud  > device  384  128: RSA-1024 PKCS #1 v1.5 of key 16, IV 16, salt 8
//	                      256: PKCS #1 v1.5 signature, without a digest prefix, of
//	                           HMAC-SHA1(key: the 40 plain bytes, message: the 128)
//	device > cloud    18  HELLO, the first record
//	cloud  > device   18  HELLO
//
// A record is a 2-byte big-endian length and as many bytes of AES-128-CBC with
// PKCS #7 padding. Each direction starts with the IV of the handshake; the next
// record's IV is the first block of the last record's ciphertext. Message ids
// count up from the first two bytes of the salt, tokens from the third.
//
// The facts are those of the firmware (communication/src/spark_protocol.cpp and
// handshake.cpp at 0.6.2) and of the open-source cloud server, which
// cmd/photonlab/peertest runs as the judge.
package sparktest
