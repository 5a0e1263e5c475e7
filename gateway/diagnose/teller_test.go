package diagnose

import (
	"fmt"
	"strings"
)

// era is a generation of firmware as a teller words it.
type era int

// The eras, oldest first.
const (
	era05 era = iota // 0.5, debug build
	era06            // 0.6.2 to 0.6.4
	era07            // 0.7.0
	era08            // 0.8.0 to 1.0.1
	era11            // 1.1.1 to 1.5.2
	era20            // 2.x
	eras
)

// firmware is what a reader should say of each era.
var firmware = [eras]string{Firmware04, Firmware06, Firmware07, Firmware08, Firmware11, Firmware2}

// teller writes the log of a device step by step, in the words of its era
// (photon.md 6.2).
type teller struct {
	strings.Builder
	era era
	ms  int
}

// Levels, as tellers write them.
const (
	info = "INFO"
	warn = "WARN"
	fail = "ERROR"
)

// say writes one record.
func (t *teller) say(category, level, format string, a ...any) {
	m := fmt.Sprintf(format, a...)
	if t.era == era05 {
		fmt.Fprintf(t, "%010d:%-5s: int Spark_Connect() (214):%s\n", t.ms, level, m)
		return
	}
	fmt.Fprintf(t, "%010d [%s] %s: %s\n", t.ms, category, level, m)
}

// later lets time pass.
func (t *teller) later(ms int) *teller {
	t.ms += ms
	return t
}

// join starts to join; tell whether the era says so.
func (t *teller) join() *teller {
	if t.era == era05 {
		t.say("system", info, "Network Connect: ")
		return t
	}
	t.say("hal.wlan", info, "Using internal antenna")
	t.later(2).say("system", info, "ARM_WLAN_WD 1")
	if t.era >= era07 {
		t.later(5).say("hal.wlan", info, "Joining photons")
	}
	return t
}

// joined is associated.
func (t *teller) joined() *teller {
	if t.later(3000); t.era == era05 {
		return t
	}
	t.say("system", info, "ARM_WLAN_WD 2")
	t.say("hal.wlan", info, "Bringing WiFi interface up with DHCP")
	return t
}

// refusedJoin is the access point's or the air's refusal.
func (t *teller) refusedJoin(code int) *teller {
	if t.later(9000); t.era >= era07 {
		for range 3 {
			t.later(3000).say("hal.wlan", fail, "wiced_join_ap_specific(), result: %d", code)
		}
		t.later(10).say("system", info, "DHCP fail, ARM_WLAN_WD 4")
		return t
	}
	t.say("system", info, "ARM_WLAN_WD 4")
	t.later(2000).say("system", warn, "Resetting WLAN due to WLAN_WD_TO()")
	t.later(2).say("system", info, "DHCP fail, ARM_WLAN_WD 5")
	return t
}

// leased has an address.
func (t *teller) leased() *teller {
	if t.later(700); t.era != era05 {
		t.say("system", info, "CLR_WLAN_WD 1, DHCP success")
	}
	return t
}

// leaseless has none.
func (t *teller) leaseless() *teller {
	n := 4
	if t.era == era06 {
		n = 5
	}
	t.later(15000).say("system", info, "DHCP fail, ARM_WLAN_WD %d", n)
	t.later(2000).say("system", warn, "Resetting WLAN due to WLAN_WD_TO()")
	return t
}

// dial starts towards the cloud.
func (t *teller) dial() *teller {
	t.later(1).say("system", info, "Cloud: connecting")
	if t.era >= era06 {
		t.say("system", info, "Read Server Address = type:1,domain:device.spark.io")
	}
	return t
}

// resolved has an answer to the name.
func (t *teller) resolved(ip string) *teller {
	host := "host "
	if t.era >= era11 {
		host = ""
	}
	t.later(12).say("system", info, "Resolved %sdevice.spark.io to %s", host, ip)
	return t
}

// nameless has none.
func (t *teller) nameless() *teller {
	t.later(15000)
	if t.era >= era11 {
		t.say("system", fail, "Unable to resolve IP for device.spark.io (-2)")
		t.say("system", fail, "Failed to determine server address")
	} else {
		t.say("system", fail, "Cloud: unable to resolve IP for device.spark.io")
	}
	code := -1
	if t.era >= era20 {
		code = -230
	}
	t.say("system", warn, "Cloud socket connection failed: %d", code)
	return t.tested()
}

// tested is the internet test, failed, and what follows.
func (t *teller) tested() *teller {
	t.later(5000)
	switch {
	case t.era == era05:
		t.say("system", fail, "Resetting CC3000 due to 2 failed connect attempts")
		t.say("system", fail, "!! Resetting WLAN due to SPARK_WLAN_RESET")
		return t
	case t.era >= era20:
		t.say("system", warn, "Internet test failed: timeout")
		t.say("system", warn, "Handling cloud error: 2")
		return t
	}
	t.say("system", warn, "Internet Test Failed!")
	t.say("system", warn, "Resetting WLAN due to 2 failed connect attempts")
	t.say("system", warn, "Handling cloud error: 2")
	t.say("system", warn, "Resetting WLAN due to SPARK_WLAN_RESET")
	return t
}

// unconnected is a connect that failed.
func (t *teller) unconnected(ip string, code int) *teller {
	if t.later(20); code == -2 {
		t.later(4980)
	}
	if t.era >= era11 {
		t.say("system", fail, "Failed to connect to %s:5683 (%d)", ip, code)
	} else {
		t.say("system", fail, "connection failed to %s:5683, code=%d", ip, code)
	}
	t.say("system", warn, "Cloud socket connection failed: %d", code)
	return t.tested()
}

// connected has a connection.
func (t *teller) connected(ip string) *teller {
	t.later(24)
	if t.era >= era11 {
		t.say("system", fail, "Connected to %s:5683", ip)
	} else {
		t.say("system", info, "connected to cloud %s:5683", ip)
	}
	t.say("system", info, "Cloud socket connected")
	if t.era == era05 {
		return t
	}
	t.say("system", info, "Starting handshake: presense_announce=1")
	if t.era >= era08 {
		t.say("comm.protocol.handshake", info, "Establish secure connection")
		t.say("comm.lightssl.handshake", info, "Started, receive nonce")
		return t
	}
	t.say("comm.sparkprotocol.handshake", info, "Started: Receive nonce")
	return t
}

// shake writes a line of the handshake, in the words of either class.
func (t *teller) shake(spark, light string) {
	switch {
	case t.era == era05:
	case t.era >= era08:
		t.say("comm.lightssl.handshake", info, "%s", light)
	default:
		t.say("comm.sparkprotocol.handshake", info, "%s", spark)
	}
}

// nonce has the cloud's first bytes and sent its own.
func (t *teller) nonce() *teller {
	t.later(110).shake("Encrypting handshake nonce", "Encrypting nonce")
	t.later(40).shake("Sending encrypted nonce", "Sending encrypted nonce")
	t.shake("Receive key", "Receive key")
	return t
}

// given up is the end of a failed handshake.
func (t *teller) givenUp(spark, light string, old, protocol, system int) *teller {
	switch {
	case t.era >= era08:
		t.say("comm.lightssl.handshake", fail, "%s%d", light, protocol)
		if t.era >= era20 {
			t.say("comm.protocol.handshake", fail, "Handshake failed: %d", protocol)
			t.say("system", warn, "Cloud handshake failed, code=%d", system)
			return t
		}
		t.say("comm.protocol.handshake", fail, "handshake failed with code %d", protocol)
		t.say("system", warn, "Cloud handshake failed, code=%d", protocol)
		return t
	case t.era == era05:
		t.say("", fail, "Handshake: %s%s%d", strings.ToLower(spark[:1]), spark[1:], old)
	default:
		t.say("comm.sparkprotocol.handshake", fail, "%s%d", spark, old)
	}
	t.say("system", warn, "Cloud handshake failed, code=%d", old)
	return t
}

// keyed has the session's keys.
func (t *teller) keyed() *teller {
	t.later(300).shake("Setting key", "Setting key")
	if t.later(200); t.era >= era08 {
		t.say("comm.lightssl.handshake", info, "Completed")
		t.say("comm.protocol.handshake", info, "Sending HELLO message")
		t.say("comm.protocol.handshake", info, "Receiving HELLO response")
		return t
	}
	t.shake("Sending HELLO message", "")
	t.shake("Receiving HELLO response", "")
	return t
}

// online is through.
func (t *teller) online() *teller {
	switch t.later(90); {
	case t.era == era05:
		t.say("", info, "Hanshake: completed")
	case t.era >= era08:
		t.say("comm.protocol.handshake", info, "Handshake completed")
	default:
		t.shake("Completed", "")
	}
	t.say("system", info, "Cloud connected")
	class := "comm.protocol"
	if t.era < era08 {
		class = "comm.sparkprotocol"
	}
	if t.era > era05 {
		t.later(3).say(class, info, "Sending TIME request")
		t.later(40).say(class, info, "Received TIME response: 1497029895")
	}
	return t
}

// through is the whole way from the join.
func (t *teller) through(ip string) *teller {
	return t.join().joined().leased().again(ip)
}

// again is the way from the address.
func (t *teller) again(ip string) *teller {
	return t.dial().resolved(ip).connected(ip).nonce().keyed().online()
}

// lost is a session that ended, by the code of the old class; -100 is the ping.
func (t *teller) lost(code int) *teller {
	switch {
	case t.era < era08 && code == -100:
		t.say("comm.sparkprotocol", warn, "ping ACK not received")
	case t.era < era08:
		t.say("comm.sparkprotocol", warn, "bytes recieved error %d", code)
	case code == -100:
		t.say("comm.protocol", fail, "Event loop error 1")
	default:
		t.say("comm.lightssl", warn, "receive error %d", code)
		t.say("comm.protocol", fail, "Event loop error 24")
	}
	t.say("system", warn, "Communication loop error, closing cloud socket")
	t.say("system", info, "Cloud: disconnecting")
	t.say("system", info, "Cloud: disconnected")
	return t
}
