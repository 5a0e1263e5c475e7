package sparktest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed" // The fixed keys are files.
	"encoding/pem"
	"fmt"
)

// The fixed keys, made once so that tests need not. They are published and protect nothing.
var (
	//go:embed keys/server.pem
	serverPEM []byte
	//go:embed keys/other-server.pem
	otherServerPEM []byte
	//go:embed keys/device.pem
	devicePEM []byte
	//go:embed keys/other-device.pem
	otherDevicePEM []byte
)

// Sizes of the keys in bits: the firmware knows no others (handshake.cpp).
const (
	// serverBits is the size of the cloud's key.
	serverBits = 2048
	// deviceBits is the size of a device's key, the least that crypto/rsa takes.
	deviceBits = 1024
)

// ServerKey is a fixed RSA-2048 key for a test cloud.
func ServerKey() *rsa.PrivateKey { return mustKey(serverPEM) }

// OtherServerKey is another fixed RSA-2048 key, for a cloud that is the wrong one.
func OtherServerKey() *rsa.PrivateKey { return mustKey(otherServerPEM) }

// DeviceKey is a fixed RSA-1024 key for a test device.
func DeviceKey() *rsa.PrivateKey { return mustKey(devicePEM) }

// OtherDeviceKey is another fixed RSA-1024 key, for a device that is not the one the cloud knows.
func OtherDeviceKey() *rsa.PrivateKey { return mustKey(otherDevicePEM) }

// NewServerKey makes an RSA-2048 key.
func NewServerKey() (*rsa.PrivateKey, error) { return newKey("server", serverBits) }

// NewDeviceKey makes an RSA-1024 key.
func NewDeviceKey() (*rsa.PrivateKey, error) { return newKey("device", deviceBits) }

// newKey makes a key of so many bits.
func newKey(whose string, bits int) (*rsa.PrivateKey, error) {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make %s key: %w", whose, err)
	}
	return k, nil
}

// mustKey reads an embedded key. A bad one is a fault of the build, so it panics.
func mustKey(text []byte) *rsa.PrivateKey {
	k, err := ParseKey(text)
	if err != nil {
		panic(err)
	}
	return k
}

// ParseKey reads a private key as PEM of PKCS #1.
func ParseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read key: no PEM block")
	}
	k, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return k, nil
}

// ParsePublicKey reads a public key as PEM of a SubjectPublicKeyInfo.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read public key: no PEM block")
	}
	return parseSPKI(block.Bytes)
}

// parseSPKI reads a public key as the device sends it.
func parseSPKI(der []byte) (*rsa.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	pub, ok := k.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("read public key: %T is not RSA", k)
	}
	return pub, nil
}

// MarshalKey writes a private key as PEM of PKCS #1, the form that the
// open-source cloud server reads (peers.md A).
func MarshalKey(k *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
}

// MarshalPublicKey writes a public key as PEM of a SubjectPublicKeyInfo.
func MarshalPublicKey(k *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
