package sparktest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sessions is both ends of a session over a pipe, without a handshake.
func sessions(t *testing.T) (device, cloud *Session) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	secrets := newCredentials()
	device, err := newSession(a, testID, secrets)
	if err != nil {
		t.Fatal(err)
	}
	cloud, err = newSession(b, testID, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return device, cloud
}

func TestCountersComeFromSalt(t *testing.T) {
	var c credentials
	copy(c[32:], []byte{0x12, 0x34, 0x56})
	s, err := newSession(nil, testID, c)
	if err != nil {
		t.Fatal(err)
	}
	if s.lastID != 0x1234 || s.NextToken() != 0x57 {
		t.Errorf("counters %#x %#x, want 0x1234 0x57", s.lastID, s.lastToken)
	}
}

func TestReadGoesOnAfterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, cloud := sessions(t)
		var record bytes.Buffer
		tap := &Session{conn: writeOnly{&record}, out: cloud.out}
		if err := tap.WriteMessage(Ping(5)); err != nil {
			t.Fatal(err)
		}
		go cloud.conn.Write(record.Bytes()[:7])
		device.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := device.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) || !device.Partial() {
			t.Fatalf("error %v, partial %v, want a deadline within a record", err, device.Partial())
		}
		go cloud.conn.Write(record.Bytes()[7:])
		device.SetReadDeadline(time.Time{})
		m, err := device.ReadMessage()
		if err != nil || !m.IsPing() || m.ID != 5 {
			t.Errorf("message %+v, error %v, want ping 5", m, err)
		}
	})
}

// writeOnly is a connection that records.
type writeOnly struct{ io.Writer }

func (writeOnly) Close() error                     { return nil }
func (writeOnly) Read([]byte) (int, error)         { return 0, io.EOF }
func (writeOnly) LocalAddr() net.Addr              { return nil }
func (writeOnly) RemoteAddr() net.Addr             { return nil }
func (writeOnly) SetDeadline(time.Time) error      { return nil }
func (writeOnly) SetReadDeadline(time.Time) error  { return nil }
func (writeOnly) SetWriteDeadline(time.Time) error { return nil }

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name string
		wire []byte
		want string
	}{
		{"nothing", nil, "read record: EOF"},
		{"half a length", []byte{0}, "read record: unexpected EOF"},
		{"half a record", make([]byte, 12), "read record: length 0 is no multiple of 16: not a record"},
		{"cut", append([]byte{0, 16}, make([]byte, 3)...), "read record: unexpected EOF"},
		{"not a multiple", []byte{0, 17}, "read record: length 17 is no multiple of 16: not a record"},
		{"too long", []byte{4, 0}, "read record: length 1024 is above 800: not a record"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			device, cloud := sessions(t)
			go func() {
				cloud.conn.Write(tt.wire)
				cloud.conn.Close()
			}()
			if _, err := device.ReadMessage(); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestWriteRefusesLongMessage(t *testing.T) {
	device, _ := sessions(t)
	err := device.WriteMessage(Message{Payload: make([]byte, MaxFrame)})
	if want := "write record: message of 805 bytes, most is 799: not a CoAP message"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestServeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, cloud := sessions(t)
		done := make(chan error, 1)
		go func() { done <- cloud.Serve(t.Context(), ServeConfig{}) }()
		ask := func(m Message) Message {
			t.Helper()
			if err := device.WriteMessage(m); err != nil {
				t.Fatal(err)
			}
			got, err := device.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := ask(Ping(9)); !reflect.DeepEqual(got, Ack(9)) {
			t.Errorf("ping answered by %+v", got)
		}
		if got, want := ask(TimeRequest(10, 3)), TimeResponse(TimeRequest(10, 3), time.Now()); !reflect.DeepEqual(got, want) {
			t.Errorf("time answered by %+v, want %+v", got, want)
		}
		start := time.Now()
		first, err := device.ReadMessage()
		if err != nil || first.Path() != "d" || first.Query() != "\x02" || time.Since(start) != time.Second {
			t.Fatalf("after %s %+v, %v, want an application describe request after 1s", time.Since(start), first, err)
		}
		second := ask(DescribeResponse(first, "{}"))
		if second.Path() != "d" || second.Query() != "\x01" {
			t.Errorf("then %+v, want a system describe request", second)
		}
		start = time.Now()
		want := "serve device 3a0027000447333136323739: read record: read pipe: i/o timeout"
		if err := <-done; err == nil || err.Error() != want || time.Since(start) != 31*time.Second {
			t.Errorf("after %s error %v, want after 31s %s", time.Since(start), err, want)
		}
	})
}

func TestCloudKnobs(t *testing.T) {
	c := NewCloud(t, CloudConfig{})
	conn := dial(t, c)
	s, err := Device(t.Context(), conn, device())
	if err != nil {
		t.Fatal(err)
	}
	Await(t, c.Sessions(), 5*time.Second)
	c.SetDeaf(true)
	if err := s.Send(Ping); err != nil {
		t.Fatal(err)
	}
	c.DropAll()
	if _, err := s.ReadMessage(); Code(err) != CodeClosed && Code(err) != CodeReset {
		t.Errorf("error %v, want the connection's end", err)
	}
	c.SetMute(true)
	quiet := device()
	quiet.Receive = 100 * time.Millisecond
	if _, err := Device(t.Context(), dial(t, c), quiet); Code(err) != CodeTimeout {
		t.Errorf("error %v, want code -1", err)
	}
	if c.Accepted() != 2 {
		t.Errorf("accepted %d, want 2", c.Accepted())
	}
}

func TestParseMessageRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"short", "\x40\x00\x00", "3 bytes: not a CoAP message"},
		{"version", "\x80\x00\x00\x00", "version 2: not a CoAP message"},
		{"token", "\x44\x01\x00\x00\x00", "token of 4 bytes in 5: not a CoAP message"},
		{"long token", "\x49\x01\x00\x00", "token of 9 bytes in 4: not a CoAP message"},
		{"empty with more", "\x40\x00\x00\x00\xb1\x64", "empty message of 6 bytes: not a CoAP message"},
		{"cut option", "\x40\x01\x00\x00\xb2\x64", "option 1: not a CoAP message"},
		{"reserved nibble", "\x40\x01\x00\x00\xf1\x64", "option 1: not a CoAP message"},
		{"cut extension", "\x40\x01\x00\x00\xbe\x64", "option 1: not a CoAP message"},
		{"too many", "\x40\x01\x00\x00" + strings.Repeat("\x00", 17), "option 17: not a CoAP message"},
		{"bare marker", "\x40\x01\x00\x00\xff", "payload marker without payload: not a CoAP message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseMessage([]byte(tt.in)); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, m := range []Message{
		Ping(1), Hello{}.Message(2), Event(3, strings.Repeat("n", 300), "x"), Subscribe(4, "spark"), DescribeRequest(5, 6, 7),
	} {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := ParseMessage(in)
		if err != nil {
			return
		}
		again, err := ParseMessage(m.Append(nil))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzFrameReader(f *testing.F) {
	f.Add([]byte("\x00\x10aaaaaaaaaaaaaaaa\x00\x10bbbbbbbbbbbbbbbb"), 3)
	f.Add([]byte("GET / HTTP/1.0\r\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		r := frameReader{r: &slowReader{in, max(1, step%64)}}
		total := 0
		for {
			b, err := r.next()
			if err != nil {
				break
			}
			if len(b) == 0 || len(b)%16 != 0 || len(b) > MaxFrame {
				t.Fatalf("record of %d bytes", len(b))
			}
			total += lengthSize + len(b)
		}
		if total > len(in) {
			t.Errorf("read %d of %d bytes", total, len(in))
		}
	})
}

// slowReader gives at most step bytes at once.
type slowReader struct {
	b    []byte
	step int
}

// Read implements io.Reader.
func (r *slowReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[:min(r.step, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}
