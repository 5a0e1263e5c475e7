package report

import (
	"strings"
	"unicode"
)

// Base is the first level of every topic.
const Base = "photongate"

// Schema is the number that every document carries. It changes only when a
// subscriber would have to change.
const Schema = 1

// Contents of the plain documents, as in zigbee2mqtt (users.md E2).
const (
	online  = "online"
	offline = "offline"
)

// Message is one MQTT message, to be published at QoS 1. A retained one with an
// empty payload removes what the broker retains (MQTT 3.1.1, 3.3.1.3).
type Message struct {
	Topic   string
	Payload []byte
	Retain  bool
}

// maxLevel bounds one level of a topic, in bytes: a device id has 24, a host
// name at most 63 (RFC 1035 2.3.4).
const maxLevel = 64

// topic joins the levels below the gateway's own. A level that is built from
// data goes through level first.
func topic(gateway string, levels ...string) string {
	return Base + "/" + level(gateway) + "/" + strings.Join(levels, "/")
}

// level makes one level of a topic out of s. Wildcards, separators, spaces and
// what is not printable become hyphens: MQTT 3.1.1, 4.7.1 forbids the former,
// and a subscriber's shell is happier without the latter.
func level(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("+#/$", r) || unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '-'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return clip(s, maxLevel)
}

// deviceTopic is a topic of a device.
func deviceTopic(gateway, device, leaf string) string {
	return topic(gateway, "device", level(device), leaf)
}

// plain is a retained message with a plain word.
func plain(topic, word string) Message {
	return Message{Topic: topic, Payload: []byte(word), Retain: true}
}

// availability is the plain word for up or not.
func availability(up bool) string {
	if up {
		return online
	}
	return offline
}
