package stand

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The configuration is one that the functions and HAProxy take, and every process has its turn.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &Stand{o: Options{Dir: dir, Instances: 2}, Public: "http://127.0.0.1:8080"}
	for _, name := range Functions() {
		for _, i := range []string{"1", "2"} {
			s.all = append(s.all, &Process{Name: name + "-" + i, function: name, port: "900" + i})
		}
	}
	s.Text = settings(s.Public, "redis://127.0.0.1:6379/0", "http://127.0.0.1:9009", dir, "load-1", 2)
	c, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	if c.Replicas != 2 || c.Clusters["load-1"].Max != 3 || len(c.LTI.Platforms) != 1 {
		t.Errorf("%+v", c)
	}
	text := s.balancing("8080")
	for _, p := range s.Processes() {
		if strings.Count(text, "server "+p.Name+" 127.0.0.1:"+p.port+"\n") != 1 {
			t.Errorf("%s is not in\n%s", p.Name, text)
		}
	}
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "/usr/sbin/haproxy", "-c", "-f", path).CombinedOutput(); err != nil {
		t.Errorf("HAProxy: %v\n%s", err, out)
	}
}

// A process is started, looked at, asked for its goroutines, and ended.
func TestProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := "#!/bin/sh\ntrap 'exit 0' TERM\ntrap 'printf \"\\ngoroutine 1 [x]:\\n\\ngoroutine 7 [y]:\\n\" >&2; exit 2' QUIT\necho up >&2\nwhile :; do sleep 0.05; done\n"
	if err := os.WriteFile(filepath.Join(dir, "fn"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	p := &Process{Name: "fn-1", function: "fn", port: "1", stand: &Stand{o: Options{Dir: dir, Bin: dir}}}
	start := func(times int) {
		t.Helper()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		for text := ""; strings.Count(text, "up\n") < times; { // it has set its traps
			read, err := os.ReadFile(filepath.Join(dir, "fn-1.log"))
			if err != nil || t.Context().Err() != nil {
				t.Fatal(err)
			}
			text = string(read)
		}
	}
	start(1)
	if u, err := p.Usage(); err != nil || u.RSS == 0 || u.Threads != 1 || u.Files < 3 {
		t.Errorf("%+v %v", u, err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	start(2)
	if n, err := p.Goroutines(t.Context()); err != nil || n != 2 {
		t.Errorf("%d goroutines, %v", n, err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("stop what has ended: %v", err)
	}
}
