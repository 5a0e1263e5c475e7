package photon

// LED is what the light shows, in the words of photon.md 7.
type LED string

// The patterns.
const (
	LEDOff           LED = "off"
	LEDWiFiOff       LED = "white breathing"
	LEDJoining       LED = "green blink"
	LEDAddress       LED = "green fast blink"
	LEDConnecting    LED = "cyan blink"
	LEDHandshake     LED = "cyan fast blink"
	LEDConnected     LED = "cyan breathing"
	LEDNoInternet    LED = "2 orange blinks"
	LEDNoCloud       LED = "3 orange blinks"
	LEDHandshakeFail LED = "one red flash"
	LEDKeyDecrypt    LED = "one orange flash"
	LEDKeySignature  LED = "one magenta flash"
)
