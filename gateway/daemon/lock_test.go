package daemon

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"photongate/gateway/config"
	"photongate/gateway/gatewaytest"
)

// holdEnv makes TestLock hold the lock until its standard input ends.
const holdEnv = "PHOTONGATE_TEST_HOLD"

// TestLock wants one gateway in a namespace, a second one to be told who the
// first is, and the lock to vanish with a killed process.
func TestLock(t *testing.T) {
	if os.Getenv(holdEnv) != "" {
		hold()
		return
	}
	if !gatewaytest.InNamespace(t) {
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestLock$")
	cmd.Env = append(os.Environ(), holdEnv+"=1")
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	const hint = "see what it does with `photongate status`, or end it first"
	cfg, log := settings(t), gatewaytest.Log(t)
	_, err = New(cfg, "test", log)
	wantError(t, err, fmt.Sprintf("start the gateway: a gateway runs already (process %d)", cmd.Process.Pid), hint)
	wantError(t, Cleanup(t.Context(), cfg), fmt.Sprintf("clean up: a gateway runs already (process %d)", cmd.Process.Pid), hint)
	err = OpenOffline(cfg, func(Offline) error { t.Error("opened"); return nil })
	wantError(t, err, fmt.Sprintf("change the whitelist: a gateway runs already (process %d)", cmd.Process.Pid), hint)
	if _, err := os.Stat(cfg.Gateway.StateDir); !os.IsNotExist(err) {
		t.Errorf("the refused start made folders: %v", err)
	}

	cmd.Process.Kill()
	cmd.Wait()
	// A start that is refused for another reason gives the lock back.
	spoilt := cfg
	spoilt.Devices = append(spoilt.Devices, porch)
	if _, err := New(spoilt, "test", log); err == nil {
		t.Error("a device that is pinned twice was accepted")
	}
	d, err := New(cfg, "test", log)
	if err != nil {
		t.Fatal(err)
	}
	d.lock.release()
}

// hold takes the lock and keeps it.
func hold() {
	if _, err := takeLock("hold", config.Config{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadString('\n')
}
