package diagnose

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"photongate/gateway"
)

// defaultCloud is the name that a Photon looks up unless told otherwise (photon.md 5.1).
const defaultCloud = "device.spark.io"

// cloudName is the name that the device looks up.
func (v view) cloudName() string {
	if v.cloud == "" {
		return defaultCloud
	}
	return v.cloud
}

// seconds prints a duration as people say it: 0.024 s, 5.0 s, 25.0 s, 3 min.
func seconds(d time.Duration) string {
	switch {
	case d <= 0:
		return "an unknown time"
	case d < time.Millisecond:
		return "less than 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%.3f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}

// peerWords prints an address with the protocol, or the cloud where it is not known.
func peerWords(p netip.AddrPort) string {
	if !p.IsValid() {
		return "the cloud's TCP port"
	}
	return fmt.Sprintf("TCP %d to %s", p.Port(), p.Addr())
}

// cloudPort is a Photon's unless it was told otherwise (photon.md 5.1).
const cloudPort = 5683

// port is the cloud's port as far as known (photon.md 5.1).
func port(p netip.AddrPort) uint16 {
	if p.Port() == 0 {
		return cloudPort
	}
	return p.Port()
}

// list joins addresses for a sentence, at most four of them.
func list(as []gateway.Address) string {
	var b strings.Builder
	for i, a := range as {
		if i == 4 {
			fmt.Fprintf(&b, " and %d more", len(as)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Addr.Addr().String())
	}
	return b.String()
}

// proof turns events into evidence, in their order, without those that never were.
func proof(es ...gateway.Event) []gateway.Evidence {
	out := []gateway.Evidence{}
	for _, e := range es {
		if e.Kind == "" || len(out) > 0 && doubles(out, e) {
			continue
		}
		out = append(out, gateway.Evidence{Witness: e.Witness, Line: e.Line, Time: evidenceTime(e), Text: eventWords(e)})
	}
	return out
}

// doubles tells whether the event stands in the list already.
func doubles(list []gateway.Evidence, e gateway.Event) bool {
	for _, x := range list {
		if e.Line != 0 && x.Line == e.Line && x.Text == eventWords(e) {
			return true
		}
		if e.Line == 0 && x.Text == eventWords(e) && x.Time.Equal(e.Time) {
			return true
		}
	}
	return false
}

// evidenceTime is the time of a fact; a log's clock is no time of day.
func evidenceTime(e gateway.Event) time.Time {
	if e.Witness == gateway.WitnessSerial {
		return time.Time{}
	}
	return e.Time
}

// eventWords is the line of a log, or the event in words.
func eventWords(e gateway.Event) string {
	if e.Witness == gateway.WitnessSerial && e.Text != "" {
		return e.Text
	}
	switch e.Kind {
	case gateway.LeaseAsked:
		return "asked for an address"
	case gateway.Leased:
		return fmt.Sprintf("got the address %s", e.Addr)
	case gateway.Resolved:
		return fmt.Sprintf("was told an address for %s", e.Name)
	case gateway.DNSRefused:
		return fmt.Sprintf("asked for %s and was refused", e.Name)
	case gateway.Connected:
		return fmt.Sprintf("%s connected in %s", peerWords(e.Peer), seconds(e.RTT))
	case gateway.ConnectFailed:
		return fmt.Sprintf("%s: %s after %s", peerWords(e.Peer), e.Outcome, seconds(e.RTT))
	case gateway.Phased:
		return fmt.Sprintf("the session reached the phase %s", e.Phase)
	case gateway.SessionStalled:
		return fmt.Sprintf("%d bytes towards %s not acknowledged for %s", e.Count, e.Peer, seconds(e.RTT))
	case gateway.SessionClosed:
		return recordWords(e.Record)
	case gateway.SessionRefused, gateway.Stranger:
		return strings.TrimSpace(string(e.Kind) + " " + e.Text)
	}
	return string(e.Kind)
}

// recordWords is the relay's account of a session in one line.
func recordWords(r *gateway.SessionRecord) string {
	if r == nil {
		return "the session ended"
	}
	s := fmt.Sprintf("session to %s ended in phase %s by %s (%s), %d bytes down, %d up", r.Cloud, r.Phase, r.ClosedBy, r.How, r.Down, r.Up)
	if r.Unacked > 0 {
		s += fmt.Sprintf(", %d unacknowledged", r.Unacked)
	}
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

// bookProof is what an address of the book did, as evidence of the egress.
func bookProof(as ...gateway.Address) []gateway.Evidence {
	var out []gateway.Evidence
	for _, a := range as {
		text := fmt.Sprintf("%s: %s", a.Addr, a.Last)
		if a.Good > 0 {
			text += ", and it had answered before"
			if a.Last == gateway.Spoke || a.Last == gateway.Accepted {
				text = fmt.Sprintf("%s: answers", a.Addr)
			}
		}
		out = append(out, gateway.Evidence{Witness: gateway.WitnessEgress, Time: a.LastTime, Text: text})
	}
	return out
}

// keysFine is how a completed handshake is told of.
const keysFine = "handshake and keys"

// tcpFine is how a connection that stands is told of.
const tcpFine = "TCP connect"

// fine lists what is not the problem: every stage up to the one that was reached.
func fine(v view, upto gateway.Stage) []string {
	out := []string{}
	add := func(at gateway.Stage, s string) {
		if upto >= at {
			out = append(out, s)
		}
	}
	add(gateway.StageAssociated, "Wi-Fi association")
	dhcp := "DHCP"
	if d := v.leaseTook; d > 0 {
		dhcp = fmt.Sprintf("DHCP (an address after %s)", seconds(d))
	}
	add(gateway.StageLeased, dhcp)
	dns := "DNS"
	if a := v.marks.resolved.Addr; a.IsValid() {
		dns = fmt.Sprintf("DNS (%s is %s)", v.cloudName(), a)
	}
	add(gateway.StageResolved, dns)
	add(gateway.StageConnected, tcpFine)
	add(gateway.StageHandshaken, keysFine)
	return out
}
