package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// part is a part that reports to events.
func part(events *gatewaytest.Events) *Part {
	return New(Config{Part: gateway.PartDNS, Hint: Advice{Taken: "look", Rights: "be root"}.For, Emit: events.Emit})
}

// TestRun holds that a broken part is reported, opened again ever more slowly,
// and at once after it served.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		p, firsts := part(&events), 0
		var at []time.Duration
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		err := p.Run(ctx, func(context.Context) error {
			at = append(at, time.Since(start).Round(time.Second))
			switch len(at) {
			case 6, 7:
				p.Opened(func() { firsts++ })
			case 8:
				cancel()
			}
			return fmt.Errorf("bind: %w", unix.EADDRINUSE)
		})
		if err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		select {
		case <-p.Ready():
		default:
			t.Error("the part opened and is not ready")
		}
		// Pauses of 0.5, 1, 2, 4 and 8 s, a quarter more or less; then 0.5 s twice.
		if at[5] < 11*time.Second || at[5] > 20*time.Second || at[7]-at[5] > 2*time.Second || firsts != 1 {
			t.Errorf("attempts after %v with %d first openings", at, firsts)
		}
		all := events.All()
		if len(all) != 7 {
			t.Fatalf("%d events, want one for each of 7 failures", len(all))
		}
		for _, e := range all {
			if e.Kind != gateway.PartFailed || e.Part != gateway.PartDNS || e.Witness != gateway.WitnessSelf ||
				e.Text != "bind: address already in use" || e.Hint != "look" {
				t.Errorf("a failure is told as %+v", e)
			}
		}
	})
}

// TestAdvice holds which errors have advice.
func TestAdvice(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{unix.EADDRINUSE, "look"},
		{os.NewSyscallError("bind", unix.EADDRNOTAVAIL), "no interface has the address: `ip address` lists those that are there; segment.address names ours"},
		{unix.EPERM, "be root; sending needs a firewall that lets it out"},
		{unix.EACCES, "be root; sending needs a firewall that lets it out"},
		{errors.New("out of luck"), ""},
	} {
		if got := (Advice{Taken: "look", Rights: "be root"}).For(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

// socket is a UDP socket on a free port of 127.0.0.1.
func socket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestAnswer holds an exchange over a real socket: cut to the longest, silence
// for nil, a reply that cannot be sent reported, and an end by the check.
func TestAnswer(t *testing.T) {
	var events gatewaytest.Events
	p, conn, client := part(&events), socket(t), socket(t)
	end, ends := errors.New("the end"), false
	done := make(chan error, 1)
	go func() {
		done <- p.Answer(conn, Packets{
			Name: "dns", Where: "there", Longest: 4, Every: time.Millisecond,
			Check: func(time.Time) error {
				if ends {
					return end
				}
				return nil
			},
			Answer: func(in []byte, from netip.AddrPort) ([]byte, netip.AddrPort) {
				switch string(in) {
				case "nope":
					return nil, from
				case "stop":
					ends = true
				}
				return append([]byte("re:"), in...), from
			},
		})
	}()
	for _, s := range []string{"nope", "hello", "stop"} {
		if _, err := client.WriteTo([]byte(s), conn.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	buf := make([]byte, 64)
	for range 2 {
		n, err := client.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
	}
	if want := []string{"re:hell", "re:stop"}; !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
	if err := <-done; !errors.Is(err, end) {
		t.Errorf("Answer: %v, want %v", err, end)
	}
	if all := events.All(); len(all) != 1 || all[0].Kind != gateway.PartOK || all[0].Part != gateway.PartDNS {
		t.Errorf("events %+v, want one that it works", all)
	}
}

// TestAnswerErrors holds the words for a socket that broke, and for a reply
// that could not be sent.
func TestAnswerErrors(t *testing.T) {
	var events gatewaytest.Events
	conn := socket(t)
	s := Packets{Name: "ntp", Where: "there"}
	to := netip.MustParseAddrPort("127.0.0.1:0")
	want := "send ntp reply to 127.0.0.1:0 on there: write udp4 " + conn.LocalAddr().String() + "->127.0.0.1:0: sendto: invalid argument"
	if err := s.send(conn, []byte("x"), to); err == nil || err.Error() != want {
		t.Errorf("send: %v, want %s", err, want)
	}
	conn.Close()
	err := part(&events).Answer(conn, s)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Answer: %v, want %v", err, net.ErrClosed)
	}
}

// TestWake holds that a silent socket is left for what comes first.
func TestWake(t *testing.T) {
	now := time.Unix(0, 0)
	for _, tt := range []struct{ every, report, want time.Duration }{
		{0, 30, 30}, {5, 30, 5}, {5, 3, 3},
	} {
		if got := (Packets{Every: tt.every}).wake(now, now.Add(tt.report)); got != now.Add(tt.want) {
			t.Errorf("every %d, report in %d: wakes %s, want in %d", tt.every, tt.report, got.Sub(now), tt.want)
		}
	}
}
