package segment

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"photongate/gateway"
	"photongate/gateway/gatewaytest"
)

// TestKeeperCarrier wants a cable that is out to be told while it is, once,
// with the address set and ready all the same, and to be given time to settle.
func TestKeeperCarrier(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	gatewaytest.Sh(t, "ip link set air0 down")
	dir := t.TempDir()
	var events gatewaytest.Events
	synctest.Test(t, func(t *testing.T) {
		k, stop := keeping(t, dir, &events)
		defer stop()
		<-k.Ready()
		synctest.Wait()
		wantLook(t, "when ready", "up 192.168.77.1/24 brd 192.168.77.255")
		time.Sleep(settle - 1)
		if got, want := kinds(&events), []gateway.Kind{gateway.PartOK}; !slices.Equal(got, want) {
			t.Errorf("while it settles the events are %v, want %v", got, want)
		}
		time.Sleep(time.Minute)
		all := events.All()
		if len(all) != 1 || all[0].Kind != gateway.PartFailed || all[0].Part != gateway.PartSegment ||
			all[0].Text != "use interface seg0: the interface has no carrier" ||
			!strings.Contains(all[0].Hint, "access point") {
			t.Errorf("events %+v, want one failure with a hint", all)
		}
		wantLook(t, "without a carrier", "up 192.168.77.1/24 brd 192.168.77.255")
		events.Reset()
	})
}

// TestKeeperCableOut wants a cable that is out at the start to be told at once
// where the interface was up already, and the cable put in, and pulled again.
func TestKeeperCableOut(t *testing.T) {
	if !gatewaytest.InNamespace(t) {
		return
	}
	cable(t)
	gatewaytest.Sh(t, "ip link set air0 down", "ip link set seg0 up")
	synctest.Test(t, func(t *testing.T) {
		var events gatewaytest.Events
		k, stop := keeping(t, t.TempDir(), &events)
		defer stop()
		<-k.Ready()
		synctest.Wait()
		if got, want := kinds(&events), []gateway.Kind{gateway.PartFailed}; !slices.Equal(got, want) {
			t.Errorf("without a cable the events are %v, want %v", got, want)
		}
		for _, step := range []struct {
			cable string
			want  gateway.Kind
		}{{"up", gateway.PartOK}, {"down", gateway.PartFailed}} {
			gatewaytest.Sh(t, "ip link set air0 "+step.cable)
			// The bubble's clock runs ahead of the kernel, which looks at its
			// cables once a second (Linux, net/core/link_watch.c): only a
			// program waits for that.
			told := false
			for tries := 0; !told && tries < 200; tries++ {
				gatewaytest.Sh(t, "sleep 0.05")
				time.Sleep(every)
				synctest.Wait()
				told = slices.Contains(kinds(&events), step.want)
			}
			if !told {
				t.Errorf("%s is not told after the cable is %s", step.want, step.cable)
			}
		}
	})
}
