package daemon

import (
	"maps"

	"photongate/gateway"
)

// counts are totals that only events tell.
type counts struct {
	opened, closed uint64
	refused, drops map[string]uint64
}

// newCounts starts at zero.
func newCounts() counts {
	return counts{refused: map[string]uint64{}, drops: map[string]uint64{}}
}

// apply counts one event.
func (c *counts) apply(ev gateway.Event) {
	switch ev.Kind {
	case gateway.Connecting:
		if ev.Witness == gateway.WitnessRelay {
			c.opened++
		}
	case gateway.SessionClosed:
		c.closed++
		if ev.Record != nil && ev.Record.How == gateway.EndNotSpark {
			c.refused["not_spark"]++
		}
	case gateway.SessionRefused:
		c.refused[ev.Name] += ev.Count
	case gateway.Dropped:
		c.drops[ev.Text] += ev.Count
	}
}

// counters gathers all totals.
func (j *journal) counters() gateway.Counters {
	c := gateway.Counters{
		EventsDropped:   j.dropped.Load(),
		SessionsOpened:  j.counts.opened,
		SessionsClosed:  j.counts.closed,
		SessionsRefused: maps.Clone(j.counts.refused),
		FirewallDrops:   maps.Clone(j.counts.drops),
	}
	d := j.d
	if d.dhcp == nil || d.dns == nil || d.ntp == nil {
		return c // the gateway is still being built
	}
	c.Strangers, c.LeasesGranted = d.dhcp.Strangers(), d.dhcp.Granted()
	c.DNSAnswered, c.DNSRefused = d.dns.Answered(), d.dns.Refused()
	c.Malformed = map[string]uint64{"dhcp": d.dhcp.Malformed(), "dns": d.dns.Malformed(), "ntp": d.ntp.Malformed(), "presence": d.presence.Malformed()}
	if d.mqtt != nil {
		c.SpoolWaiting, c.SpoolDropped = d.mqtt.SpoolWaiting(), d.mqtt.SpoolDropped()
	}
	return c
}
