package mqtt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"photongate/gateway"
)

func TestBirthStateAndFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts, away: true}
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = b.dial
		c, stop := start(t, cfg)
		c.Publish(Message{Topic: "g/health", Payload: []byte("nobody listens")})
		synctest.Wait()
		b.mu.Lock()
		b.away = false
		b.mu.Unlock()
		time.Sleep(time.Minute)
		c.Publish(Message{Topic: "g/health", Payload: []byte("1"), Retain: true})
		c.Publish(Message{Topic: "g/bad/#"})
		synctest.Wait()
		stop()
		want := []string{"g/info=i!", "g/state=online!", "g/health=1!", "g/state=offline!"}
		if got := b.received(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := show(b.wills[0]); got != "g/state=offline!" {
			t.Errorf("will %q, want g/state=offline!", got)
		}
		if c.Acked() != 4 {
			t.Errorf("Acked() = %d, want 4", c.Acked())
		}
		if got := j.all(gateway.PartFailed); len(got) != 1 {
			t.Errorf("failures %+v, want the first attempt's", got)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name          string
		welcome, text string
		hint          string
	}{
		{"protocol", "\x20\x02\x00\x01", "broker refused: it does not speak MQTT 3.1.1", "only 5"},
		{"client id", "\x20\x02\x00\x02", "broker refused: it does not take our client id", "another name"},
		{"unavailable", "\x20\x02\x00\x03", "broker refused: its service is not available", "own log"},
		{"password", "\x20\x02\x00\x04", "broker refused: bad user name or password", "password file"},
		{"authorisation", "\x20\x02\x00\x05", "broker refused: not authorised", "rules"},
		{"unknown code", "\x20\x02\x00\x4d", "broker refused: code 77, which MQTT 3.1.1 does not know", "own log"},
		{"web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "what answers is not an MQTT broker: first byte 0x48", "web server"},
		{"mute", "", "the broker does not answer", "expects TLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{welcome: func(int) []byte { return []byte(tt.welcome) }}
				j := newJournal()
				cfg := states(t, "tcp://b", j)
				cfg.Dial = b.dial
				_, stop := start(t, cfg)
				time.Sleep(2 * time.Minute)
				stop()
				all := j.all(gateway.PartFailed)
				// Pauses grow to 30 s; a mute broker costs 10 s each time.
				if len(all) < 4 || len(all) > 12 || len(all) > b.dials() {
					t.Fatalf("%d failures of %d attempts in 2 minutes, want 4 to 12", len(all), b.dials())
				}
				wantText(t, all[0], "connect to broker tcp://b:1883: "+tt.text, tt.hint)
				if got := j.all(gateway.PartOK); len(got) != 0 {
					t.Errorf("PartOK %+v, want none", got)
				}
			})
		})
	}
}

func TestMissingFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = (&fakeBroker{welcome: accepts}).dial
		cfg.Username, cfg.PasswordFile = "me", "/nowhere/password"
		start(t, cfg)
		synctest.Wait()
		wantText(t, j.all(gateway.PartFailed)[0],
			"connect to broker tcp://b:1883: read password: open /nowhere/password: no such file or directory", "read the file")
	})
}

// TestNoAcknowledgement meets a broker that takes everything and answers nothing.
func TestNoAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts, publish: func(int, Message) bool { return false }}
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = b.dial
		cfg.Spool = openSpool(t, filepath.Join(t.TempDir(), "spool"), 10, 1<<20)
		add(t, cfg.Spool, "kept")
		c, stop := start(t, cfg)
		time.Sleep(16 * time.Second)
		stop()
		wantText(t, j.all(gateway.PartFailed)[0], "serve broker tcp://b:1883: the broker does not answer, in 15s", "hangs")
		if len(j.all(gateway.PartOK)) != 0 || c.Acked() != 0 {
			t.Errorf("PartOK %v, acked %d, want none", j.all(gateway.PartOK), c.Acked())
		}
		wantPayloads(t, cfg.Spool, "kept")
	})
}

// TestProofFollowsAcknowledgements: a connection that stands proves nothing.
func TestProofFollowsAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts}
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = b.dial
		c, _ := start(t, cfg)
		time.Sleep(10 * time.Minute)
		if got := len(j.all(gateway.PartOK)); got != 1 {
			t.Errorf("%d PartOK without a publication, want 1", got)
		}
		for range 10 {
			c.Publish(Message{Topic: "g/health", Payload: []byte("{}"), Retain: true})
			c.Publish(Message{Topic: "g/device/x/state", Retain: true})
			time.Sleep(30 * time.Second)
		}
		if got := len(j.all(gateway.PartOK)); got != 11 {
			t.Errorf("%d PartOK after ten health documents, want 11", got)
		}
		if got := b.dials(); got != 1 {
			t.Errorf("%d connections, want 1", got)
		}
	})
}

// TestBrokerAwayForAnHour appends while nobody listens, restarts in between,
// and expects everything, in order, unchanged and once.
func TestBrokerAwayForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts, away: true}
		path := filepath.Join(t.TempDir(), "spool")
		j := newJournal()
		run := func(payloads []string) (*Client, func()) {
			cfg := states(t, "tcp://b", j)
			cfg.Dial = b.dial
			cfg.Spool = openSpool(t, path, 1000, 1<<20)
			c, stop := start(t, cfg)
			add(t, cfg.Spool, payloads...)
			return c, func() { stop(); cfg.Spool.Close() }
		}
		first, second := numbered("a", 40), numbered("b", 40)
		c, stop := run(first)
		time.Sleep(30 * time.Minute)
		if c.SpoolWaiting() != 40 {
			t.Errorf("SpoolWaiting() = %d, want 40", c.SpoolWaiting())
		}
		wantText(t, j.all(gateway.PartFailed)[0], "connect to broker tcp://b:1883: dial tcp: connection refused", "nothing listens")
		stop()
		c, stop = run(second)
		time.Sleep(30 * time.Minute)
		b.mu.Lock()
		b.away = false
		b.mu.Unlock()
		time.Sleep(maxPause * 5 / 4)
		synctest.Wait()
		if c.SpoolWaiting() != 0 || c.SpoolDropped() != 0 {
			t.Errorf("waiting %d, dropped %d, want 0 and 0", c.SpoolWaiting(), c.SpoolDropped())
		}
		stop()
		want := []string{"g/info=i!", "g/state=online!"}
		for _, p := range append(first, second...) {
			want = append(want, "g/event="+p)
		}
		if got, want := b.received(), append(want, "g/state=offline!"); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if got := fileSize(t, path); got != 0 {
			t.Errorf("file has %d bytes, want 0", got)
		}
	})
}

// TestAcknowledgementLost ends each connection at the third message: the record
// under way is repeated, and none is lost or out of order.
func TestAcknowledgementLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *fakeBroker
		count := 0
		b = &fakeBroker{welcome: accepts, publish: func(attempt int, m Message) bool {
			count++
			return attempt > 4 || m.Topic != "g/event" || count%4 != 0
		}}
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = b.dial
		cfg.Spool = openSpool(t, filepath.Join(t.TempDir(), "spool"), 100, 1<<20)
		add(t, cfg.Spool, numbered("e", 20)...)
		_, stop := start(t, cfg)
		time.Sleep(10 * time.Minute)
		stop()
		var events []string
		for _, m := range b.received() {
			if m[:7] == "g/event" {
				events = append(events, m)
			}
		}
		if len(events) <= 20 {
			t.Errorf("%d events arrived, want some twice", len(events))
		}
		want := make([]string, 20)
		for i, p := range numbered("e", 20) {
			want[i] = "g/event=" + p
		}
		if got := slices.Compact(events); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestRivalHint meets a broker that ends each connection after a second, as it
// does for a rival's sake.
func TestRivalHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{welcome: accepts, life: time.Second}
		j := newJournal()
		cfg := states(t, "tcp://b", j)
		cfg.Dial = b.dial
		start(t, cfg)
		time.Sleep(20 * time.Second)
		all := j.all(gateway.PartFailed)
		wantText(t, all[0], "serve broker tcp://b:1883: connection lost: EOF", "")
		if all[1].Hint != "" {
			t.Errorf("hint %q after two losses, want none", all[1].Hint)
		}
		wantText(t, all[2], "serve broker tcp://b:1883: connection lost: EOF", `another client probably uses the id "photongate-g"`)
	})
}

func TestHostileBroker(t *testing.T) {
	for name, welcome := range map[string]string{
		"many codes":   "\x20\x02\x00\x00\x90\x05\x00\x01\x00\x00\x00",
		"huge packet":  "\x20\x02\x00\x00\x40\xff\xff\xff\x7f",
		"quality two":  "\x20\x02\x00\x00\x34\x05\x00\x01s\x00\x01",
		"a release":    "\x20\x02\x00\x00\x62\x02\x00\x01",
		"two welcomes": "\x20\x02\x00\x00\x20\x02\x00\x00",
		"long topic":   "\x20\x02\x00\x00\x30\x03\x00\x09s",
		"letters":      "\x20\x02\x00\x00hello, this is no broker at all",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{welcome: func(int) []byte { return []byte(welcome) }}
				j := newJournal()
				cfg := states(t, "tcp://b", j)
				cfg.Dial = b.dial
				start(t, cfg)
				time.Sleep(time.Minute)
				all := j.all(gateway.PartFailed)
				if len(all) < rivalLosses {
					t.Fatalf("%d PartFailed in a minute, want at least %d", len(all), rivalLosses)
				}
				want := fmt.Sprintf("serve broker tcp://b:1883: connection lost: %v: packet %#02x of", errForeign, welcome[4])
				for i, e := range all {
					// A rival sends no garbage, however often and soon it comes.
					if !strings.HasPrefix(e.Text, want) || e.Hint != hintFor(errForeign) {
						t.Errorf("failure %d: got %q, hint %q\nwant %q, hint %q", i, e.Text, e.Hint, want, hintFor(errForeign))
					}
				}
			})
		})
	}
}
