//go:build !nowatch

package capture

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// TestRecorder adds more than fits: the latest packets are there, whole and in
// order, in memory that does not grow beyond its limit.
func TestRecorder(t *testing.T) {
	r := recorder{limit: 5000}
	n := 0
	for i := range 1000 {
		r.add(t0.Add(time.Duration(i)), bytes.Repeat([]byte{byte(i)}, i%200), 1000+i)
		held := r.packets()
		if len(held) == 0 || len(r.buf) > r.limit {
			t.Fatalf("after packet %d: %d held in %d bytes", i, len(held), len(r.buf))
		}
		n = len(held)
		for k, p := range held {
			want := i - len(held) + 1 + k
			if p.wire != 1000+want || !p.at.Equal(t0.Add(time.Duration(want))) || !bytes.Equal(p.data, bytes.Repeat([]byte{byte(want)}, want%200)) {
				t.Fatalf("after packet %d: packet %d is %+v, want that of %d", i, k, p, want)
			}
		}
	}
	if n < 20 {
		t.Errorf("%d packets held, want what fits in %d bytes", n, r.limit)
	}
	if r.add(t0, make([]byte, 6000), 6000); len(r.packets()) != n {
		t.Error("a packet larger than the limit displaced others")
	}
}

// TestFilter runs the kernel's program on frames.
func TestFilter(t *testing.T) {
	const snap = 96
	vm, err := bpf.NewVM(program(snap))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filter(snap); err != nil {
		t.Fatal(err)
	}
	fragment := newTape(t).udp(photonA, dnsA, nil).frames[0].data
	fragment[21] = 7
	options := newTape(t)
	options.conn(photonA, cloudA).tcp(true, "S", 1, 0)
	long := options.frames[0].data
	// Four more bytes of IP options move the ports.
	long = append(append(append([]byte{}, long[:34]...), 1, 1, 1, 1), long[34:]...)
	long[14] = 0x46
	tcp := func(from, to string) []byte {
		p := newTape(t)
		p.conn(from, to).tcp(true, "A", 1, 1000)
		return p.frames[0].data
	}
	tests := []struct {
		name  string
		frame []byte
		want  int
	}{
		{"arp", newTape(t).arp("192.168.77.20", "192.168.77.1").frames[0].data, arpLen},
		{"dhcp", newTape(t).lease().frames[0].data, wholeLen},
		{"dns query", newTape(t).ask().frames[0].data, wholeLen},
		{"dns answer", newTape(t).ask().reply(0, "1.2.3.4").frames[1].data, wholeLen},
		{"cloud up", tcp(photonA, cloudA), snap},
		{"cloud down", tcp(cloudA, photonA), snap},
		{"cloud with options", long, snap},
		{"internet test", tcp(photonA, "8.8.8.8:53"), snap},
		{"web", tcp(photonA, "54.1.2.3:443"), 0},
		{"icmp", newTape(t).ask().unreachable(3).frames[1].data, snap},
		{"ntp", newTape(t).udp("192.168.77.20:4000", "192.168.77.1:123", nil).frames[0].data, snap},
		{"presence", newTape(t).udp(photonA, "224.0.1.187:5683", nil).frames[0].data, snap},
		{"other udp", newTape(t).udp(photonA, "192.168.77.1:5353", nil).frames[0].data, 0},
		{"fragment", fragment, 0},
		{"ipv6", append(make([]byte, 12), 0x86, 0xdd, 0x60), 0},
		{"short", []byte{1, 2, 3}, 0},
	}
	for _, tt := range tests {
		if got, err := vm.Run(tt.frame); err != nil || got != tt.want {
			t.Errorf("%s: keeps %d bytes, %v, want %d", tt.name, got, err, tt.want)
		}
	}
}
