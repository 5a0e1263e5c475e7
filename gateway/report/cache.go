package report

import (
	"bytes"
	"maps"
	"slices"
	"sync"
)

// maxGone bounds the removals that are repeated on every connect. Topics go
// with devices and alerts, of which a gateway has dozens.
const maxGone = 256

// tsMember begins the part of a document that changes without news. No text can
// hold it, because JSON escapes quotation marks.
var tsMember = []byte(`,"ts":"`)

// Cache knows what was published, so that only news is. It is safe for
// concurrent use: the broker's connect and the journal's tick both ask it.
type Cache struct {
	mu sync.Mutex
	// heads are the documents by topic, each up to its ts.
	heads map[string]string
	// gone are the topics that were removed, which a broker that was away may
	// still retain.
	gone map[string]bool
}

// NewCache returns a cache that knows topics which were published before a
// restart (Topics): those that do not come back are removed from the broker.
func NewCache(known ...string) *Cache {
	c := &Cache{heads: map[string]string{}, gone: map[string]bool{}}
	for _, t := range known {
		c.bury(t)
	}
	return c
}

// Diff takes the whole retained set and returns the messages of it that bring
// news, and behind them a removal for each topic that is no longer in it.
// Documents that differ only from "ts" on are no news.
func (c *Cache) Diff(msgs []Message) []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Message
	now := make(map[string]bool, len(msgs))
	for _, m := range msgs {
		now[m.Topic] = true
		h := head(m.Payload)
		if old, ok := c.heads[m.Topic]; ok && old == h {
			continue
		}
		c.heads[m.Topic] = h
		delete(c.gone, m.Topic)
		out = append(out, m)
	}
	for _, t := range slices.Sorted(maps.Keys(c.heads)) {
		if !now[t] {
			delete(c.heads, t)
			c.bury(t)
			out = append(out, Message{Topic: t, Retain: true})
		}
	}
	return out
}

// All takes the whole retained set and returns all of it, and behind it the
// removal of every topic that is known to be gone: what a broker needs that was
// away, or that is new.
func (c *Cache) All(msgs []Message) []Message {
	// What Diff finds is part of msgs or of the removals.
	c.Diff(msgs)
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(msgs)
	for _, t := range slices.Sorted(maps.Keys(c.gone)) {
		out = append(out, Message{Topic: t, Retain: true})
	}
	return out
}

// Topics lists what is retained now, in order: what NewCache needs after a restart.
func (c *Cache) Topics() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.heads))
}

// bury remembers that a topic is gone.
func (c *Cache) bury(topic string) {
	if len(c.gone) < maxGone {
		c.gone[topic] = true
	}
}

// head is what of a document is news.
func head(payload []byte) string {
	b, _, _ := bytes.Cut(payload, tsMember)
	return string(b)
}
