package diagnose

import (
	"fmt"

	"photongate/gateway"
)

// sayJoin speaks of a network that the device cannot join.
func sayJoin(v view) gateway.Verdict {
	f := v.faults[levelJoin]
	d := gateway.Verdict{
		Outcome: gateway.ResultAssocFailed, Hop: gateway.HopLink, Code: gateway.CodeAssocFailed,
		Owner: gateway.OwnerAdmin, Confidence: gateway.Medium, Stage: gateway.StageSeen,
		Summary:  "The device does not get onto the Wi-Fi: the join ends before it is complete.",
		Evidence: proof(f.event, v.marks.reset),
		Next:     "Check that the device's MAC is admitted at the access point, and that the network is on 2.4 GHz channel 1, 6 or 11 with 20 MHz.",
	}
	switch f.event.Code {
	case 1024:
		d.Hop, d.Owner, d.Confidence = gateway.HopRadio, gateway.OwnerUser, gateway.High
		d.Next = "Check the spelling of the network's name on the device, the distance, and that the network is on 2.4 GHz channel 1 to 11; a hidden one must answer directed probes."
	case 1006, 1025:
		d.Hop, d.Confidence = gateway.HopAdmission, gateway.High
		d.Next = "List the device's MAC at the access point, and check that both sides have the same security setting."
	case 1003:
		d.Hop = gateway.HopRadio
	case 1004, 1007, 1044, 1046:
		d.Hop, d.Owner, d.Confidence = gateway.HopCredentials, gateway.OwnerUser, gateway.High
		d.Next = "Write the network's credentials to the device again."
	}
	if f.event.Kind == gateway.AssocFailed && f.event.Code != 0 {
		d.Summary = fmt.Sprintf("The device does not get onto the Wi-Fi: %s (%s).", joinWords[f.event.Code], explainJoin(f.event.Code))
		if joinWords[f.event.Code] == "" {
			d.Summary = fmt.Sprintf("The device does not get onto the Wi-Fi: the join ended with %s.", explainJoin(f.event.Code))
		}
	}
	return d
}

// sayLink speaks of a session that ended with the Wi-Fi, which is not back.
func sayLink(v view) gateway.Verdict {
	d := gateway.Verdict{
		Outcome: gateway.ResultUndetermined, Hop: gateway.HopLink, Code: gateway.CodeLinkLost,
		Owner: gateway.OwnerAdmin, Confidence: gateway.Medium, Stage: v.stage,
		Summary:  fmt.Sprintf("The device was online until its Wi-Fi link was lost (%s), and it is not back yet.", lossCode(v.loss.event)),
		Evidence: proof(v.loss.event, v.faults[levelJoin].event, v.loss.connected, v.loss.heard),
		Next:     "Look at the access point: it restarted, changed its channel or dropped the device. The cloud and the firewall have no part in it.",
	}
	if v.faults[levelJoin].count > 0 {
		d.Outcome = gateway.ResultAssocFailed
	}
	return d
}

// sayTrap speaks of credentials that newer firmware does not use.
func sayTrap(v view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultAssocFailed, Hop: gateway.HopCredentials, Code: gateway.CodeAssocFailed,
		Owner: gateway.OwnerUser, Confidence: gateway.Medium, Stage: gateway.StageSeen,
		Summary: "The device reports Wi-Fi without having joined a network: firmware 1.4.4 and later skips an open network that was stored over the serial console.",
		// No line says so; what is missing is the line that names the network.
		Evidence: proof(v.faults[levelLease].event, v.marks.associated, v.marks.reset),
		Next:     "Store the open network without a cipher, by SoftAP setup or by WiFi.setCredentials(name) in a program, or give the network a WPA2 passphrase.",
	}
}

// sayLease speaks of an address that does not come.
func sayLease(v view) gateway.Verdict {
	f := v.faults[levelLease]
	d := gateway.Verdict{
		Outcome: gateway.ResultDHCPFailed, Hop: gateway.HopAddress, Code: gateway.CodeDHCPNone,
		Owner: gateway.OwnerAdmin, Confidence: gateway.High, Stage: gateway.StageAssociated,
		Summary:  "The device joins the Wi-Fi and gets no address: DHCP does not answer.",
		Evidence: proof(f.event, v.marks.associated),
		Next:     "Check the DHCP pool, a reservation or filter for the device's MAC, and that the access point passes broadcasts.",
	}
	switch {
	case v.live && f.count == 0:
		d.Summary = fmt.Sprintf("The device asked %d times for an address in %s and holds none.", v.join.asked, seconds(v.now.Sub(v.join.first)))
		d.Next = "Look at the dhcp part's state and at its pool."
	case f.after > 0:
		d.Summary = fmt.Sprintf("The device joins the Wi-Fi and gets no address: DHCP gave none in %s.", seconds(f.after))
	case !v.join.associated && f.event.Code == 4 && v.marks.associated.Kind == "":
		// From 0.7.0 on one line stands for a failed join and for a missing address.
		d.Confidence = gateway.Medium
	}
	return d
}

// sayName speaks of a name without an answer.
func sayName(v view) gateway.Verdict {
	f := v.faults[levelName]
	d := gateway.Verdict{
		Outcome: gateway.ResultDNSFailed, Hop: gateway.HopDNS, Code: gateway.CodeDNSNone,
		Owner: gateway.OwnerNetwork, Confidence: gateway.High, Stage: gateway.StageLeased,
		Summary:  fmt.Sprintf("The name %s does not resolve, so the device has no address to connect to.", v.cloudName()),
		Evidence: proof(f.event, v.marks.leased, v.marks.test),
		Next:     fmt.Sprintf("Ask the network team to let the DNS server that DHCP hands out answer %s (an A record).", v.cloudName()),
	}
	if f.after > 0 {
		d.Summary = fmt.Sprintf("The name %s does not resolve (no address after %s), so the device has nothing to connect to.", v.cloudName(), seconds(f.after))
	}
	if c := v.faults[levelConnect]; c.count > 0 && c.event.Peer.Addr() == builtIn {
		d.Summary += fmt.Sprintf(" It turned to the address built into old firmware, and %s failed too (%s).", peerWords(c.event.Peer), reason(c.event))
		d.Evidence = append(d.Evidence, proof(c.event)...)
	}
	return d
}

// sayOtherName speaks of a device that looks for another cloud.
func sayOtherName(v view) gateway.Verdict {
	return gateway.Verdict{
		Outcome: gateway.ResultDNSFailed, Hop: gateway.HopDNS, Code: gateway.CodeDNSNone,
		Owner: gateway.OwnerAdmin, Confidence: gateway.Medium, Stage: gateway.StageLeased,
		Summary: fmt.Sprintf("The device asks for %s, which the gateway does not answer, and never for its cloud.", v.join.refused),
		Evidence: proof(gateway.Event{Kind: gateway.DNSRefused, Witness: gateway.WitnessAir, Time: v.join.refusedAt, Name: v.join.refused},
			v.marks.leased),
		Next: "If that is its cloud's name, add it to the names that the gateway answers; else look at what the device runs.",
	}
}
