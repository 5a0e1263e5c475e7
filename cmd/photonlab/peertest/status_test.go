package peertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// status is what the test reads of `photongate status --json`.
type status struct {
	TS      time.Time `json:"ts"`
	Status  string    `json:"status"`
	Devices []struct {
		Name       string   `json:"name"`
		ID         string   `json:"id"`
		Stage      string   `json:"stage"`
		Online     bool     `json:"online"`
		Reconnects uint64   `json:"reconnects"`
		Session    *session `json:"session"`
		Verdict    verdict  `json:"verdict"`
	} `json:"devices"`
}

// session is the session of a device there.
type session struct {
	ID    uint64 `json:"id"`
	Cloud string `json:"cloud"`
	Phase string `json:"phase"`
	Up    uint64 `json:"up_bytes"`
	Down  uint64 `json:"down_bytes"`
}

// verdict is the verdict on it.
type verdict struct {
	Outcome string `json:"outcome"`
	Hop     string `json:"hop"`
	Code    string `json:"code"`
	Owner   string `json:"owner"`
	Summary string `json:"summary"`
	Next    string `json:"next"`
}

// watch runs `photongate status --json --watch` and gives look one status after
// the other until it is content; what says what is waited for.
func (w *world) watch(limit time.Duration, what string, look func(status) (content bool)) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.gate, "status", "--json", "--watch", "--socket", w.socket())
	said := new(output)
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // It was killed.
	}()
	last, err := follow(out, look)
	if err == nil {
		return
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("waited %s in vain", limit)
	}
	w.t.Fatalf("%s: %v %s\nlast status: %+v", what, err, said, last)
}

// follow gives look the statuses of a stream, and returns the last one with the
// error that ended the stream, if look was not content before.
func follow(stream io.Reader, look func(status) bool) (last status, err error) {
	for in := json.NewDecoder(stream); ; {
		var s status
		if err := in.Decode(&s); err != nil {
			return last, err
		}
		if last = s; len(s.Devices) != 1 {
			return last, errors.New("want one device")
		}
		if look(s) {
			return last, nil
		}
	}
}
