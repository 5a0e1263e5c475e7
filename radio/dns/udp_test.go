package dns

import (
	"bytes"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"photongate/gateway"
)

// TestUDP holds the service over a real socket, its events and its counters.
func TestUDP(t *testing.T) {
	r := start(t)
	c := r.dial(t, "udp4")
	buf := make([]byte, queryLimit)
	for _, q := range []struct {
		in   []byte
		want string
	}{
		{[]byte("no question"), ""},
		{ask("Device.Spark.io.", dnsmessage.TypeA), "device.spark.io 192.168.77.1"},
		{ask("device.spark.io.", dnsmessage.TypeAAAA), ""},
		{ask("pool.ntp.org.", dnsmessage.TypeA), ""},
		{ask("Example.com.", dnsmessage.TypeA), "example.com"},
		{ask("example.com.", dnsmessage.TypeA), ""},
		{ask("example.net.", dnsmessage.TypeA), "example.net"},
	} {
		if _, err := c.Write(q.in); err != nil {
			t.Fatal(err)
		}
		if q.in[0] != 0xbe {
			continue
		}
		if _, err := c.Read(buf); err != nil || !bytes.Equal(buf[:2], q.in[:2]) {
			t.Errorf("received %x, %v", buf[:2], err)
		}
		// The event precedes the reply.
		got := ""
		if len(r.events) > 0 {
			e := <-r.events
			got = e.Name
			if e.Kind == gateway.Resolved {
				got += " " + e.Addr.String()
			}
			if e.MAC != device() || e.Witness != gateway.WitnessAir {
				t.Errorf("the event is %+v", e)
			}
		}
		if got != q.want {
			t.Errorf("%q is told as %q, want %q", q.in, got, q.want)
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
	if r.Answered() != 3 || r.Refused() != 3 || r.Malformed() != 1 {
		t.Errorf("counted %d answered, %d refused, %d malformed; want 3, 3, 1", r.Answered(), r.Refused(), r.Malformed())
	}
}
