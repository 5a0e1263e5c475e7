package sparktest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
)

// Sizes of the handshake's parts in bytes (photon.md 4.1).
const (
	// nonceSize is what the cloud says first.
	nonceSize = 40
	// idSize is a device id.
	idSize = 12
	// deviceCipherSize is the device's answer.
	deviceCipherSize = serverBits / 8
	// keyCipherSize is the encrypted part of the cloud's answer.
	keyCipherSize = deviceBits / 8
	// answerSize is the cloud's answer with its signature.
	answerSize = keyCipherSize + serverBits/8
	// credentialsSize is key, IV and salt.
	credentialsSize = 16 + 16 + 8
)

// credentials are the secrets of one session: key, IV and salt.
type credentials [credentialsSize]byte

// newCredentials draws the secrets of a session.
func newCredentials() credentials {
	var c credentials
	rand.Read(c[:])
	return c
}

// key is the AES-128 key.
func (c *credentials) key() []byte { return c[:16] }

// iv is the one of the first record of either direction.
func (c *credentials) iv() []byte { return c[16:32] }

// counters are the message id and the token before the first one (spark_protocol.cpp, set_key).
func (c *credentials) counters() (id uint16, token byte) {
	return binary.BigEndian.Uint16(c[32:]), c[34]
}

// digest is the HMAC that the cloud signs: the secrets are the key, their ciphertext the message.
func (c *credentials) digest(ciphertext []byte) []byte {
	h := hmac.New(sha1.New, c[:])
	h.Write(ciphertext)
	return h.Sum(nil)
}

// seal makes the cloud's 384 bytes for a device.
func (c *credentials) seal(device *rsa.PublicKey, sign *rsa.PrivateKey) ([]byte, error) {
	//lint:ignore SA1019 the firmware speaks PKCS #1 v1.5 (photon.md 4.1)
	out, err := rsa.EncryptPKCS1v15(rand.Reader, device, c[:])
	if err != nil {
		return nil, fmt.Errorf("encrypt session key: %w", err)
	}
	signature, err := rsa.SignPKCS1v15(nil, sign, crypto.Hash(0), c.digest(out))
	if err != nil {
		return nil, fmt.Errorf("sign session key: %w", err)
	}
	out = append(out, signature...)
	if len(out) != answerSize {
		return nil, fmt.Errorf("seal session key: %d bytes, want %d: the keys have the wrong sizes", len(out), answerSize)
	}
	return out, nil
}

// openCredentials reads the cloud's 384 bytes as the firmware does: decrypt
// first, then check the signature. The errors carry CodeDecryption or CodeAuthentication.
func openCredentials(answer []byte, key *rsa.PrivateKey, server *rsa.PublicKey) (credentials, error) {
	var c credentials
	ciphertext, signature := answer[:keyCipherSize], answer[keyCipherSize:]
	//lint:ignore SA1019 the firmware speaks PKCS #1 v1.5 (photon.md 4.1)
	plain, err := rsa.DecryptPKCS1v15(nil, key, ciphertext)
	if err == nil && len(plain) != credentialsSize {
		err = fmt.Errorf("%d bytes, want %d", len(plain), credentialsSize)
	}
	if err != nil {
		return c, &HandshakeError{Step: StepSetKey, Code: CodeDecryption, Err: fmt.Errorf("decrypt session key: %w", err)}
	}
	copy(c[:], plain)
	if err := rsa.VerifyPKCS1v15(server, crypto.Hash(0), c.digest(ciphertext), signature); err != nil {
		return c, &HandshakeError{Step: StepSetKey, Code: CodeAuthentication, Err: fmt.Errorf("check signature: %w", err)}
	}
	return c, nil
}
