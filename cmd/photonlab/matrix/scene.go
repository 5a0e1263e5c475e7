package matrix

import (
	"fmt"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// Scene is one fault, and how it is staged.
type Scene struct {
	// Name is the fault's word, and the folder of its recording.
	Name string
	// Says is what is wrong, for people.
	Says string
	// Right are the hops at which a person should look, the culprit first;
	// HopNone stands for "nothing is wrong (any more)".
	Right []gateway.Hop
	// Length is how long the Photon has power.
	Length time.Duration
	// Shut: the relay refuses, because it cannot carry anything further. From the
	// device's side the culprit is then the relay.
	Shut bool
	// unlisted: the whitelist has another device only.
	unlisted bool
	// host is the name that the Photon looks up; empty for the cloud's.
	host string
	// foreign: the Photon holds the key of another cloud.
	foreign bool
	// cloud is how the cloud behaves.
	cloud sparktest.CloudConfig
	// acts are what happens, in the order of their times; those at 0 before
	// anything has power.
	acts []act
}

// act is something that happens to the site.
type act struct {
	// at is counted from when the Photon gets power.
	at time.Duration
	// do makes it happen.
	do func(*stage) error
}

// Times of a scene.
const (
	// brief is enough for handshakes that fail at once: five attempts a second
	// apart, and some that are 2 s apart (photon.md 4.1, "Reconnect").
	brief = 20 * time.Second
	// short is enough for faults that show in the first attempts: a failed
	// connect with its internet test takes 10 s, and two reset the radio
	// (photon.md 5.2, 5.3).
	short = 40 * time.Second
	// long adds the 25 s after which a Photon gives a silent session up
	// (photon.md 4.1), and the attempts that follow.
	long = 48 * time.Second
	// idle adds the minute after which the relay ends a silent session (DESIGN 4.3).
	idle = 100 * time.Second
	// later is when a fault strikes a Photon that is online, which takes it 3 s.
	later = 8 * time.Second
)

// Find returns the scene of a name.
func Find(name string) (Scene, error) {
	for _, s := range Scenes() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scene{}, fmt.Errorf("look for scene %q: there is none", name)
}

// Scenes lists all of them, from the device outward.
func Scenes() []Scene {
	all := []Scene{{Name: "healthy", Says: "nothing", Right: hops(gateway.HopNone), Length: short}}
	for _, some := range [][]Scene{deviceScenes(), siteScenes(), closeScenes(), stallScenes(), sessionScenes()} {
		all = append(all, some...)
	}
	return all
}

// hops makes a list of hops.
func hops(h ...gateway.Hop) []gateway.Hop { return h }

// once is one act.
func once(at time.Duration, do func(*stage) error) []act { return []act{{at, do}} }

// deviceScenes are faults of the device and of the segment.
func deviceScenes() []Scene {
	return []Scene{
		{Name: "stranger", Says: "the Photon's MAC is not on the whitelist", unlisted: true,
			// A MAC filter shows as an address that does not come (photon.md 6.3, rule 2).
			Right: hops(gateway.HopAdmission, gateway.HopAddress), Length: short},
		{Name: "segment-down", Says: "the gateway's cable to the segment is out",
			Right: hops(gateway.HopAddress, gateway.HopLink, gateway.HopRadio), Length: short, acts: once(0, cutSegment)},
		{Name: "dhcp-lost", Says: "the gateway's DHCP answers do not arrive",
			Right: hops(gateway.HopAddress), Length: short, acts: once(0, loseDHCP)},
		{Name: "link-lost", Says: "the Photon loses its link and does not get it back",
			Right: hops(gateway.HopLink, gateway.HopRadio), Length: idle, acts: once(later, carrier("down"))},
		{Name: "link-back", Says: "the Photon loses its link for six seconds",
			Right: hops(gateway.HopNone, gateway.HopLink), Length: short,
			acts: []act{{later, carrier("down")}, {later + 6*time.Second, carrier("up")}}},
		{Name: "cloud-name", Says: "the Photon looks up a name that is not the cloud's", host: "cloud.example.com",
			Right: hops(gateway.HopDNS), Length: short},
		{Name: "server-key", Says: "the Photon holds another cloud's key", foreign: true,
			Right: hops(gateway.HopHandshake), Length: brief},
		{Name: "device-key", Says: "the cloud holds another key for this Photon",
			Right: hops(gateway.HopHandshake), Length: brief, cloud: sparktest.CloudConfig{Lookup: otherKey}},
		{Name: "signature", Says: "the cloud signs with another key than it decrypts with",
			Right: hops(gateway.HopHandshake), Length: brief, cloud: sparktest.CloudConfig{SignKey: sparktest.OtherServerKey()}},
	}
}

// siteScenes are faults of the site's firewall and resolver.
func siteScenes() []Scene {
	egress := hops(gateway.HopEgress)
	return []Scene{
		{Name: "drop", Shut: true, Says: "the firewall drops new connections", Right: egress,
			Length: short, acts: once(0, fault(site.Drop))},
		{Name: "refuse", Shut: true, Says: "the firewall resets new connections", Right: egress,
			Length: brief, acts: once(0, fault(site.Refuse))},
		{Name: "prohibit", Shut: true, Says: "the firewall answers new connections with an ICMP prohibition", Right: egress,
			Length: brief, acts: once(0, prohibit)},
		{Name: "approve-one", Says: "the firewall lets one address of the cloud through",
			Right: hops(gateway.HopNone, gateway.HopEgress), Length: short, acts: once(0, fault(site.ApproveOne))},
		{Name: "dns-drop", Shut: true, Says: "the site's resolver gets no question", Right: hops(gateway.HopDNS), Length: short,
			acts: once(0, fault(site.DNSDrop))},
		{Name: "allow-then-kill", Shut: true, Says: "the firewall drops every packet of a session that stood",
			Right: hops(gateway.HopMiddlebox, gateway.HopEgress), Length: long, acts: once(later, fault(site.AllowThenKill))},
		{Name: "reset-later", Shut: true, Says: "the firewall resets a session that stood, and every new one",
			Right: hops(gateway.HopMiddlebox, gateway.HopEgress), Length: brief, acts: once(later, resetAll)},
	}
}

// closeScenes are a cloud that closes at each phase of the handshake. From
// outside a cloud that rejects a key does the same.
func closeScenes() []Scene {
	var all []Scene
	for p := gateway.PhaseNonce; p <= gateway.PhaseHello; p++ {
		all = append(all, Scene{Name: "close-" + p.String(), Says: "the cloud closes at the phase " + p.String(),
			Right: hops(gateway.HopHandshake, gateway.HopCloud), Length: brief, cloud: sparktest.CloudConfig{CloseAt: p}})
	}
	return all
}

// stallScenes are a cloud that falls silent at each phase of the handshake;
// what stands in between may be the one that keeps its answer.
func stallScenes() []Scene {
	all := []Scene{{Name: "cloud-mute", Shut: true, Says: "the cloud accepts and says nothing",
		Right: hops(gateway.HopMiddlebox, gateway.HopCloud), Length: short, cloud: sparktest.CloudConfig{Stall: gateway.PhaseSilent}}}
	for p := gateway.PhaseNonce; p <= gateway.PhaseHello; p++ {
		length := long
		if p >= gateway.PhaseCloudKey {
			// Now the device waits 2 s and not 20 (photon.md 4.1, row 5).
			length = brief
		}
		all = append(all, Scene{Name: "stall-" + p.String(), Says: "the cloud falls silent at the phase " + p.String(),
			Right: hops(gateway.HopHandshake, gateway.HopMiddlebox, gateway.HopCloud), Length: length,
			cloud: sparktest.CloudConfig{Stall: p}})
	}
	return all
}

// sessionScenes are faults of the cloud in sessions that stand.
func sessionScenes() []Scene {
	return []Scene{
		{Name: "close-session", Says: "the cloud closes a session that stood, once",
			Right: hops(gateway.HopNone, gateway.HopCloud, gateway.HopSession), Length: short, acts: once(later, hangUp)},
		{Name: "cloud-deaf", Says: "the cloud takes what the Photon sends and answers no ping",
			Right: hops(gateway.HopSession, gateway.HopCloud), Length: long, acts: once(later, deafen)},
		{Name: "cloud-gone", Shut: true, Says: "the cloud closes its sessions and stops listening",
			Right: hops(gateway.HopCloud, gateway.HopEgress), Length: brief, acts: once(later, quit)},
	}
}
