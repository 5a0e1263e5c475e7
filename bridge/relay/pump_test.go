package relay

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"photongate/bridge/loop"
	"photongate/gateway"
)

// records is a stream of at least n bytes of records of every length.
func records(n int) []byte {
	var b bytes.Buffer
	for size := 16; b.Len() < n; size = size%1024 + 16 {
		b.Write(record(size))
	}
	return b.Bytes()
}

// sum names bytes in a message.
func sum(b []byte) string { return fmt.Sprintf("%d bytes with hash %x", len(b), sha256.Sum256(b)) }

func TestHandshakeIsRecorded(t *testing.T) {
	s := newSite(t, nil)
	dev, cloud := s.talking(1)
	s.cross(dev, cloud, record(16))
	s.cross(cloud, dev, record(32))
	dev.Close()
	cloud.Close()
	rec := s.closed(1)
	if rec.Phase != gateway.PhaseTalking || rec.Up != 256+18+18 || rec.Down != 40+384+18+34 || rec.PathRTT != time.Millisecond {
		t.Errorf("got %s with %d up and %d down, want talking with 292 and 476: %+v", rec.Phase, rec.Up, rec.Down, rec)
	}
	if !slices.IsSorted(rec.Reached[:]) || rec.Reached[gateway.PhaseSilent] <= 0 {
		t.Errorf("phases were reached after %v, want ascending times", rec.Reached)
	}
	var kinds []string
	for _, ev := range s.events.All() {
		switch {
		case ev.Kind == gateway.PartOK:
			continue
		case ev.Witness != gateway.WitnessRelay, ev.MAC != mac(1), ev.Session != 1, ev.Time.IsZero():
			t.Errorf("the event is not of this session: %+v", ev)
		case ev.Kind == gateway.Phased:
			kinds = append(kinds, ev.Phase.String())
			continue
		}
		kinds = append(kinds, string(ev.Kind))
	}
	want := []string{"connecting", "connected", "silent", "nonce", "device-key", "cloud-key", "hello", "established", "talking", "session-closed"}
	if !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}

// However the key block arrives, the cloud's first read has all of it.
func TestKeyBlockLeavesWhole(t *testing.T) {
	for _, pieces := range [][]int{{256}, {1, 255}, {255, 1}, {128, 128}, {64, 64, 64, 64}, slices.Repeat([]int{1}, 256)} {
		t.Run(fmt.Sprint(len(pieces), " pieces from ", pieces[0]), func(t *testing.T) {
			s := newSite(t, nil)
			dev, cloud := s.pair(1)
			s.cross(cloud, dev, random(40))
			block := random(256)
			at := 0
			for _, n := range pieces {
				send(t, dev, block[at:at+n])
				at += n
				s.until(1, "the relay has read the piece", func(x *session) bool { return x.upBytes == uint64(at) })
			}
			got := make([]byte, 1024)
			n, err := cloud.Read(got)
			if err != nil || !bytes.Equal(got[:n], block) {
				t.Errorf("the first read returned %d bytes, %v; want the whole 256", n, err)
			}
			s.until(1, "the buffer is gone", func(x *session) bool { return x.held == nil })
			s.cross(cloud, dev, random(384))
		})
	}
}

// A part of the block that the device closes behind is the cloud's to judge.
func TestKeyBlockCutOff(t *testing.T) {
	s := newSite(t, nil)
	dev, cloud := s.pair(1)
	s.cross(cloud, dev, random(40))
	part := random(100)
	send(t, dev, part)
	dev.CloseWrite()
	got, err := io.ReadAll(cloud)
	if err != nil || !bytes.Equal(got, part) {
		t.Errorf("read %d bytes, %v; want the 100", len(got), err)
	}
	cloud.Close()
	if rec := s.closed(1); rec.How != gateway.EndFIN || rec.ClosedBy != gateway.ByDevice || rec.Up != 100 {
		t.Errorf("got %s by %s after %d bytes, want fin by device after 100", rec.How, rec.ClosedBy, rec.Up)
	}
}

// Both directions at once, 1 MB and more, with readers that begin late: the
// relay stops reading, holds at most a buffer for each, and loses nothing.
func TestBackpressure(t *testing.T) {
	s := newSite(t, nil)
	dev, cloud := s.talking(1)
	const size = 16 << 20 // more than the kernel's buffers take
	up, down := records(size), records(size)
	go dev.Write(up)
	go cloud.Write(down)
	s.until(1, "both directions are paused", func(x *session) bool {
		return len(x.up.pending) > 0 && len(x.dev.pending) > 0
	})
	s.on(func() {
		x := s.relay.byMAC[mac(1)]
		for _, h := range []*half{&x.dev, &x.up} {
			if h.watch != loop.Out || len(h.pending) > 64<<10 {
				t.Errorf("%d bytes wait and %#x is watched for; want at most 64 KiB and %#x", len(h.pending), h.watch, loop.Out)
			}
		}
	})
	got := make(chan []byte)
	for _, c := range []net.Conn{dev, cloud} {
		go func() {
			b := make([]byte, len(down))
			if c == cloud {
				b = make([]byte, len(up))
			}
			n, _ := io.ReadFull(c, b)
			got <- b[:n]
		}()
	}
	for range 2 {
		if b := <-got; !bytes.Equal(b, up) && !bytes.Equal(b, down) {
			t.Errorf("got %s, want %s or %s", sum(b), sum(up), sum(down))
		}
	}
	s.until(1, "no buffer is held", func(x *session) bool {
		return x.up.pending == nil && x.dev.pending == nil && x.up.watch == loop.In && x.dev.watch == loop.In
	})
	dev.Close()
	cloud.Close()
	if rec := s.closed(1); rec.Up != uint64(274+len(up)) || rec.Down != uint64(442+len(down)) {
		t.Errorf("counted %d and %d bytes, want %d and %d", rec.Up, rec.Down, 274+len(up), 442+len(down))
	}
}

// A close waits for what the other side has still to read, in both directions.
func TestCloseBehindPending(t *testing.T) {
	for _, first := range []gateway.Closer{gateway.ByCloud, gateway.ByDevice} {
		t.Run(string(first), func(t *testing.T) {
			s := newSite(t, nil)
			dev, cloud := s.talking(1)
			src, dst := cloud, dev
			if first == gateway.ByDevice {
				src, dst = dev, cloud
			}
			b := records(16 << 20)
			go func() {
				src.Write(b)
				src.CloseWrite()
			}()
			s.until(1, "bytes wait", func(x *session) bool { return len(x.up.pending)+len(x.dev.pending) > 0 })
			dst.CloseWrite() // both close, and the bytes are still under way
			s.until(1, "one close is known", func(x *session) bool { return x.first != 0 })
			if got, err := io.ReadAll(dst); err != nil || !bytes.Equal(got, b) {
				t.Errorf("got %s, %v; want %s", sum(got), err, sum(b))
			}
			if rec := s.closed(1); rec.How != gateway.EndFIN {
				t.Errorf("it ended by %s, want fin", rec.How)
			}
		})
	}
}

// A reset while bytes wait for the other side ends the session at once.
func TestResetWhilePending(t *testing.T) {
	for _, side := range []gateway.Closer{gateway.ByCloud, gateway.ByDevice} {
		t.Run(string(side), func(t *testing.T) {
			s := newSite(t, nil)
			dev, cloud := s.talking(1)
			go cloud.Write(records(16 << 20))
			s.until(1, "bytes wait", func(x *session) bool { return len(x.dev.pending) > 0 })
			if side == gateway.ByCloud {
				abort(cloud)
			} else {
				abort(dev)
			}
			if rec := s.closed(1); rec.How != gateway.EndRST || rec.ClosedBy != side {
				t.Errorf("it ended by %s of %s, want rst of %s", rec.How, rec.ClosedBy, side)
			}
		})
	}
}

// The last bytes and the close behind them come in one go, and no timer is
// needed to see the close.
func TestHalfCloseBothWays(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.limits.tick = time.Hour })
	for _, first := range []string{"device", "cloud"} {
		dev, cloud := s.talking(1)
		src, dst := dev, cloud
		if first == "cloud" {
			src, dst = cloud, dev
		}
		last := record(48)
		send(t, src, last)
		src.CloseWrite()
		begun := time.Now()
		if got, err := io.ReadAll(dst); err != nil || !bytes.Equal(got, last) {
			t.Errorf("%s: read %d bytes, %v; want 50", first, len(got), err)
		}
		if d := time.Since(begun); d > wait/2 {
			t.Errorf("%s: the close took %s", first, d)
		}
		for range 3 {
			s.cross(dst, src, record(16)) // the other direction lives on
		}
		dst.Close()
		if got := ending(src); got != "eof" {
			t.Errorf("%s saw %s, want eof", first, got)
		}
		if rec := s.closed(1); string(rec.ClosedBy) != first || rec.How != gateway.EndFIN {
			t.Errorf("got %s by %s, want fin by %s", rec.How, rec.ClosedBy, first)
		}
		s.events.Reset()
	}
}

// What is not Spark crosses unchanged where PassAll is set, and what was held
// back as a key block comes out first.
func TestPassAll(t *testing.T) {
	s := newSite(t, func(r *Relay) { r.cfg.PassAll = true })
	dev, cloud := s.pair(1)
	s.cross(cloud, dev, random(40))
	held := random(100)
	send(t, dev, held)
	s.until(1, "the relay has read them", func(x *session) bool { return x.upBytes == 100 })
	s.cross(cloud, dev, random(7)) // the cloud may not: from here on nobody looks
	got := make([]byte, 100)
	if _, err := io.ReadFull(cloud, got); err != nil || !bytes.Equal(got, held) {
		t.Errorf("read %v, want the 100 bytes in order", err)
	}
	s.cross(dev, cloud, []byte("GET / HTTP/1.1\r\n"))
	dev, cloud = s.pair(2)
	s.cross(dev, cloud, []byte("the device speaks first"))
	s.cross(cloud, dev, []byte("and the cloud answers"))
}

// One keepalive and its answer.
func BenchmarkRelayRoundTrip(b *testing.B) {
	s := newSite(b, nil)
	dev, cloud := s.talking(1)
	dev.SetDeadline(time.Time{})
	cloud.SetDeadline(time.Time{})
	ping, buf := record(16), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		dev.Write(ping)
		cloud.Read(buf)
		cloud.Write(ping)
		dev.Read(buf)
	}
}

// One session from its connect to the cloud's first bytes.
func BenchmarkRelaySetup(b *testing.B) {
	s := newSite(b, nil)
	nonce, buf := random(40), make([]byte, 64)
	for b.Loop() {
		dev, err := net.Dial("tcp4", s.relay.cfg.Listen.String())
		if err != nil {
			b.Fatal(err)
		}
		cloud, err := s.cloud.Accept()
		if err != nil {
			b.Fatal(err)
		}
		cloud.Write(nonce)
		dev.Read(buf)
		abort(dev.(*net.TCPConn))
		cloud.Close()
	}
}
