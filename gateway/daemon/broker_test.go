package daemon_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// broker is a real mosquitto with a subscriber whose session the broker keeps.
type broker struct {
	p      *place
	daemon *process
	sub    *process
}

// newBroker starts both.
func (p *place) newBroker() *broker {
	p.Helper()
	conf := fmt.Sprintf("listener 1883 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\npersistence_location %s/\n", p.dir)
	if err := os.WriteFile(p.path("mosquitto.conf"), []byte(conf), 0o600); err != nil {
		p.Fatal(err)
	}
	b := &broker{p: p}
	b.start()
	b.sub = launch(p.T, "mosquitto_sub", "-h", "127.0.0.1", "-i", "watcher", "-c", "-q", "1", "-t", "photongate/lab/#", "-F", "%t %p")
	return b
}

// start starts the broker and waits until it accepts.
func (b *broker) start() {
	b.p.Helper()
	b.daemon = launch(b.p.T, "mosquitto", "-c", b.p.path("mosquitto.conf"))
	gatewaytest.Eventually(b.p, patience, "mosquitto accepts", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:1883")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// lines is what the subscriber heard: topics below the gateway's with payloads.
func (b *broker) lines() []string {
	var out []string
	for l := range strings.Lines(b.sub.String()) {
		out = append(out, strings.TrimPrefix(strings.TrimSpace(l), "photongate/lab/"))
	}
	return out
}

// state is the last word on the gateway's own state.
func (b *broker) state() string {
	last := ""
	for _, l := range b.lines() {
		if s, ok := strings.CutPrefix(l, "state "); ok {
			last = s
		}
	}
	return last
}

// await waits until the gateway's state is want.
func (b *broker) await(want string) {
	b.p.Helper()
	b.p.eventually("the state "+want, func() bool { return b.state() == want })
}

// heard tells whether a message on a topic holds all of parts.
func (b *broker) heard(topic string, parts ...string) bool {
	return slices.ContainsFunc(b.lines(), func(l string) bool {
		return strings.HasPrefix(l, topic+" ") && !slices.ContainsFunc(parts, func(s string) bool { return !strings.Contains(l, s) })
	})
}

// event is what these tests read of an event.
type event struct {
	Type   string
	Device string
	TS     time.Time
}

// events lists those behind the first skip messages.
func (b *broker) events(skip int) []event {
	b.p.Helper()
	var out []event
	for _, l := range b.lines()[skip:] {
		doc, ok := strings.CutPrefix(l, "event ")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(doc), &e); err != nil {
			b.p.Fatalf("%v: %s", err, doc)
		}
		out = append(out, e)
	}
	return out
}

// brokerAway stops the broker while an alert fires and resolves, a session
// opens and closes, and the gateway itself restarts; behind it, all of that
// must arrive in order with its own times.
func (p *place) brokerAway(first *session, b *broker) {
	p.must("device", "add", "6c:0b:84:00:00:02", "--name", "gate")
	if !p.lease("gate") {
		p.Fatalf("gate has no lease\n%s", p.gate)
	}
	// What was said before must have been heard, or it would come among the rest.
	p.eventually("the added device is told", func() bool { return p.now().Counters.SpoolWaiting == 0 && b.heard("event", "whitelist-changed") })
	heard := len(b.lines())
	b.daemon.end(p, syscall.SIGTERM)
	began := time.Now()

	// New connections are rejected outside; those that stand are left alone.
	gatewaytest.Sh(p, `ip netns exec world nft 'add table inet wall; add chain inet wall in { type filter hook input priority 0; };
		add rule inet wall in tcp dport 5683 tcp flags & (syn|ack) == syn reject with tcp reset'`)
	if conn, err := p.dial("gate", "tcp", gatewayAddr+":5683", patience); err == nil {
		wantEnd(p, conn)
		conn.Close()
	}
	p.eventually("the alert fires", func() bool { return p.firing() })
	gatewaytest.Sh(p, "ip netns exec world nft delete table inet wall")
	p.eventually("the alert resolves", func() bool { return !p.firing() && p.now().Egress.Up })
	s := p.online("gate", gateID)
	s.Close()
	p.eventually("gate's session is over", func() bool { return p.device("gate").Session == nil })
	p.wantStanding(first)
	if code := p.gate.end(p, syscall.SIGTERM); code != 0 {
		p.Errorf("exit %d, want 0\n%s", code, p.gate)
	}
	back := time.Now()
	p.run()
	b.start()

	want := []string{"egress-down", "alert-firing", "egress-up", "alert-resolved", "session-opened", "session-closed", "session-closed"}
	var got []event
	p.eventually("the events that the broker missed", func() bool {
		got = slices.DeleteFunc(b.events(heard), func(e event) bool { return !slices.Contains(want, e.Type) || !e.TS.Before(back) })
		return len(got) >= len(want)
	})
	var types []string
	for i, e := range got {
		types = append(types, e.Type)
		if e.TS.Before(began) || i > 0 && e.TS.Before(got[i-1].TS) {
			p.Errorf("event %d, %s, is of %s: not its own time", i, e.Type, e.TS)
		}
	}
	if !slices.Equal(types, want) {
		p.Errorf("events %q, want %q", types, want)
	}
	b.await("online")
}

// firing tells whether the alert about the way out fires.
func (p *place) firing() bool {
	return slices.ContainsFunc(p.now().Alerts, func(a gateway.Alert) bool {
		return a.Key == "egress.path" && a.State == gateway.AlertFiring
	})
}
