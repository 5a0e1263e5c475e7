package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"photongate/gateway"
)

// gatewayBroker is where photongate finds the broker inside its namespace.
const gatewayBroker = "127.0.0.1:1883"

// broker is the demo's own MQTT broker: on loopback for people, on a Unix
// socket for the gateway.
type broker struct {
	// server is the library's.
	server *mqtt.Server
	// addr is where people subscribe.
	addr *net.TCPAddr
}

// openBroker starts it. When preferred is taken and spare is set, another port
// of the same address serves.
func openBroker(preferred string, spare bool, socket string) (*broker, error) {
	tcp, err := listenLoopback(preferred, spare)
	if err != nil {
		return nil, err
	}
	unix, err := net.Listen("unix", socket)
	if err != nil {
		tcp.Close()
		return nil, fmt.Errorf("open broker on %s: %w", socket, err)
	}
	b := &broker{
		server: mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)}),
		addr:   tcp.Addr().(*net.TCPAddr),
	}
	// Loopback and a folder of mode 0700 are its only doors.
	err = errors.Join(b.server.AddHook(new(auth.AllowHook), nil),
		b.server.AddListener(listeners.NewNet("tcp", tcp)),
		b.server.AddListener(listeners.NewNet("unix", unix)),
		b.server.Serve())
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	return b, nil
}

// listenLoopback opens preferred, or where that is taken and spare is set a free port.
func listenLoopback(preferred string, spare bool) (net.Listener, error) {
	l, err := net.Listen("tcp", preferred)
	if errors.Is(err, syscall.EADDRINUSE) && spare {
		host, _, _ := net.SplitHostPort(preferred)
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, gateway.Hint(fmt.Errorf("open broker on %s: %w", preferred, err), "choose another address with --mqtt")
	}
	return l, nil
}

// alerts calls f with the key and document of every alert that is published;
// the document is empty when the alert is cleared. f must not block.
func (b *broker) alerts(f func(key string, document []byte)) error {
	prefix := "photongate/" + gatewayName + "/alert/"
	return b.server.Subscribe(prefix+"#", 1, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
		f(strings.TrimPrefix(p.TopicName, prefix), p.Payload)
	})
}

// subscribe is how a person listens to it.
func (b *broker) subscribe() string {
	return fmt.Sprintf("mosquitto_sub -h %s -p %d -v -t 'photongate/#'", b.addr.IP, b.addr.Port)
}

// close ends it.
func (b *broker) close() { _ = b.server.Close() }
