package diagnose

import (
	"io"

	"photongate/gateway"
)

// Serial judges a device's log as a whole. Its error is of reading; the
// verdict then rests on what was read.
func Serial(r io.Reader) (gateway.Verdict, SerialStats, error) {
	s := NewStory()
	st, err := ReadSerial(r, s.Apply)
	switch {
	case st.Firm == 0 && st.Platform != PlatformElectron:
		return unrecognised(st.Lines), st, err
	case st.Order == OrderMixed, st.Order == OrderDown:
		return complete(view{Story: s, listed: true}, sayOrder(s, st.Order)), st, err
	}
	if s.cloud == "" && st.Platform.udp() {
		s.cloud = udpCloud
	}
	v := onPlatform(s.Verdict(), st.Platform)
	if st.Order == OrderDoubtful && !v.Healthy() {
		v.Confidence = gateway.Low
		v.Summary += doubt
	}
	return v, st, err
}
