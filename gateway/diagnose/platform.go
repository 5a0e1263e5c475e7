package diagnose

import "strings"

// Platform is the kind of device whose log it is, as far as its lines tell.
type Platform string

// The platforms (photon.md 4.4, 5.1). All but a Photon speak DTLS over UDP.
const (
	// PlatformUnknown: a Photon, or nothing tells it from one.
	PlatformUnknown Platform = ""
	// PlatformPhoton: the lines are those of a Photon or P1.
	PlatformPhoton Platform = "Photon or P1"
	// PlatformElectron: a modem, driven as Gen 2 does.
	PlatformElectron Platform = "Electron (cellular, Gen 2)"
	// PlatformCellular: a modem, driven as Gen 3 does.
	PlatformCellular Platform = "Boron or B-Series (cellular, Gen 3)"
	// PlatformArgon: Wi-Fi through a second processor.
	PlatformArgon Platform = "Argon (Wi-Fi, Gen 3)"
	// PlatformP2: Wi-Fi of the newest modules.
	PlatformP2 Platform = "P2 or Photon 2"
	// PlatformGen3: network lines that only Gen 3 and later write.
	PlatformGen3 Platform = "Gen 3 or later"
	// PlatformDTLS: nothing but the protocol tells it from a Photon.
	PlatformDTLS Platform = "Electron, Gen 3 or later"
)

// udp tells whether the platform reaches its cloud over UDP.
func (p Platform) udp() bool { return p != PlatformUnknown && p != PlatformPhoton }

// platformMark is a set of things that only some platforms write.
type platformMark uint8

// The marks.
const (
	markWICED platformMark = 1 << iota
	markElectron
	markCellular
	markArgon
	markP2
	markGen3
	markDTLS
)

// platform is the one that fits, the most exact one first.
func (m platformMark) platform() Platform {
	for _, x := range [...]struct {
		mark platformMark
		is   Platform
	}{
		{markP2, PlatformP2}, {markArgon, PlatformArgon}, {markCellular, PlatformCellular}, {markElectron, PlatformElectron},
		{markGen3, PlatformGen3}, {markDTLS, PlatformDTLS}, {markWICED, PlatformPhoton},
	} {
		if m&x.mark != 0 {
			return x.is
		}
	}
	return PlatformUnknown
}

// categoryMarks are the categories that tell a platform, as they begin.
var categoryMarks = [...]struct {
	category string
	mark     platformMark
}{
	{"hal.wlan", markWICED},
	{"comm.sparkprotocol", markWICED},
	{"comm.lightssl", markWICED},
	{"comm.dtls", markDTLS},
	{"ncp.esp32", markArgon},
	{"net.esp32ncp", markArgon},
	{"ncp.rltk", markP2},
	{"net.rltkncp", markP2},
	{"net.ppp", markCellular},
	{"lwip.ppp", markCellular},
	{"gsm0710muxer", markGen3},
	{"mux", markGen3},
	{"ncp", markGen3},
	{"system.nm", markGen3},
	{"system.nd", markGen3},
	{"net", markGen3},
	{"lwip", markGen3},
	{"ot", markGen3},
	{"mesh", markGen3},
}

// categoryMark reads the mark of a category.
func categoryMark(category string) platformMark {
	for i := range categoryMarks {
		if within(category, categoryMarks[i].category) {
			return categoryMarks[i].mark
		}
	}
	return 0
}

// nameMark reads the mark of the cloud's name in a message.
func nameMark(message string) platformMark {
	switch {
	case strings.Contains(message, ".udp.particle.io"):
		return markDTLS
	case strings.Contains(message, ".udp-mesh.particle.io"):
		return markGen3
	}
	return 0
}

// within tells whether a category is c or begins with it: the last part may go on.
func within(category, c string) bool {
	if !strings.HasPrefix(category, c) {
		return false
	}
	return len(category) == len(c) || category[len(c)] == '.' || strings.Contains(c, ".")
}

// bareMark reads the mark of a line that is no record: the Electron's driver
// prints what it says to its modem without stamp and level.
func bareMark(s string) platformMark {
	for _, w := range [...]string{"AT send ", "AT read ", "[ Modem::"} {
		if i := strings.Index(s, w); i >= 0 && i < len("4294967.295 ") {
			return markElectron
		}
	}
	return 0
}
