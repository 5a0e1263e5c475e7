package egress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"photongate/gateway"
)

// maxStored bounds the file of the book: 64 entries of about 250 bytes, twice over.
const maxStored = 64 << 10

// restore reads the book that an earlier run left. A damaged file costs only
// what was in it.
func (e *Egress) restore() {
	if e.cfg.Path == "" {
		return
	}
	b, err := os.ReadFile(e.cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil && len(b) > maxStored {
		err = fmt.Errorf("%d bytes are too many", len(b))
	}
	var old []gateway.Address
	if err == nil {
		err = json.Unmarshal(b, &old)
	}
	if err != nil {
		e.cfg.Log.Warn("the address book of the last run is unreadable; starting a new one", "err", fmt.Errorf("read %s: %w", e.cfg.Path, err))
		return
	}
	e.cfg.Loop.Post(func() { e.book.recall(old, e.cfg.Port) })
}

// recall enters addresses of an earlier run. Only that they once were good
// counts: what failed then may work now.
func (b *book) recall(old []gateway.Address, port uint16) {
	for _, o := range old {
		if len(b.entries) >= maxBook || !usable(o.Addr.Addr()) || o.Addr.Port() != port || b.find(o.Addr) != nil {
			continue
		}
		b.entries = append(b.entries, gateway.Address{
			Addr: o.Addr, LastGood: o.LastGood, Approved: b.approves(o.Addr.Addr(), false),
		})
	}
}

// saveEvery bounds how often a changed book is written while the gateway runs:
// the cloud's addresses rotate, and flash wears.
const saveEvery = time.Hour

// keep writes the book for the next run, if it changed and was not written
// within the last every. It tells when that begins and ceases not to work.
func (e *Egress) keep(ctx context.Context, every time.Duration) {
	var list []gateway.Address
	e.cfg.Loop.Do(ctx, func() {
		if now := time.Now(); e.dirty && now.Sub(e.saved) >= every {
			e.dirty, e.saved = false, now
			list = e.book.list()
		}
	})
	if e.cfg.Path == "" || len(list) == 0 {
		return
	}
	ev := gateway.Event{Witness: gateway.WitnessSelf, Kind: gateway.PartOK, Part: gateway.PartStorage}
	err := write(e.cfg.Path, list)
	if err != nil {
		ev.Kind, ev.Text = gateway.PartFailed, err.Error()
		e.cfg.Loop.Do(ctx, func() { e.dirty = true })
	}
	if err != nil || e.unkept {
		ev.Time = time.Now()
		e.cfg.Emit(ev)
	}
	e.unkept = err != nil
}

// write replaces the file of the book.
func write(path string, list []gateway.Address) error {
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode the address book: %w", err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write the address book: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replace the address book: %w", err)
	}
	return nil
}
