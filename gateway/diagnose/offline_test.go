package diagnose

import (
	"strings"
	"testing"

	"photongate/gateway"
)

// Beginnings of logs, by generation.
const (
	up06 = "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000003000 [system] INFO: ARM_WLAN_WD 2\n0000003000 [hal.wlan] INFO: Bringing WiFi interface up with DHCP\n0000004000 [system] INFO: CLR_WLAN_WD 1, DHCP success\n0000004001 [system] INFO: Cloud: connecting\n"
	up07 = "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [hal.wlan] INFO: Joining photons\n0000003000 [system] INFO: ARM_WLAN_WD 2\n0000003000 [hal.wlan] INFO: Bringing WiFi interface up with DHCP\n0000004000 [system] INFO: CLR_WLAN_WD 1, DHCP success\n0000004001 [system] INFO: Cloud: connecting\n"

	tcp06 = up06 + "0000004100 [system] INFO: Resolved host device.spark.io to 52.90.98.3\n0000004200 [system] INFO: connected to cloud 52.90.98.3:5683\n0000004200 [system] INFO: Cloud socket connected\n0000004200 [system] INFO: Starting handshake: presense_announce=1\n0000004200 [comm.sparkprotocol.handshake] INFO: Started: Receive nonce\n"
	tcp08 = up07 + "0000004100 [system] INFO: Resolved host device.spark.io to 52.90.98.3\n0000004200 [system] INFO: connected to cloud 52.90.98.3:5683\n0000004200 [system] INFO: Cloud socket connected\n0000004200 [system] INFO: Starting handshake: presense_announce=1\n0000004200 [comm.protocol.handshake] INFO: Establish secure connection\n0000004200 [comm.lightssl.handshake] INFO: Started, receive nonce\n"
	tcp11 = up07 + "0000004100 [system] INFO: Resolved device.spark.io to 52.90.98.3\n0000004200 [system] ERROR: Connected to 52.90.98.3:5683\n0000004200 [system] INFO: Cloud socket connected\n0000004200 [system] INFO: Starting handshake: presense_announce=1\n0000004200 [comm.protocol.handshake] INFO: Establish secure connection\n0000004200 [comm.lightssl.handshake] INFO: Started, receive nonce\n"

	keys06 = tcp06 + "0000004300 [comm.sparkprotocol.handshake] INFO: Encrypting handshake nonce\n0000004350 [comm.sparkprotocol.handshake] INFO: Sending encrypted nonce\n0000004350 [comm.sparkprotocol.handshake] INFO: Receive key\n"
	keys11 = tcp11 + "0000004300 [comm.lightssl.handshake] INFO: Encrypting nonce\n0000004350 [comm.lightssl.handshake] INFO: Sending encrypted nonce\n0000004350 [comm.lightssl.handshake] INFO: Receive key\n"

	on06  = keys06 + "0000004500 [comm.sparkprotocol.handshake] INFO: Setting key\n0000004700 [comm.sparkprotocol.handshake] INFO: Sending HELLO message\n0000004700 [comm.sparkprotocol.handshake] INFO: Receiving HELLO response\n0000004800 [comm.sparkprotocol.handshake] INFO: Completed\n0000004801 [system] INFO: Cloud connected\n0000005000 [comm.sparkprotocol] INFO: Received TIME response: 1497029895\n"
	on11  = keys11 + "0000004500 [comm.lightssl.handshake] INFO: Setting key\n0000004700 [comm.lightssl.handshake] INFO: Completed\n0000004700 [comm.protocol.handshake] INFO: Sending HELLO message\n0000004700 [comm.protocol.handshake] INFO: Receiving HELLO response\n0000004800 [comm.protocol.handshake] INFO: Handshake completed\n0000004801 [system] INFO: Cloud connected\n"
	reset = "0000090000 [system] WARN: Resetting WLAN due to 2 failed connect attempts\n0000090000 [system] WARN: Resetting WLAN due to SPARK_WLAN_RESET\n0000090001 [system] INFO: ARM_WLAN_WD 1\n"
)

// TestSerial judges logs of every outcome in the wording of every generation.
func TestSerial(t *testing.T) {
	for _, tt := range []struct {
		name     string
		log      string
		outcome  gateway.Result
		hop      gateway.Hop
		code     gateway.Code
		firmware string
	}{
		{"join 0.6", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000005000 [system] INFO: ARM_WLAN_WD 4\n0000007000 [system] WARN: Resetting WLAN due to WLAN_WD_TO()\n0000007001 [system] INFO: DHCP fail, ARM_WLAN_WD 5\n",
			gateway.ResultAssocFailed, gateway.HopLink, gateway.CodeAssocFailed, Firmware06},
		{"join not found 0.7", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [hal.wlan] INFO: Joining photons\n0000005000 [hal.wlan] ERROR: wiced_join_ap_specific(), result: 1024\n0000005001 [system] INFO: DHCP fail, ARM_WLAN_WD 4\n",
			gateway.ResultAssocFailed, gateway.HopRadio, gateway.CodeAssocFailed, Firmware07},
		{"join refused 0.7", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [hal.wlan] INFO: Joining photons\n0000005000 [hal.wlan] ERROR: wiced_join_ap_specific(), result: 1006\n",
			gateway.ResultAssocFailed, gateway.HopAdmission, gateway.CodeAssocFailed, Firmware07},
		{"join passphrase", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [hal.wlan] INFO: Joining photons\n0000005000 [hal.wlan] ERROR: wiced_join_ap_specific(), result: 1007\n",
			gateway.ResultAssocFailed, gateway.HopCredentials, gateway.CodeAssocFailed, Firmware07},
		{"open entry trap", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [system] INFO: ARM_WLAN_WD 2\n0000002100 [hal.wlan] INFO: Bringing WiFi interface up with DHCP\n0000017100 [system] INFO: DHCP fail, ARM_WLAN_WD 4\n",
			gateway.ResultAssocFailed, gateway.HopCredentials, gateway.CodeAssocFailed, Firmware07},
		{"dhcp 0.6", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002100 [system] INFO: ARM_WLAN_WD 2\n0000002100 [hal.wlan] INFO: Bringing WiFi interface up with DHCP\n0000017100 [system] INFO: DHCP fail, ARM_WLAN_WD 5\n",
			gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone, Firmware06},
		{"dhcp 1.1", "0000002000 [system] INFO: ARM_WLAN_WD 1\n0000002050 [hal.wlan] INFO: Joining photons\n0000002100 [hal.wlan] INFO: Bringing WiFi interface up with DHCP\n0000017100 [system] INFO: DHCP fail, ARM_WLAN_WD 4\n",
			gateway.ResultDHCPFailed, gateway.HopAddress, gateway.CodeDHCPNone, Firmware07},
		{"dns 0.6", up06 + "0000019001 [system] ERROR: Cloud: unable to resolve IP for device.spark.io\n0000019001 [system] WARN: Cloud socket connection failed: -1\n0000024001 [system] WARN: Internet Test Failed!\n" + reset,
			gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, Firmware06},
		{"dns summary only", up06 + "0000019001 [system] WARN: Cloud socket connection failed: -1\n",
			gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, FirmwareUnknown},
		{"dns 2.x", up07 + "0000019001 [system] ERROR: Unable to resolve IP for device.spark.io (-2)\n0000019001 [system] ERROR: Failed to determine server address\n0000019001 [system] WARN: Cloud socket connection failed: -230\n0000024001 [system] WARN: Internet test failed: DNS\n",
			gateway.ResultDNSFailed, gateway.HopDNS, gateway.CodeDNSNone, Firmware2},
		{"drop 1.1", up07 + "0000004100 [system] INFO: Resolved device.spark.io to 52.90.98.3\n0000009100 [system] ERROR: Failed to connect to 52.90.98.3:5683 (-2)\n0000009100 [system] WARN: Cloud socket connection failed: -2\n0000009200 [system] WARN: Internet available, Cloud not reachable!\n",
			gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, Firmware11},
		{"drop after joins missed", up06 + "0000004100 [system] INFO: Resolved host device.spark.io to 52.90.98.3\n0000009100 [system] ERROR: connection failed to 52.90.98.3:5683, code=-2\n" + reset + "0000092000 [system] INFO: ARM_WLAN_WD 4\n",
			gateway.ResultTCPTimeout, gateway.HopEgress, gateway.CodeEgressDropAll, Firmware06},
		{"drop some", on06 + "0000005100 [comm.sparkprotocol] WARN: bytes recieved error -19\n0000005200 [system] INFO: Cloud: connecting\n0000005300 [system] INFO: Resolved host device.spark.io to 107.22.28.43\n0000010300 [system] ERROR: connection failed to 107.22.28.43:5683, code=-2\n",
			gateway.ResultLostBlocked, gateway.HopEgress, gateway.CodeEgressDropSome, Firmware06},
		{"refused 0.6", up06 + "0000004100 [system] INFO: Resolved host device.spark.io to 52.90.98.3\n0000004150 [system] ERROR: connection failed to 52.90.98.3:5683, code=-18\n",
			gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject, Firmware06},
		{"refused 2.x", up07 + "0000004100 [system] INFO: Resolved device.spark.io to 52.90.98.3\n0000004150 [system] ERROR: Failed to connect to 52.90.98.3:5683 (-18)\n0000004250 [system] WARN: Internet available, cloud not reachable\n",
			gateway.ResultTCPRefused, gateway.HopEgress, gateway.CodeEgressReject, Firmware2},
		{"nonce 0.6", tcp06 + "0000024200 [comm.sparkprotocol.handshake] ERROR: Could not receive nonce: -1\n0000024200 [system] WARN: Cloud handshake failed, code=-1\n",
			gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, Firmware06},
		{"nonce 0.8", tcp08 + "0000024200 [comm.lightssl.handshake] ERROR: Could not receive nonce: 25\n0000024200 [comm.protocol.handshake] ERROR: handshake failed with code 25\n0000024200 [system] WARN: Cloud handshake failed, code=25\n",
			gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, Firmware08},
		{"nonce 2.x", tcp11 + "0000024200 [comm.lightssl.handshake] ERROR: Could not receive nonce: 25\n0000024200 [comm.protocol.handshake] ERROR: Handshake failed: 25\n0000024200 [system] WARN: Cloud handshake failed, code=-160\n",
			gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeNonceMissing, Firmware2},
		{"key rejected 0.6", keys06 + "0000004500 [comm.sparkprotocol.handshake] ERROR: Unable to receive key -19\n0000004500 [system] WARN: Cloud handshake failed, code=-19\n",
			gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected, Firmware06},
		{"key rejected 1.1", keys11 + "0000004500 [comm.lightssl.handshake] WARN: receive error -19\n0000004500 [comm.lightssl.handshake] ERROR: Unable to receive key 24\n0000004500 [system] WARN: Cloud handshake failed, code=24\n",
			gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeKeyRejected, Firmware11},
		{"key held", keys06 + "0000024400 [comm.sparkprotocol.handshake] ERROR: Unable to receive key -1\n0000024400 [system] WARN: Cloud handshake failed, code=-1\n",
			gateway.ResultHandshakeFailed, gateway.HopMiddlebox, gateway.CodeHandshakeIncomplete, Firmware06},
		{"server key 0.6", keys06 + "0000004500 [comm.sparkprotocol.handshake] INFO: Setting key\n0000004500 [comm.sparkprotocol.handshake] ERROR: Could not set key, 536893\n0000004500 [system] WARN: Cloud handshake failed, code=8\n",
			gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeServerKeyWrong, Firmware06},
		{"server key 1.1", keys11 + "0000004500 [comm.lightssl.handshake] INFO: Setting key\n0000004500 [comm.lightssl.handshake] WARN: decryption failed with code -16384\n0000004500 [comm.lightssl.handshake] ERROR: Could not set key, 6\n0000004500 [system] WARN: Cloud handshake failed, code=6\n",
			gateway.ResultKeyMismatch, gateway.HopHandshake, gateway.CodeServerKeyWrong, Firmware11},
		{"hello slow", keys06 + "0000004500 [comm.sparkprotocol.handshake] INFO: Setting key\n0000004700 [comm.sparkprotocol.handshake] INFO: Sending HELLO message\n0000004700 [comm.sparkprotocol.handshake] INFO: Receiving HELLO response\n0000006700 [comm.sparkprotocol.handshake] ERROR: Could not receive HELLO response\n0000006700 [system] WARN: Cloud handshake failed, code=-1\n",
			gateway.ResultHandshakeFailed, gateway.HopHandshake, gateway.CodeHandshakeSlow, Firmware06},
		{"online 1.1", on11, gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, FirmwareLate},
		{"ping lost, end", on06 + "0000030000 [comm.sparkprotocol] WARN: ping ACK not received\n0000030000 [system] WARN: Communication loop error, closing cloud socket\n",
			gateway.ResultKeepaliveLost, gateway.HopSession, gateway.CodePingLost, Firmware06},
		{"killed 1.1", on11 + "0000030000 [comm.protocol] ERROR: Event loop error 1\n0000030000 [system] WARN: Communication loop error, closing cloud socket\n0000030001 [system] INFO: Cloud: connecting\n0000030002 [system] INFO: Resolved device.spark.io to 52.90.98.3\n0000035002 [system] ERROR: Failed to connect to 52.90.98.3:5683 (-2)\n",
			gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, FirmwareLate},
		{"killed, then restarted", on06 + "0000030000 [comm.sparkprotocol] WARN: ping ACK not received\n0000030001 [system] INFO: Cloud: connecting\n0000030002 [system] INFO: Resolved host device.spark.io to 52.90.98.3\n0000035002 [system] ERROR: connection failed to 52.90.98.3:5683, code=-2\n" + up06,
			gateway.ResultLostBlocked, gateway.HopMiddlebox, gateway.CodeFlowKilled, Firmware06},
		{"closed, end", on06 + "0000030000 [comm.sparkprotocol] WARN: bytes recieved error -19\n0000030000 [system] WARN: Communication loop error, closing cloud socket\n",
			gateway.ResultIntermittent, gateway.HopCloud, gateway.CodeCloudClosed, Firmware06},
		{"reset, end", on06 + "0000030000 [comm.sparkprotocol] WARN: bytes recieved error -18\n",
			gateway.ResultKeepaliveLost, gateway.HopMiddlebox, gateway.CodeRSTInjected, Firmware06},
		{"starved", on06 + "0000030000 [system] WARN: Disconnecting cloud due to inactivity! 15001, 15000\n",
			gateway.ResultNotNetwork, gateway.HopSession, gateway.CodeAppStarved, Firmware06},
		{"link lost, end", on06 + "0000030000 [comm.sparkprotocol] WARN: bytes recieved error -9\n0000030001 [system] ERROR: Cloud: unable to resolve IP for device.spark.io\n",
			gateway.ResultUndetermined, gateway.HopLink, gateway.CodeLinkLost, Firmware06},
		{"listening", "0000002000 [system.listen] INFO: Entering listening mode\n",
			gateway.ResultNotNetwork, gateway.HopCredentials, gateway.CodeNotProvisioned, FirmwareUnknown},
		{"ends early", up06, gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, FirmwareUnknown},
		{"internet test alone", up06 + "0000024001 [system] WARN: Internet Test Failed!\n",
			gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, FirmwareUnknown},
		{"application only", "0000002000 [app] INFO: hello\n", gateway.ResultUndetermined, gateway.HopNone, gateway.CodeUndetermined, FirmwareUnknown},
		{"two logs, the second healthy", up06 + "0000009100 [system] ERROR: connection failed to 52.90.98.3:5683, code=-2\n" + on06,
			gateway.ResultOnline, gateway.HopNone, gateway.CodeOK, Firmware06},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, st, err := Serial(strings.NewReader(tt.log))
			if err != nil {
				t.Fatal(err)
			}
			if v.Outcome != tt.outcome || v.Hop != tt.hop || v.Code != tt.code || st.Firmware != tt.firmware {
				t.Errorf("got  %s, %q, %s, %s: %s\nwant %s, %q, %s, %s", v.Outcome, v.Hop, v.Code, st.Firmware, v.Summary, tt.outcome, tt.hop, tt.code, tt.firmware)
			}
			if v.Summary == "" || v.Next == "" || v.Confidence == "" || v.Evidence == nil || v.Fine == nil {
				t.Errorf("incomplete: %+v", v)
			}
		})
	}
}

// TestFlash: the light tells a decryption error from a signature error.
func TestFlash(t *testing.T) {
	for code, want := range map[string]string{"6": "one orange flash", "8": "one magenta flash", "-1": "one red flash"} {
		v, _, err := Serial(strings.NewReader(keys06 + "0000004500 [system] WARN: Cloud handshake failed, code=" + code + "\n"))
		if err != nil || !strings.HasSuffix(v.LED, want) {
			t.Errorf("code %s: got %q, %v; want %q", code, v.LED, err, want)
		}
	}
}

// TestPlainWords: no verdict of the table tests prints a placeholder or a format error.
func TestPlainWords(t *testing.T) {
	for _, log := range []string{"", up06, tcp06, keys06, on06, on11, up07 + reset, on06 + "0000005100 [system] INFO: Cloud: disconnected\n"} {
		v, _, err := Serial(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append([]string{v.Summary, v.Next, v.LED}, v.Fine...) {
			if strings.Contains(s, "%!") || strings.Contains(s, "invalid") {
				t.Errorf("%q", s)
			}
		}
	}
}

// TestClosedByChoice: a device that disconnects at will and returns is online.
func TestClosedByChoice(t *testing.T) {
	log := on06 + "0000005100 [system] INFO: Cloud: disconnected\n0000006000 [system] INFO: Cloud: connecting\n0000007000 [system] INFO: Cloud connected\n"
	if v, _, err := Serial(strings.NewReader(log)); err != nil || v.Outcome != gateway.ResultOnline {
		t.Errorf("got %s, %v: %s", v.Outcome, err, v.Summary)
	}
}
