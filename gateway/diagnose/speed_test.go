package diagnose

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"photongate/gateway"
)

// steady are the lines of a healthy device: one exchange in a quarter of a minute.
func steady(b *bytes.Buffer, ms uint64) {
	fmt.Fprintf(b, "%010d [comm.protocol] INFO: Sending TIME request\r\n", ms%(1<<32))
	fmt.Fprintf(b, "%010d [comm.protocol] INFO: Received TIME response: 1497029895\r\n", (ms+40)%(1<<32))
}

// chatter are lines of an application, with and without a log handler.
func chatter(b *bytes.Buffer, ms uint64) {
	fmt.Fprintf(b, "temperature=%d.%d humidity=%d%% battery=3.71V\r\n", 18+ms%7, ms%10, 40+ms%13)
	fmt.Fprintf(b, "%010d [app.sensor] INFO: sample %d sent to queue\r\n", ms%(1<<32), ms)
	fmt.Fprintf(b, "GET /status HTTP/1.1 [ok] {len=%d}\r\n", ms%512)
}

// logOf is a log of about the given size, written by f.
func logOf(size int, f func(*bytes.Buffer, uint64)) []byte {
	var b bytes.Buffer
	for ms := uint64(5000); b.Len() < size; ms += 15_000 {
		f(&b, ms)
	}
	return b.Bytes()
}

// BenchmarkSerial measures the whole judgement of large logs.
func BenchmarkSerial(b *testing.B) {
	for _, bb := range []struct {
		name string
		f    func(*bytes.Buffer, uint64)
	}{{"steady", steady}, {"chatter", chatter}} {
		log := logOf(64<<20, bb.f)
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Serial(bytes.NewReader(log)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/count lines", func(b *testing.B) {
			// What `wc -l` does: the measure of what the machine can do.
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				if bytes.Count(log, []byte{'\n'}) == 0 {
					b.Fatal("no lines")
				}
			}
		})
	}
}

// repeat reads the same text again and again, size bytes of it.
type repeat struct {
	text []byte
	at   int
	left int64
}

// Read gives the next bytes.
func (r *repeat) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	r.left -= int64(n)
	return n, nil
}

// TestConstantMemory: a log of hundreds of megabytes takes no more than a small one, whatever it holds.
func TestConstantMemory(t *testing.T) {
	// The collector lets garbage grow to 4 MB before it looks, and to twice what is in use.
	const ceiling = 12 << 20
	for _, tt := range []struct {
		name string
		size int64
		text func() []byte
	}{
		{"steady", 256 << 20, func() []byte { return logOf(1<<20, steady) }},
		{"chatter", 32 << 20, func() []byte { return logOf(1<<20, chatter) }},
		{"no line ends", 32 << 20, func() []byte { return bytes.Repeat([]byte{'x'}, 1<<20) }},
		{"zeroes", 32 << 20, func() []byte { return make([]byte, 1<<20) }},
		{"carriage returns", 32 << 20, func() []byte { return bytes.Repeat([]byte("0000003058 [app] INFO: hello\r"), 1<<15) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text()
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var most uint64
			r := Watch(&repeat{text: text, left: tt.size}, tt.size/64, func(int64) {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			})
			if _, _, err := Serial(r); err != nil {
				t.Fatal(err)
			}
			if most > before.HeapAlloc+ceiling {
				t.Errorf("grew by %d bytes, want at most %d", most-before.HeapAlloc, ceiling)
			}
		})
	}
}

// TestWatch: the bytes are told as they pass, and all of them at the end.
func TestWatch(t *testing.T) {
	var got []int64
	r := Watch(bytes.NewReader(make([]byte, 250)), 100, func(n int64) { got = append(got, n) })
	b := make([]byte, 50)
	for {
		if _, err := r.Read(b); err != nil {
			break
		}
	}
	if want := []int64{100, 200, 250}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestReadSerialAllocates: lines that only count are not copied one by one.
func TestReadSerialAllocates(t *testing.T) {
	log := logOf(1<<20, chatter)
	lines := bytes.Count(log, []byte{'\n'})
	per := testing.AllocsPerRun(3, func() {
		if _, err := ReadSerial(bytes.NewReader(log), func(gateway.Event) {}); err != nil {
			t.Fatal(err)
		}
	})
	if per > float64(lines)/100 {
		t.Errorf("%v allocations for %d lines", per, lines)
	}
}
