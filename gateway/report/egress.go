package report

import (
	"strings"

	"photongate/gateway"
)

// egressDoc is the way out. What stands before TS is news; the details of the
// addresses change with every probe.
type egressDoc struct {
	Schema  int    `json:"schema,omitempty"`
	Gateway string `json:"gateway,omitempty"`
	Via     string `json:"via"`
	Cloud   string `json:"cloud"`
	Up      bool   `json:"up"`
	Since   stamp  `json:"since,omitzero"`
	Reason  string `json:"reason,omitempty"`
	// Total, Approved and Current count addresses; Outcomes counts their last outcomes.
	Total    int                     `json:"addresses_total"`
	Approved int                     `json:"addresses_approved"`
	Current  int                     `json:"addresses_current"`
	Outcomes map[gateway.Outcome]int `json:"outcomes"`
	// Drift lists current addresses that are not approved.
	Drift []string `json:"drift"`

	TS        *stamp       `json:"ts,omitempty"`
	Addresses []addressDoc `json:"addresses"`
}

// addressDoc is one entry of the address book.
type addressDoc struct {
	Addr     string          `json:"addr"`
	Approved bool            `json:"approved"`
	Current  bool            `json:"current"`
	Last     gateway.Outcome `json:"last,omitempty"`
	LastTime stamp           `json:"last_time,omitzero"`
	LastGood stamp           `json:"last_good,omitzero"`
	RTT      *float64        `json:"rtt_ms,omitempty"`
	Good     uint32          `json:"good"`
	Bad      uint32          `json:"bad"`
}

// Egress says how the way out is doing. Its topic ends in the kind of path:
// direct, http, https or socks5.
func Egress(s gateway.Snapshot) Message {
	kind, _, _ := strings.Cut(s.Egress.Via, "://")
	if kind == "" {
		kind = "direct"
	}
	return seal(topic(s.Gateway, "egress", level(kind)), func(r room) any {
		d := newEgressDoc(s.Egress, r)
		d.Schema, d.Gateway, d.TS = Schema, clean(s.Gateway, maxLevel), &stamp{s.Time}
		return d
	})
}

// newEgressDoc renders the way out without the head of a document of its own.
func newEgressDoc(e gateway.EgressStatus, r room) egressDoc {
	d := egressDoc{
		Via: clean(e.Via, r.text), Cloud: clean(e.Cloud, r.text), Up: e.Up, Since: stamp{e.Since}, Reason: clean(e.Reason, r.text),
		Total: len(e.Addresses), Outcomes: map[gateway.Outcome]int{}, Drift: []string{}, Addresses: []addressDoc{},
	}
	if e.Up {
		d.Reason = ""
	}
	for _, a := range e.Addresses {
		d.add(a, r)
	}
	return d
}

// add takes one address into the counts and, as far as there is room, the lists.
func (d *egressDoc) add(a gateway.Address, r room) {
	if a.Approved {
		d.Approved++
	}
	if a.Current {
		d.Current++
	}
	if a.Current && !a.Approved && len(d.Drift) < r.list {
		d.Drift = append(d.Drift, a.Addr.String())
	}
	if a.Last != "" {
		d.Outcomes[a.Last]++
	}
	if len(d.Addresses) < r.list {
		d.Addresses = append(d.Addresses, addressDoc{
			Addr: a.Addr.String(), Approved: a.Approved, Current: a.Current, Last: a.Last, LastTime: stamp{a.LastTime},
			LastGood: stamp{a.LastGood}, RTT: millis(a.RTT), Good: a.Good, Bad: a.Bad,
		})
	}
}
