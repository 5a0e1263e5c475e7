package incident

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// cuts are the ways to make a bundle smaller, in the order in which they are
// tried. Each is told by how many bytes the file is too large.
var cuts = []func(b Bundle, over int) Bundle{cutCaptures, dropCaptures, halveEvents, halveEvents, halveEvents, halveEvents, dropLog, halveEvents, halveEvents}

// noteRoom is room for what the manifest will say of it.
const noteRoom = 1 << 10

// cutCaptures keeps the latest packets of every capture, in equal shares.
func cutCaptures(b Bundle, over int) Bundle {
	if len(b.Captures) == 0 {
		return b
	}
	total, dense := int64(0), packedSize(b.Captures)
	for _, c := range b.Captures {
		total += int64(len(c))
	}
	// A tenth less, because not all packets compress alike.
	room := total * max(dense-int64(over)-noteRoom, 0) / dense * 9 / 10
	kept := make(map[string][]byte, len(b.Captures))
	for _, name := range slices.Sorted(maps.Keys(b.Captures)) {
		c := b.Captures[name]
		kept[name] = latestPackets(c, int(room*int64(len(c))/max(total, 1)))
		if len(kept[name]) < len(c) {
			b.Cut = append(b.Cut, fmt.Sprintf("%d of %d bytes of %s, its oldest packets", len(c)-len(kept[name]), len(c), name))
		}
		if len(kept[name]) == 0 {
			delete(kept, name)
		}
	}
	b.Captures = kept
	return b
}

// packedSize is how many bytes captures take in a bundle, at least 1.
func packedSize(captures map[string][]byte) int64 {
	var files []packed
	for name, data := range captures {
		files = append(files, packed{name, data})
	}
	data, err := archive(files, time.Time{})
	if err != nil {
		return 1
	}
	return max(int64(len(data)), 1)
}

// dropCaptures drops all captures.
func dropCaptures(b Bundle, _ int) Bundle {
	for _, name := range slices.Sorted(maps.Keys(b.Captures)) {
		b.Cut = append(b.Cut, "the rest of "+name)
	}
	b.Captures = nil
	return b
}

// halveEvents keeps half of the events.
func halveEvents(b Bundle, _ int) Bundle { return fewer(b, len(b.Events)/2) }

// fewer keeps n events, those that a Recorder would.
func fewer(b Bundle, n int) Bundle {
	was := len(b.Events)
	if was <= n || was == 0 {
		return b
	}
	evs := slices.Clone(b.Events)
	b.Events = shrink(evs, n, weighAll(evs))
	b.Cut = append(b.Cut, fmt.Sprintf("%d of %d events", was-len(b.Events), was))
	return b
}

// dropLog drops the log.
func dropLog(b Bundle, _ int) Bundle {
	if len(b.Log) > 0 {
		b.Log = nil
		b.Cut = append(b.Cut, "the log")
	}
	return b
}

// tail is the end of a text, from the start of a line where there is one.
func tail(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	text = text[len(text)-n:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 && i+1 < len(text) {
		text = text[i+1:]
	}
	return text
}

// The types of pcapng blocks that hold a packet
// (draft-ietf-opsawg-pcapng 4.3 to 4.4), and that of a section's start.
const (
	blockSection  = 0x0a0d0d0a
	blockSimple   = 3
	blockEnhanced = 6
	// orderMagic stands in a section's start in the order of its bytes.
	orderMagic = 0x1a2b3c4d
)

// latestPackets keeps the headers of a pcapng file and its latest packets, in
// at most n bytes. What is no pcapng file of one section keeps nothing.
func latestPackets(data []byte, n int) []byte {
	head, packets, ok := blocks(data)
	size := 0
	for _, b := range head {
		size += len(b)
	}
	if !ok || size > n {
		return nil
	}
	first := len(packets)
	for first > 0 && size+len(packets[first-1]) <= n {
		first--
		size += len(packets[first])
	}
	return bytes.Join(append(head, packets[first:]...), nil)
}

// blocks cuts a pcapng file into blocks: those that describe, and those with a packet.
func blocks(data []byte) (head, packets [][]byte, ok bool) {
	if len(data) < 12 || binary.BigEndian.Uint32(data) != blockSection {
		return nil, nil, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if binary.BigEndian.Uint32(data[8:]) == orderMagic {
		order = binary.BigEndian
	}
	for len(data) >= 12 {
		kind, size := order.Uint32(data), order.Uint32(data[4:])
		if size < 12 || size%4 != 0 || uint64(size) > uint64(len(data)) {
			// Torn at the end, as a ring that was frozen may be.
			break
		}
		if kind == blockSimple || kind == blockEnhanced {
			packets = append(packets, data[:size])
		} else {
			head = append(head, data[:size])
		}
		data = data[size:]
	}
	return head, packets, len(head) > 0
}
