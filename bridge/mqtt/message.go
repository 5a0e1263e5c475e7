package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxPayload bounds what we send in one message, in bytes. Documents are
	// meant to stay under 4 KiB (users.md E3); brokers commonly refuse far more.
	maxPayload = 256 << 10
	// maxTopic bounds a topic, in bytes: MQTT 3.1.1 section 1.5.3, a 16-bit length.
	maxTopic = 65535
)

// errTopic says what a topic to publish to looks like; checks wrap it.
var errTopic = errors.New("not a topic: want UTF-8 without +, # and NUL, 1 to 65535 bytes")

// Message is one publication at QoS 1. Payload is at most 256 KiB; nil with
// Retain removes what the broker keeps under Topic.
type Message struct {
	Topic   string
	Payload []byte
	Retain  bool
}

// check tells why a broker could not take the message.
func (m Message) check() error {
	if err := checkTopic(m.Topic); err != nil {
		return err
	}
	if len(m.Payload) > maxPayload {
		return fmt.Errorf("%d bytes for topic %s are more than %d", len(m.Payload), m.Topic, maxPayload)
	}
	return nil
}

// checkTopic tells why t cannot be published to (MQTT 3.1.1 sections 4.7.1 and 4.7.3).
func checkTopic(t string) error {
	if t == "" || len(t) > maxTopic || !utf8.ValidString(t) || strings.ContainsAny(t, "+#\x00") {
		return fmt.Errorf("%.80q is %w", t, errTopic)
	}
	return nil
}
