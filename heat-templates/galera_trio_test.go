//go:build galera

package heattemplates_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	rootPassword = "hunter2-root"
	siteNetwork  = "10.99.7."
	cloudAddress = siteNetwork + "1:8000"
	storeAddress = siteNetwork + "1:7070"
	storeKey     = "AKIAhunter2"
	storeSecret  = "secret/hunter2+key"
)

// trioFolder has all files of these tests. It is short, since a socket's path has at most 107 letters.
var trioFolder = os.TempDir() + "/stackhook-galera"

var volumeIDs = []string{"7c1d6f0e-54a5-4a51-9be0-000000000000", "7c1d6f1e-54a5-4a51-9be0-000000000001", "7c1d6f2e-54a5-4a51-9be0-000000000002"}

var fresh sync.Once

// trio is three backends and two app nodes, each in a network namespace of its own, and a cloud that hears them. The nodes'
// programs are the real ones, run by the scripts that a real node gets.
type trio struct {
	t     *testing.T
	cloud *outside
	nodes []*host
	meta  atomic.Value // what the metadata service says
}

// host is one machine: a namespace, a folder for its own disk, and a loop device for its volume.
type host struct {
	site  *trio
	name  string // of the namespace
	index int
	root  string
	loop  string
	set   map[string]string // in place of what site.env has
	env   []string
}

// bash runs commands of the machine under test, which have to succeed.
func bash(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bash", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// sweep ends what a test or a run before it has left. It takes the namespaces' own processes and nothing else.
func sweep() {
	script := `for ns in $(ip netns list | awk '/^sg-/ { print $1 }'); do
  for pid in $(ip netns pids $ns); do kill -9 $pid; done
  ip netns del $ns
done
sleep 0.2
for mount in $(awk '$2 ~ "^` + trioFolder + `/" { print $2 }' /proc/mounts); do umount -l $mount; done
losetup --list --noheadings --output NAME,BACK-FILE | awk '$2 ~ "^` + trioFolder + `/" { print $1 }' | xargs -r -n 1 losetup -d`
	_, _ = exec.CommandContext(context.Background(), "bash", "-c", script).CombinedOutput()
}

// newTrio has blank volumes, and nothing that runs.
func newTrio(t *testing.T) *trio {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("needs root, for network namespaces and loop devices: run scripts/test-galera")
	}
	sweep()
	fresh.Do(func() { // not what another run's scripts have made
		syscall.Umask(0o022)
		bash(t, "rm -rf "+trioFolder+"/{golden*,store}")
	})
	if err := os.RemoveAll(trioFolder + "/site"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sweep)
	s := &trio{t: t, cloud: &outside{}}
	bash(t, `mkdir -p `+trioFolder+`/site
ip netns add sg-cloud
ip -n sg-cloud link set lo up
ip -n sg-cloud link add br0 type bridge
ip -n sg-cloud link set br0 up
ip -n sg-cloud addr add `+siteNetwork+`1/24 dev br0
for n in 10 11 12 20 21; do
  ip netns add sg-$n
  ip -n sg-$n link set lo up
  ip -n sg-$n link add eth0 type veth peer name v$n netns sg-cloud
  ip -n sg-$n addr add `+siteNetwork+`$n/24 dev eth0
  ip -n sg-$n link set eth0 up
  ip -n sg-cloud link set v$n master br0 up
done`)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", trioFolder+"/site/cloud")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.cloud.routes())
	mux.HandleFunc("GET /meta_data.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.meta.Load()) })
	s.meta.Store("{}")
	s.cloud.Server = httptest.NewUnstartedServer(mux)
	s.cloud.Listener = l
	s.cloud.Start()
	s.cloud.URL = "http://" + cloudAddress
	t.Cleanup(s.cloud.Close)
	s.start("sg-cloud", "socat", "TCP-LISTEN:8000,reuseaddr,fork", "UNIX-CONNECT:"+trioFolder+"/site/cloud")
	for i := range 3 {
		s.nodes = append(s.nodes, s.node("sg-1"+strconv.Itoa(i), i))
	}
	for _, n := range s.nodes {
		n.volume("blank" + strconv.Itoa(n.index))
		n.newDisk()
	}
	return s
}

func (s *trio) node(name string, index int) *host {
	return &host{site: s, name: name, index: index, root: trioFolder + "/site/" + name, set: map[string]string{}}
}

// start runs a program of the world around the site.
func (s *trio) start(ns string, argv ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), "nsenter", append([]string{"--net=/run/netns/" + ns}, argv...)...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }() // sweep ends it
}

// volume attaches a volume, a blank one if there is none of that name.
func (n *host) volume(name string) {
	n.site.t.Helper()
	file := trioFolder + "/site/" + name + ".img"
	n.loop = bash(n.site.t, "[ -e "+file+" ] || truncate -s 1500M "+file+"; losetup --find --show "+file)
}

// newDisk is the machine's own disk, as after a rebuild: nothing but what user data puts there.
func (n *host) newDisk() {
	t := n.site.t
	t.Helper()
	bash(t, "rm -rf "+n.root+"; mkdir -p "+n.root+"/{dev/disk/by-id,etc/stackhook,opt/stackhook}; chmod 755 "+trioFolder+" "+trioFolder+"/site "+n.root)
	scripts, err := filepath.Glob("site/boot/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range append(scripts, "labs/boot/lab-signal.sh", "labs/boot/lab-post.sh") {
		name := filepath.Base(file)
		if name != "lib.sh" {
			name = strings.TrimSuffix(name, ".sh")
		}
		switch name { // the parts of this test, and no others
		case "lib.sh", "boot-backend", "disk", "galera", "galera-start", "galera-check", "galera-backup", "s3", "backup", "db-proxy", "lab-signal", "lab-post":
			bash(t, "install -m 755 "+file+" "+n.root+"/opt/stackhook/"+name)
		}
	}
	if n.loop != "" {
		if err := os.Symlink(n.loop, n.root+"/dev/disk/by-id/virtio-"+volumeIDs[n.index][:20]); err != nil {
			t.Fatal(err)
		}
	}
	details := n.site.cloud.details()
	set := map[string]string{
		"SITE": "academy", "ROLE": "backend", "NAME": n.name, "PEERS": siteNetwork + "10 " + siteNetwork + "11 " + siteNetwork + "12",
		"INDEX": strconv.Itoa(n.index), "MYSQL_VOLUME": volumeIDs[n.index], "CLUSTER_UUID": "", "RESTORE": "", "BOOTSTRAP": "",
		"MYSQL_ROOT_PASSWORD": rootPassword, "MYSQL_PASSWORD": "hunter2-openedx", "MYSQL_SST_PASSWORD": "hunter2-sst",
		"MYSQL_SLOT": "", "MYSQL_EARLIER": "",
		"S3_ENDPOINT": "http://" + storeAddress, "S3_REGION": "us-east-1", "BACKUP_BUCKET": "backups", "BACKUP_HOUR": "03",
		"S3_ACCESS_KEY": storeKey, "S3_SECRET_KEY": storeSecret,
	}
	var env strings.Builder
	for key, value := range set {
		if other, ok := n.set[key]; ok {
			value = other
		}
		fmt.Fprintf(&env, "%s='%s'\n", key, value)
	}
	for name, text := range map[string]string{"site.env": env.String(), "signal": details, "progress": details} {
		if err := os.WriteFile(n.root+"/etc/stackhook/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// command is one run on the node.
func (n *host) command(argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(n.site.t.Context(), "nsenter", append([]string{"--net=/run/netns/" + n.name}, argv...)...)
	cmd.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + n.root + "/opt/stackhook", "SITE_ROOT=" + n.root, "SITE_MEMORY=700",
		"LAB_PAUSES=0", "DISK_WAIT=2", "ASK_EVERY=0.3", "PRIMARY_WAIT=60", "METADATA_URL=http://" + cloudAddress + "/meta_data.json",
	}, n.env...)
	cmd.WaitDelay = time.Second
	return cmd
}

func (n *host) run(argv ...string) (string, error) {
	out, err := n.command(argv...).CombinedOutput()
	if errors.Is(err, exec.ErrWaitDelay) { // what it left running has its output, too
		err = nil
	}
	return string(out), err
}

func (n *host) read(name string) string {
	text, _ := os.ReadFile(n.root + name)
	return string(text)
}

// sql asks the node's own MariaDB, as its root does: over the socket.
func (n *host) sql(query string) (string, error) {
	out, err := exec.CommandContext(n.site.t.Context(), "mariadb", "--no-defaults", "--socket="+n.root+"/run/stackhook/mysql/mysql.sock", "-BNe", query).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (n *host) must(query string) string {
	n.site.t.Helper()
	out, err := n.sql(query)
	if err != nil {
		n.site.t.Fatalf("node %d: %s: %v: %s", n.index, query, err, out)
	}
	return out
}

// mode is how the last start was decided.
func (n *host) mode() string { return strings.TrimSpace(n.read("/run/stackhook/mode")) }

func (n *host) status(name string) string {
	out, _ := n.sql("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_" + name + "'")
	return out
}

// crash is the power cut: nothing on the node lives on, and its volume has what was written.
func (n *host) crash() {
	n.site.t.Helper()
	bash(n.site.t, `while pids=$(ip netns pids `+n.name+`) && [ -n "$pids" ]; do kill -9 $pids 2>/dev/null || true; sleep 0.05; done
! mountpoint -q `+n.root+`/srv/mysql || umount `+n.root+`/srv/mysql`)
	bash(n.site.t, "rm -rf "+n.root+"/run")
}

// stop is a shutdown in order.
func (n *host) stop() {
	n.site.t.Helper()
	pid := strings.TrimSpace(n.read("/run/stackhook/mysql/mariadbd.pid"))
	bash(n.site.t, "kill "+pid+"; while kill -0 "+pid+" 2>/dev/null; do sleep 0.05; done")
	n.crash()
}

// bootEnd is the end of one boot.
type bootEnd struct {
	node *host
	err  error
	out  string
	took time.Duration
}

func (n *host) boot() bootEnd {
	start := time.Now()
	out, err := n.run(n.root + "/opt/stackhook/boot-backend")
	return bootEnd{n, err, out, time.Since(start)}
}

// boots has nodes boot at once, and be ready.
func (s *trio) boots(nodes ...*host) {
	s.t.Helper()
	for _, b := range s.boot(nodes...) {
		if b.err != nil {
			s.t.Fatalf("node %d: %v: %s\n%s", b.node.index, b.err, b.out, b.node.read("/var/log/stackhook/boot.log"))
		}
	}
}

func (s *trio) boot(nodes ...*host) []bootEnd {
	s.t.Helper()
	start, done, all := time.Now(), make(chan bootEnd), []bootEnd(nil)
	for _, n := range nodes {
		go func() { done <- n.boot() }()
	}
	var times []string
	for range nodes {
		b := <-done
		all = append(all, b)
		times = append(times, fmt.Sprintf("node %d %s %.1f s", b.node.index, b.node.mode(), b.took.Seconds()))
	}
	s.t.Logf("boot: %s; all %.1f s", strings.Join(times, ", "), time.Since(start).Seconds())
	return all
}

// goldenTrio is a site whose first boot was done by an earlier test: its volumes, as they are after an orderly stop.
func goldenTrio(t *testing.T) *trio {
	t.Helper()
	s := newTrio(t)
	if _, err := os.Stat(trioFolder + "/golden2.img"); err != nil {
		s.boots(s.nodes...)
		s.stopAll()
		for i := range 3 {
			bash(t, fmt.Sprintf("cp --sparse=always %s/site/blank%d.img %s/golden%d.img", trioFolder, i, trioFolder, i))
		}
	} else {
		for i, n := range s.nodes {
			bash(t, fmt.Sprintf("losetup -d %s; cp --sparse=always %s/golden%d.img %s/site/blank%d.img", n.loop, trioFolder, i, trioFolder, i))
			n.volume("blank" + strconv.Itoa(i))
		}
	}
	for _, n := range s.nodes {
		n.newDisk()
	}
	s.cloud.mu.Lock()
	s.cloud.signals = nil
	s.cloud.mu.Unlock()
	return s
}

// runningTrio is the golden one, up.
func runningTrio(t *testing.T) *trio {
	t.Helper()
	s := goldenTrio(t)
	s.boots(s.nodes...)
	return s
}

func (s *trio) stopAll() {
	s.t.Helper()
	for i := 2; i >= 0; i-- {
		s.nodes[i].stop()
	}
}

// whole says that there is one cluster of size nodes, and gives its UUID and the nodes' rows.
func (s *trio) whole(size int, nodes ...*host) string {
	s.t.Helper()
	uuid := nodes[0].status("cluster_state_uuid")
	for _, n := range nodes {
		got := strings.Join([]string{n.status("cluster_state_uuid"), n.status("cluster_status"), n.status("local_state_comment"), n.status("cluster_size")}, " ")
		if want := fmt.Sprintf("%s Primary Synced %d", uuid, size); got != want || uuid == "" {
			s.t.Fatalf("node %d is %q, not %q", n.index, got, want)
		}
	}
	return uuid
}

// failure is the one word of a node whose boot failed.
func (s *trio) failure(n *host, from int) signal {
	s.t.Helper()
	words := s.ready()[from:]
	if len(words) != 1 || words[0].Status != "FAILURE" {
		s.t.Fatalf("node %d was to fail, and said %+v\n%s", n.index, words, n.read("/var/log/stackhook/boot.log"))
	}
	s.t.Logf("FAILURE: %s", words[0].Reason)
	return words[0]
}

// ready is the last word of each node about its boot.
func (s *trio) ready() (words []signal) {
	for _, said := range s.cloud.heard() {
		if said.ID == "ready" {
			words = append(words, said)
		}
	}
	return words
}

func (s *trio) until(seconds int, what string, is func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for !is() {
		if time.Since(start) > time.Duration(seconds)*time.Second {
			s.t.Fatalf("not within %d s: %s", seconds, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}
