package diagnose

import (
	"os"
	"strings"
	"testing"

	"photongate/gateway"
)

// labFile reads the log of a Photon behind a gateway in the lab.
func labFile(t *testing.T, fault string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/lab-" + fault + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// labFaults are what went wrong behind the gateway.
var labFaults = []string{"drop", "refuse", "cloud-mute", "dns-drop", "allow-then-kill"}

// TestLab: a device behind a gateway says no more than that the gateway's way
// out is down.
func TestLab(t *testing.T) {
	for _, fault := range labFaults {
		v, _ := judged(t, labFile(t, fault))
		if v.Hop != gateway.HopRelay || v.Code != gateway.CodeRelayRefused || v.Owner != gateway.OwnerAdmin || v.Confidence != gateway.Medium {
			t.Errorf("%s: got %q, %s, %s, %s: %s", fault, v.Hop, v.Code, v.Owner, v.Confidence, v.Summary)
		}
		if v.Next != lookAtGateway || !strings.Contains(v.Summary, "its own way to the cloud is down.") {
			t.Errorf("%s: got %q, %q", fault, v.Summary, v.Next)
		}
		want := gateway.ResultTCPRefused
		if fault == "allow-then-kill" {
			want = gateway.ResultLostBlocked
		}
		if v.Outcome != want {
			t.Errorf("%s: got %s, want %s", fault, v.Outcome, want)
		}
	}
}

// TestLabCut: wherever such a log ends, it blames nothing behind the gateway with confidence.
func TestLabCut(t *testing.T) {
	for _, fault := range labFaults {
		lines := strings.SplitAfter(labFile(t, fault), "\n")
		for i := range lines {
			v, _ := judged(t, strings.Join(lines[:i], ""))
			if !v.Healthy() && v.Confidence == gateway.High && v.Outcome != gateway.ResultUnrecognised {
				t.Errorf("%s, %d lines: got %s, %q, %s: %s", fault, i, v.Outcome, v.Hop, v.Code, v.Summary)
			}
			if v.Hop == gateway.HopEgress || v.Hop == gateway.HopMiddlebox {
				t.Errorf("%s, %d lines: got %q: %s", fault, i, v.Hop, v.Summary)
			}
		}
	}
}

// textGate is a gateway's address in a log.
const textGate = "192.168.77.1"

// TestRelayed: each way in which a gateway can fail a device, in the words of
// every era from 0.6 on.
func TestRelayed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		tell    func(*teller)
		outcome gateway.Result
		hop     gateway.Hop
		code    gateway.Code
		says    string
	}{
		{"no answer", func(t *teller) { t.join().joined().leased().dial().resolved(textGate).unconnected(textGate, -2) },
			gateway.ResultTCPTimeout, gateway.HopRelay, gateway.CodePartSilent,
			"The gateway at 192.168.77.1 does not answer in 5.0 s (code -2)."},
		{"hung up", func(t *teller) {
			t.join().joined().leased().dial().resolved(textGate).connected(textGate).later(4000)
			t.givenUp("Could not receive nonce: ", "Could not receive nonce: ", -18, 24, -201)
		}, gateway.ResultHandshakeFailed, gateway.HopRelay, "", "The gateway at 192.168.77.1 accepts"},
		{"mute", func(t *teller) {
			t.join().joined().leased().dial().resolved(textGate).connected(textGate).later(20000)
			t.givenUp("Could not receive nonce: ", "Could not receive nonce: ", -1, 25, -160)
		}, gateway.ResultHandshakeFailed, gateway.HopRelay, gateway.CodeNonceMissing,
			"The gateway at 192.168.77.1 accepts, and nothing of the cloud comes through it (the device gave up after 20.0 s, "},
		{"reset", func(t *teller) { t.through(textGate).later(60000).lost(-18) },
			gateway.ResultKeepaliveLost, gateway.HopRelay, gateway.CodeSessionLost,
			"until the gateway at 192.168.77.1 ended it: its own connection to the cloud broke."},
		{"reset, back", func(t *teller) { t.through(textGate).later(60000).lost(-18).later(1000).again(textGate) },
			gateway.ResultLostRecovered, gateway.HopRelay, gateway.CodeSessionLost,
			"The session was lost because the gateway at 192.168.77.1 ended it: its own connection to the cloud broke, and the device was online again 1.8 s later."},
		{"silent, then no answer", func(t *teller) {
			t.through(textGate).later(25000).lost(-100).dial().resolved(textGate).unconnected(textGate, -2)
		}, gateway.ResultLostBlocked, gateway.HopRelay, gateway.CodePartSilent, "The device was online, lost its session and cannot come back."},
		{"closed", func(t *teller) { t.through(textGate).later(60000).lost(-19) },
			gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, "or the gateway at 192.168.77.1 stopped."},
		{"cloud's key", func(t *teller) {
			t.join().joined().leased().dial().resolved(textGate).connected(textGate).nonce().later(160)
			t.givenUp("Could not set key, ", "Could not set key, ", 8, 8, -130)
		}, gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeServerKeyWrong, ""},
		{"no route", func(t *teller) { t.join().joined().leased().dial().resolved(textGate).unconnected(textGate, -14) },
			gateway.ResultNoInternet, gateway.HopEgress, gateway.CodeNoRoute, ""},
	} {
		for e := era06; e < eras; e++ {
			tell := &teller{era: e, ms: 1200}
			tt.tell(tell)
			v, _ := judged(t, tell.String())
			if v.Outcome != tt.outcome || v.Hop != tt.hop || tt.code != "" && v.Code != tt.code || !strings.Contains(v.Summary, tt.says) {
				t.Errorf("%s, %s: got %s, %q, %s: %s\nwant %s, %q, %s: %s", tt.name, firmware[e], v.Outcome, v.Hop, v.Code, v.Summary, tt.outcome, tt.hop, tt.code, tt.says)
			}
			if v.Hop == gateway.HopRelay && v.Confidence != gateway.Medium {
				t.Errorf("%s, %s: got %s, want medium", tt.name, firmware[e], v.Confidence)
			}
		}
	}
}

// TestSetAddress: a device that is set to a private address has no gateway
// that answers its cloud's name.
func TestSetAddress(t *testing.T) {
	log := up06 + "0000004050 [system] INFO: Read Server Address = type:0,ip: 192.168.1.20, port: 65535\n" +
		"0000004100 [system] ERROR: connection failed to 192.168.1.20:5683, code=-18\n"
	if v, _ := judged(t, log); v.Hop != gateway.HopEgress || v.Code != gateway.CodeEgressReject {
		t.Errorf("got %q, %s: %s", v.Hop, v.Code, v.Summary)
	}
}
