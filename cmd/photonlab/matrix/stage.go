package matrix

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"photongate/bridge/spark/sparktest"
	"photongate/cmd/photonlab/site"
	"photongate/gateway"
)

// The files of a recording, and what lies beside them while it is made.
const (
	// SerialFile is the Photon's serial log, JournalFile photongate's events,
	// CaptureFile the packets of the segment.
	SerialFile  = "porch.log"
	JournalFile = "events.jsonl"
	CaptureFile = "segment.pcap"
	// StatusFile is what `photongate status --json` said at the end.
	StatusFile = "status.json"
)

// porch is the Photon of every scene.
const porch = "porch"

// patience is how long a real process may take to be ready, on a loaded machine.
const patience = 20 * time.Second

// Porch is the Photon of every scene, as the site has it.
func Porch() site.Photon {
	all := site.Photons()
	return all[slices.IndexFunc(all, func(p site.Photon) bool { return p.Name == porch })]
}

// Order is what a process of a recording is told.
type Order struct {
	// Scene names the scene, Dir is the folder to write to.
	Scene, Dir string
	// Gate is the photongate binary, Self a program that runs Part with the
	// arguments that it is started with.
	Gate, Self string
}

// stage is the process inside the namespaces while a scene is played.
type stage struct {
	// ctx ends everything, order says what is played, scene is that.
	ctx   context.Context
	order Order
	scene Scene
	// site is open while the scene is played; clouds are at its addresses.
	site   *site.Site
	clouds []*sparktest.Cloud
	// running is what was started.
	running []*exec.Cmd
}

// Play plays a scene to its end and leaves the files in the order's folder. It
// runs in a process enclosed by site.Enclose, whose end ends all it started.
func Play(ctx context.Context, o Order) error {
	scene, err := Find(o.Scene)
	if err != nil {
		return err
	}
	s := &stage{ctx: ctx, order: o, scene: scene}
	if s.site, err = site.Open(ctx); err != nil {
		return err
	}
	defer s.site.Close()
	for _, step := range []func() error{s.serve, s.before, s.gate, s.capture, s.power, s.pass, s.status, s.halt} {
		if err := step(); err != nil {
			return fmt.Errorf("play %s: %w", scene.Name, err)
		}
	}
	return nil
}

// serve opens the cloud and the site's resolver.
func (s *stage) serve() error {
	listeners, err := s.site.ListenCloud()
	if err != nil {
		return err
	}
	for _, l := range listeners {
		s.clouds = append(s.clouds, sparktest.ServeCloud(l, s.scene.cloud))
	}
	questions, err := s.site.Internet.ListenPacket(site.ResolverAddr())
	if err != nil {
		return err
	}
	go (&site.Resolver{Name: site.CloudName, Addrs: site.CloudAddrs()}).Serve(questions)
	return nil
}

// before does what is wrong from the start.
func (s *stage) before() error {
	for _, a := range s.scene.acts {
		if a.at > 0 {
			break
		}
		if err := a.do(s); err != nil {
			return err
		}
	}
	return nil
}

// path is a file of the recording.
func (s *stage) path(name string) string { return filepath.Join(s.order.Dir, name) }

// start starts a program in a namespace, with its output in a file. It ends
// with the namespace at the latest.
func (s *stage) start(space *site.Space, out string, argv ...string) error {
	f, err := os.Create(s.path(out))
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := space.Start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	s.running = append(s.running, cmd)
	return nil
}

// halt ends all that was started. It stops everything before it kills anything,
// so that no witness tells of the end of another.
func (s *stage) halt() error {
	for _, sig := range []os.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, cmd := range s.running {
			if err := cmd.Process.Signal(sig); err != nil {
				return fmt.Errorf("end %s: %w", cmd.Path, err)
			}
		}
	}
	return nil
}

// await waits until something is there, and says what was not.
func (s *stage) await(what string, there func() bool) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	// Often enough to be fast, rarely enough to cost nothing.
	for !there() {
		if !gateway.Pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		}
	}
	return nil
}

// control is photongate's control socket.
func (s *stage) control() string { return s.path("run/control.sock") }

// gate starts photongate and waits until it serves.
func (s *stage) gate() error {
	for _, d := range []string{"run", "state"} {
		if err := os.Mkdir(s.path(d), 0o700); err != nil {
			return err
		}
	}
	config := s.path("photongate.toml")
	if err := os.WriteFile(config, []byte(settings(s.scene, s.order.Dir)), 0o600); err != nil {
		return err
	}
	if err := s.start(s.site.Gateway, "photongate.log", s.order.Gate, "run", "--config", config, "--journal", s.path(JournalFile)); err != nil {
		return err
	}
	return s.await("photongate's control socket", func() bool {
		c, err := net.Dial("unix", s.control())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// capture starts to record packets.
func (s *stage) capture() error {
	if err := s.start(s.site.Gateway, "capture.log", s.order.Self, partCapture, s.path(CaptureFile)); err != nil {
		return err
	}
	return s.await("the capture", func() bool {
		info, err := os.Stat(s.path(CaptureFile))
		return err == nil && info.Size() > 0
	})
}

// power gives the Photon power.
func (s *stage) power() error {
	space, err := s.site.Plug(s.ctx, Porch())
	if err != nil {
		return err
	}
	return s.start(space, SerialFile, s.order.Self, partPhoton, s.scene.Name)
}

// pass lets the scene's time pass, with what happens in it.
func (s *stage) pass() error {
	started := time.Now()
	for _, a := range s.scene.acts {
		if a.at == 0 {
			continue
		}
		if !gateway.Pause(s.ctx, time.Until(started.Add(a.at))) {
			return s.ctx.Err()
		}
		if err := a.do(s); err != nil {
			return err
		}
	}
	if !gateway.Pause(s.ctx, time.Until(started.Add(s.scene.Length))) {
		return s.ctx.Err()
	}
	return nil
}

// status asks photongate how it is. Its exit code may say that something is
// wrong, which is what the scene is for.
func (s *stage) status() error {
	cmd := exec.CommandContext(s.ctx, s.order.Gate, "status", "--socket", s.control(), "--json")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if len(out) == 0 {
		return fmt.Errorf("ask photongate for its status: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return os.WriteFile(s.path(StatusFile), out, 0o600)
}

// Enclosed starts argv, which calls Play, in namespaces of its own, and waits
// for its end. The caller's goroutine is locked to its thread.
func Enclosed(ctx context.Context, env []string, said io.Writer, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = said, said
	site.Enclose(cmd)
	if err := site.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
