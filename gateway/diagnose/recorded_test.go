package diagnose

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// captured folds the events that radio/capture reads from its test capture of
// that name; they are kept one a line.
func captured(t *testing.T, name string, change func(*gateway.Event)) *Recorded {
	t.Helper()
	f, err := os.Open("testdata/capture/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := NewRecorded()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e gateway.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(&e)
		}
		r.Apply(e)
	}
	return r
}

// TestCaptures judges packets alone.
func TestCaptures(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outcome gateway.Result
		hop     gateway.Hop
		code    gateway.Code
		sure    gateway.Confidence
	}{
		{"healthy", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.High},
		{"gap", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.High},
		{"joined", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.High},
		{"joined-in-handshake", gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, gateway.High},
		{"killed-after-allow", gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, gateway.High},
		{"left", gateway.ResultUndetermined, gateway.HopNone, gateway.CodeSessionLost, gateway.Low},
		{"reset-by-cloud", gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, gateway.Medium},
		{"reset-injected", gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeRSTInjected, gateway.Medium},
		{"nonce-missing", gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, gateway.High},
		{"portal", gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNotSpark, gateway.Medium},
		{"black-hole", gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeHandshakeIncomplete, gateway.Medium},
		{"small-path", gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeHandshakeIncomplete, gateway.Medium},
		{"key-rejected", gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected, gateway.High},
		{"syn-drop", gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, gateway.High},
		{"syn-refused", gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject, gateway.High},
		{"syn-prohibited", gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressUnreachable, gateway.High},
		{"dhcp-silent", gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone, gateway.High},
		{"dns-silent", gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, gateway.High},
		{"nxdomain", gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, gateway.High},
		{"routed", gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, gateway.Low},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := captured(t, tt.name, nil).Verdict("")
			if err != nil || v.Outcome != tt.outcome || v.Hop != tt.hop || v.Code != tt.code || v.Confidence != tt.sure {
				t.Errorf("got %s, %q, %s, %s, %v: %s\nwant %s, %q, %s, %s", v.Outcome, v.Hop, v.Code, v.Confidence, err, v.Summary, tt.outcome, tt.hop, tt.code, tt.sure)
			}
		})
	}
}

// gate moves a cloud's events to a gateway's address, as a capture of the
// segment sees them.
func gate(e *gateway.Event) {
	if e.Peer.IsValid() {
		e.Peer = gatePeer
	}
	if e.Record != nil {
		e.Record.Cloud = gatePeer
	}
}

// TestCapturesOfSegment: before a gateway, packets tell of the gateway only.
func TestCapturesOfSegment(t *testing.T) {
	for name, want := range map[string]struct {
		outcome gateway.Result
		hop     gateway.Hop
		code    gateway.Code
	}{
		"healthy":            {gateway.ResultOnline, gateway.HopNone, gateway.CodeOK},
		"syn-refused":        {gateway.ResultTCPRefused, gateway.HopRelay, gateway.CodeRelayRefused},
		"syn-drop":           {gateway.ResultTCPTimeout, gateway.HopRelay, gateway.CodePartSilent},
		"syn-prohibited":     {gateway.ResultTCPTimeout, gateway.HopRelay, gateway.CodePartSilent},
		"nonce-missing":      {gateway.ResultHandshakeFailed, gateway.HopRelay, gateway.CodeNonceMissing},
		"reset-by-cloud":     {gateway.ResultKeepaliveLost, gateway.HopRelay, gateway.CodeSessionLost},
		"reset-injected":     {gateway.ResultHandshakeFailed, gateway.HopRelay, gateway.CodeHandshakeIncomplete},
		"killed-after-allow": {gateway.ResultLostBlocked, gateway.HopRelay, gateway.CodePartSilent},
		"key-rejected":       {gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected},
	} {
		v, err := captured(t, name, gate).Verdict("")
		if err != nil || v.Outcome != want.outcome || v.Hop != want.hop || v.Code != want.code {
			t.Errorf("%s: got %s, %q, %s, %v: %s; want %+v", name, v.Outcome, v.Hop, v.Code, err, v.Summary, want)
		}
		if v.Hop == gateway.HopRelay && (v.Confidence != gateway.Medium || v.Owner != gateway.OwnerAdmin) {
			t.Errorf("%s: got %s, %s", name, v.Confidence, v.Owner)
		}
	}
}

// TestRecorded: a device is found by each of its names, and the one that is
// worst off is told of where none is named.
func TestRecorded(t *testing.T) {
	id := gateway.DeviceID{0x3a, 0, 0x27}
	r := NewRecorded()
	at := start
	do := func(es ...gateway.Event) {
		for _, e := range es {
			at = at.Add(time.Second)
			e.Time = at
			r.Apply(e)
		}
	}
	if v, err := r.Verdict(""); err != nil || v.Outcome != gateway.ResultUndetermined || v.Evidence == nil || v.Fine == nil {
		t.Errorf("empty: got %+v, %v", v, err)
	}
	do(gateway.Event{Kind: gateway.WhitelistChanged, Witness: gateway.WitnessSelf, MAC: porch, Name: "porch", Text: "added"},
		gateway.Event{Kind: gateway.LeaseAsked, Witness: gateway.WitnessAir, MAC: porch, ID: id},
		gateway.Event{Kind: gateway.Leased, Witness: gateway.WitnessAir, MAC: porch},
		gateway.Event{Kind: gateway.Connected, Witness: gateway.WitnessCapture, MAC: porch, Session: 1, Peer: cloudA},
		gateway.Event{Kind: gateway.Phased, Witness: gateway.WitnessCapture, MAC: porch, Session: 1, Peer: cloudA, Phase: gateway.PhaseTalking},
		gateway.Event{Kind: gateway.Stranger, Witness: gateway.WitnessAir, MAC: gateway.MAC{2, 0, 0, 0, 0, 9}, Text: "dhcp"},
		gateway.Event{Kind: gateway.Connecting, Witness: gateway.WitnessCapture, MAC: attic, Session: 2},
		gateway.Event{Kind: gateway.ConnectFailed, Witness: gateway.WitnessCapture, MAC: attic, Session: 2, Peer: cloudB, Outcome: gateway.Refused})
	for _, name := range []string{"porch", porch.String(), id.String()} {
		if v, err := r.Verdict(name); err != nil || v.Outcome != gateway.ResultOnline {
			t.Errorf("%s: got %s, %v: %s", name, v.Outcome, err, v.Summary)
		}
	}
	if v, err := r.Verdict(""); err != nil || v.Code != gateway.CodeEgressReject {
		t.Errorf("worst: got %s, %v: %s", v.Code, err, v.Summary)
	}
	_, err := r.Verdict("cellar")
	if want := "the recording knows no device cellar"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestRecordedBounded: a recording that names many devices takes no more than some memory.
func TestRecordedBounded(t *testing.T) {
	r := NewRecorded()
	for i := range 3 * maxRecorded {
		r.Apply(gateway.Event{Time: start, Kind: gateway.LeaseAsked, MAC: gateway.MAC{2, 0, 0, 1, byte(i >> 8), byte(i)}})
	}
	if len(r.devices) != maxRecorded {
		t.Errorf("got %d devices, want %d", len(r.devices), maxRecorded)
	}
	if v, err := r.Verdict(""); err != nil || strings.Contains(v.Summary, "%!") {
		t.Errorf("got %q, %v", v.Summary, err)
	}
}
