package stand

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
)

// Functions are those that a load calls.
func Functions() []string { return []string{"launch-lab", "view-lab", "scale-cluster", "deploy-site"} }

// Options say what a stand is.
type Options struct {
	Dir       string            // for everything that is written
	Env       map[string]string // the cloud, as the functions' OS_* variables
	Instances int               // processes of each function
	// Bin holds the programs, as `make build` leaves them; empty: they are built.
	Bin string
}

// Stand is what runs. Close it in the end.
type Stand struct {
	// Public is public_url, HAProxy's address.
	Public string
	// Text is the functions' configuration.
	Text string
	// Cluster is the name of the cluster in it.
	Cluster string

	o        Options
	file     string
	redis    *daemon
	balancer *daemon
	all      []*Process
}

// Start builds the functions and starts everything.
func Start(ctx context.Context, o Options) (*Stand, error) {
	s := &Stand{o: o, Cluster: "load-" + strings.ToLower(strconv.FormatInt(time.Now().UnixMilli()%1e9, 36))}
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// build makes the programs as `make build` does.
func (s *Stand) build(ctx context.Context) error {
	if s.o.Bin != "" {
		return nil
	}
	s.o.Bin = s.o.Dir
	for _, name := range Functions() {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-o", s.path(name), "github.com/stackhook/stackhook/functions/"+name) //nolint:gosec // our own programs
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func (s *Stand) path(name string) string { return filepath.Join(s.o.Dir, name) }

func (s *Stand) start(ctx context.Context) error {
	ports, err := freePorts(ctx, 3+len(Functions())*s.o.Instances)
	if err != nil {
		return err
	}
	front, redis, lms, rest := ports[0], ports[1], ports[2], ports[3:]
	s.Public = "http://127.0.0.1:" + front
	if s.redis, err = startDaemon(s.path("redis.log"), "redis-server", "--bind", "127.0.0.1", "--port", redis, "--save", "", "--appendonly", "no"); err != nil {
		return err
	}
	s.Text = settings(s.Public, "redis://127.0.0.1:"+redis+"/0", "http://127.0.0.1:"+lms, s.path("templates"), s.Cluster, s.o.Instances)
	s.file = s.path("stackhook.yaml")
	err = errors.Join(os.MkdirAll(s.path("templates"), 0o750), os.WriteFile(s.path("templates/load.yaml"), []byte(labTemplate), 0o600), os.WriteFile(s.file, []byte(s.Text), 0o600))
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	for i := range s.o.Instances {
		for _, name := range Functions() {
			p := &Process{Name: fmt.Sprintf("%s-%d", name, i+1), function: name, port: rest[0], stand: s}
			rest = rest[1:]
			s.all = append(s.all, p)
			if err := p.Start(); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(s.path("haproxy.cfg"), []byte(s.balancing(front)), 0o600); err != nil {
		return fmt.Errorf("write HAProxy's configuration: %w", err)
	}
	if s.balancer, err = startDaemon(s.path("haproxy.log"), "/usr/sbin/haproxy", "-db", "-f", s.path("haproxy.cfg")); err != nil {
		return err
	}
	for _, p := range s.all {
		if err := p.Up(ctx); err != nil {
			return err
		}
	}
	return answers(ctx, "127.0.0.1:"+front)
}

// balancing is HAProxy's configuration: timeouts and retries are its usual ones, and a health check twice a second.
func (s *Stand) balancing(front string) string {
	var b strings.Builder
	b.WriteString("global\n  maxconn 2000\ndefaults\n  mode http\n  retries 3\n  option redispatch\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n" +
		"  default-server check inter 500ms fall 2 rise 1\n")
	fmt.Fprintf(&b, "frontend front\n  bind 127.0.0.1:%s\n", front)
	for _, name := range Functions() {
		fmt.Fprintf(&b, "  use_backend %s if { path_beg /%s/ }\n", name, name)
	}
	for _, name := range Functions() {
		fmt.Fprintf(&b, "backend %s\n  balance roundrobin\n  option httpchk GET /healthz\n", name)
		for _, p := range s.all {
			if p.function == name {
				fmt.Fprintf(&b, "  server %s 127.0.0.1:%s\n", p.Name, p.port)
			}
		}
	}
	return b.String()
}

// Config is the configuration, read.
func (s *Stand) Config() (*config.Config, error) {
	c, err := config.Map(map[string]string{config.Variable: s.Text}).Load()
	if err != nil {
		return nil, fmt.Errorf("read the stand's own configuration: %w", err)
	}
	return c, nil
}

// Processes are the functions', first instances first.
func (s *Stand) Processes() []*Process { return s.all }

// Instance are the processes of one instance, from 1.
func (s *Stand) Instance(i int) []*Process {
	n := len(Functions())
	return s.all[(i-1)*n : i*n]
}

// KillRedis ends the store as a crash would; StartRedis begins it anew, with nothing in it.
func (s *Stand) KillRedis() { s.redis.kill() }

// StartRedis is the store again.
func (s *Stand) StartRedis() error { return s.redis.start() }

// Close ends everything.
func (s *Stand) Close(ctx context.Context) error {
	var errs []error
	for _, p := range s.all {
		errs = append(errs, p.Stop(ctx))
	}
	for _, d := range []*daemon{s.balancer, s.redis} {
		if d != nil {
			d.kill()
		}
	}
	return errors.Join(errs...)
}

// environment of a process of ours.
func (s *Stand) environment(port string) []string {
	env := []string{
		"PATH=/usr/bin:/bin", "HOME=" + s.o.Dir, config.Variable + "=" + s.file, "STACKHOOK_DRAIN_DELAY=2s",
		"FUNCTIONS_CUSTOMHANDLER_PORT=" + port, // the one port that is on loopback alone
	}
	for _, name := range slices.Sorted(maps.Keys(s.o.Env)) {
		env = append(env, name+"="+s.o.Env[name])
	}
	return env
}

// freePorts are different ones, free a moment ago.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // all of them at the end, or one would come twice
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}
