package sparktest

import (
	"encoding/binary"
	"time"

	"photongate/gateway"
)

// Photon is the platform and, where no product was made, the product id of a Photon (photon.md 1.1).
const Photon = 6

// The describe flags, the query of a describe request (photon.md 6.2: "Sending %s%s describe message").
const (
	// DescribeSystem asks for the system's modules.
	DescribeSystem = 1 << iota
	// DescribeApplication asks for functions and variables.
	DescribeApplication
)

// Hello is what a device says of itself (firmware, messages.cpp).
type Hello struct {
	// Product and Version are the application's.
	Product, Version uint16
	// Flags has bit 0 set after a firmware update.
	Flags byte
	// Platform is the hardware.
	Platform uint16
}

// Message is the device's HELLO, 15 bytes.
func (h Hello) Message(id uint16) Message {
	p := binary.BigEndian.AppendUint16(nil, h.Product)
	p = binary.BigEndian.AppendUint16(p, h.Version)
	p = append(p, 0, h.Flags)
	p = binary.BigEndian.AppendUint16(p, h.Platform)
	return Message{Type: NonConfirmable, Code: CodePOST, ID: id, Options: path("h"), Payload: p}
}

// parseHello reads a device's HELLO.
func parseHello(m Message) (Hello, bool) {
	if m.Code != CodePOST || m.Path() != "h" || len(m.Payload) < 8 {
		return Hello{}, false
	}
	p := m.Payload
	return Hello{
		Product:  binary.BigEndian.Uint16(p),
		Version:  binary.BigEndian.Uint16(p[2:]),
		Flags:    p[5],
		Platform: binary.BigEndian.Uint16(p[6:]),
	}, true
}

// ServerHello is the cloud's HELLO, 6 bytes.
func ServerHello(id uint16) Message {
	return Message{Type: NonConfirmable, Code: CodePOST, ID: id, Options: path("h")}
}

// Ping is what either side sends to hear whether the other lives.
func Ping(id uint16) Message { return Message{Type: Confirmable, Code: CodeEmpty, ID: id} }

// Ack acknowledges message id and says no more.
func Ack(id uint16) Message { return Message{Type: Acknowledgment, Code: CodeEmpty, ID: id} }

// TimeRequest asks the cloud for the time.
func TimeRequest(id uint16, token byte) Message {
	return Message{Type: Confirmable, Code: CodeGET, ID: id, Token: []byte{token}, Options: path("t")}
}

// TimeResponse answers a time request with whole seconds.
func TimeResponse(ask Message, t time.Time) Message {
	return content(ask, binary.BigEndian.AppendUint32(nil, uint32(t.Unix())))
}

// Event publishes a private event of the default lifetime, 60 s. The name is
// one option, slashes and all, as the firmware does it.
func Event(id uint16, name, data string) Message {
	o := append(path("E"), Option{OptionURIPath, []byte(name)})
	return Message{Type: NonConfirmable, Code: CodePOST, ID: id, Options: o, Payload: []byte(data)}
}

// Subscribe asks for the owner's events whose names begin with prefix.
func Subscribe(id uint16, prefix string) Message {
	o := append(path("e"), Option{OptionURIPath, []byte(prefix)}, Option{OptionURIQuery, []byte("u")})
	return Message{Type: Confirmable, Code: CodeGET, ID: id, Options: o}
}

// DescribeRequest asks a device what it is.
func DescribeRequest(id uint16, token, flags byte) Message {
	o := append(path("d"), Option{OptionURIQuery, []byte{flags}})
	return Message{Type: Confirmable, Code: CodeGET, ID: id, Token: []byte{token}, Options: o}
}

// DescribeResponse answers a describe request with JSON.
func DescribeResponse(ask Message, json string) Message { return content(ask, []byte(json)) }

// content answers a request within its acknowledgment.
func content(ask Message, payload []byte) Message {
	return Message{Type: Acknowledgment, Code: CodeContent, ID: ask.ID, Token: ask.Token, Payload: payload}
}

// path is the Uri-Path of one letter.
func path(s string) []Option { return []Option{{OptionURIPath, []byte(s)}} }

// Presence is the datagram that a device sends to 224.0.1.187:5683 after a
// handshake, 19 bytes in clear (photon.md 4.2).
func Presence(id gateway.DeviceID) []byte {
	m := Message{Type: NonConfirmable, Code: CodePOST, Options: path("h"), Payload: id[:]}
	return m.Append(nil)
}
