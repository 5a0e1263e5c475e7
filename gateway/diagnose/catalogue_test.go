package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"photongate/gateway"
)

// TestCatalogue reads single lines and compares the events.
func TestCatalogue(t *testing.T) {
	ap := netip.MustParseAddrPort
	for _, tt := range []struct {
		line string
		want gateway.Event
	}{
		{"0000003058 [system] INFO: CLR_WLAN_WD 1, DHCP success", gateway.Event{Kind: gateway.Leased}},
		{"0000003058 [hal.wlan] INFO: Joining photons", gateway.Event{Kind: gateway.Joining, Name: "photons"}},
		{"0000003058 [hal.wlan] ERROR: wiced_join_ap_specific(), result: 1024", gateway.Event{Kind: gateway.AssocFailed, Code: 1024}},
		{"0000003058 [system] INFO: DHCP fail, ARM_WLAN_WD 5", gateway.Event{Kind: gateway.LeaseFailed, Code: 5}},
		{"0000003058 [system] INFO: ARM_WLAN_WD 3", gateway.Event{Kind: gateway.LinkLost}},
		{"0000003068 [system] INFO: Resolved host device.spark.io to 107.22.28.43",
			gateway.Event{Kind: gateway.Resolved, Name: "device.spark.io", Addr: netip.MustParseAddr("107.22.28.43")}},
		{"0000003068 [system] ERROR: Unable to resolve IP for device.spark.io (-2)",
			gateway.Event{Kind: gateway.ResolveFailed, Name: "device.spark.io", Code: -2}},
		{"0000003068 [system] ERROR: connection failed to 107.22.156.56:5683, code=-2",
			gateway.Event{Kind: gateway.ConnectFailed, Peer: ap("107.22.156.56:5683"), Code: -2, Outcome: gateway.TimedOut}},
		{"0000003068 [system] ERROR: Failed to connect to 107.22.156.56:5683 (-18)",
			gateway.Event{Kind: gateway.ConnectFailed, Peer: ap("107.22.156.56:5683"), Code: -18, Outcome: gateway.Refused}},
		{"0000003068 [system] ERROR: Connected to 107.22.156.56:5683", gateway.Event{Kind: gateway.Connected, Peer: ap("107.22.156.56:5683")}},
		{"0000003068 [system] WARN: Internet available, cloud not reachable", gateway.Event{Kind: gateway.InternetTest, OK: true}},
		{"0000003068 [comm.lightssl.handshake] INFO: Completed", gateway.Event{Kind: gateway.Phased, Phase: gateway.PhaseCloudKey}},
		{"0000003068 [comm.sparkprotocol.handshake] INFO: Completed", gateway.Event{Kind: gateway.Handshaken}},
		{"0000003068 [comm.protocol] ERROR: Event loop error 1", gateway.Event{Kind: gateway.PingLost, Code: 1}},
		{"0000003068 [comm.protocol] ERROR: Event loop error 10", gateway.Event{Kind: gateway.SessionLost, Code: 10}},
		{"0000003068 [comm.protocol] INFO: Posting 'S' describe message", gateway.Event{Kind: gateway.Heard}},
		{"0000003068 [comm.sparkprotocol.handshake] ERROR: Could not set key, 536901", gateway.Event{Kind: gateway.HandshakeFailed, Phase: gateway.PhaseCloudKey}},
		{"0000003068 [comm.lightssl] WARN: signature validation failed with code -17", gateway.Event{Kind: gateway.HandshakeFailed, Phase: gateway.PhaseCloudKey, Code: 8}},
		{"0000003068 [system] cloud.cpp:123, connect(): INFO: Cloud: connecting", gateway.Event{Kind: gateway.Connecting}},
		{"0000003068 [system] WARN: Handling cloud error: 2 [code = -3, details = none]", gateway.Event{Kind: gateway.DeviceLog, Code: -3}},
		{"0000011114:INFO : void establish_cloud_connection() (214):Cloud: connecting", gateway.Event{Kind: gateway.Connecting}},
		{`{"l":"INFO","m":"Cloud connected","c":"system","t":3068}`, gateway.Event{Kind: gateway.CloudUp}},
		{"0000003068 [app] INFO: Cloud connected", gateway.Event{Kind: gateway.DeviceLog}},
		{"code=-20000003059 [system] INFO: Cloud: connecting", gateway.Event{Kind: gateway.Connecting}},
		{"3059 [system] INFO: Cloud: connecting", gateway.Event{Kind: gateway.Connecting}},
		{"ping ACK not received", gateway.Event{Kind: gateway.PingLost}},
	} {
		t.Run(tt.line, func(t *testing.T) {
			var got []gateway.Event
			if _, err := ReadSerial(strings.NewReader(tt.line), func(e gateway.Event) { got = append(got, e) }); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 {
				t.Fatalf("got %d events, want 1: %+v", len(got), got)
			}
			e := got[0]
			if e.Witness != gateway.WitnessSerial || e.Line != 1 || e.Text == "" {
				t.Errorf("got %+v", e)
			}
			e.Time, e.Witness, e.Line, e.Text = time.Time{}, "", 0, ""
			if e.Kind != tt.want.Kind || e.Name != tt.want.Name || e.Addr != tt.want.Addr || e.Peer != tt.want.Peer ||
				e.Code != tt.want.Code || e.Outcome != tt.want.Outcome || e.Phase != tt.want.Phase || e.OK != tt.want.OK {
				t.Errorf("got %+v, want %+v", e, tt.want)
			}
		})
	}
}

// TestTornMerged: a record that begins within another is two.
func TestTornMerged(t *testing.T) {
	var got []gateway.Kind
	log := "0000003058 [system] INFO: Cloud: connec0000003059 [system] INFO: Cloud socket connected\n"
	if _, err := ReadSerial(strings.NewReader(log), func(e gateway.Event) { got = append(got, e.Kind) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != gateway.DeviceLog || got[1] != gateway.Connected {
		t.Errorf("got %v", got)
	}
}

// TestCatalogueReaches: no entry hides behind an earlier one.
func TestCatalogueReaches(t *testing.T) {
	for i, p := range catalogue {
		for _, q := range catalogue[:i] {
			if strings.HasPrefix(p.prefix, q.prefix) && q.fill == nil && q.category == "" {
				t.Errorf("%q hides behind %q", p.prefix, q.prefix)
			}
		}
	}
}
