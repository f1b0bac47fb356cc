package heattemplates_test

import (
	"crypto/sha256"
	"fmt"
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

// redisTrio is the three Redis of a site, each on a loopback address of its own, and an app node's HAProxy before them.
type redisTrio struct {
	t     *testing.T
	nodes [3]*siteNode
	at    [3]string
	front string
	// password is the one that the tests log in with.
	password string
}

var redisNet atomic.Int32

func newRedisTrio(t *testing.T) *redisTrio {
	t.Helper()
	r := &redisTrio{t: t, password: "hunter2redis"}
	base := fmt.Sprintf("127.%d.%d.", 64+os.Getpid()%128, redisNet.Add(1))
	for i := range r.at {
		r.at[i] = base + strconv.Itoa(i+1)
	}
	r.front = base + "9"
	for i := range r.nodes {
		r.nodes[i] = newSiteNode(t, map[string]string{"ROLE": "backend", "INDEX": strconv.Itoa(i), "PEERS": strings.Join(r.at[:], " ")})
	}
	return r
}

// up boots some nodes' Redis at once, as after a power cut.
func (r *redisTrio) up(which ...int) {
	r.t.Helper()
	var all sync.WaitGroup
	for _, i := range which {
		all.Go(func() {
			if out, code := r.nodes[i].run("redis", "up"); code != 0 {
				r.t.Errorf("redis up on %d: code %d: %s%s", i, code, out, r.nodes[i].read("/var/log/stackhook/stackhook-redis.log"))
			}
		})
	}
	all.Wait()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// proxy starts the HAProxy of an app node with nothing but what redis-proxy gives it.
func (r *redisTrio) proxy() {
	r.t.Helper()
	n := newSiteNode(r.t, map[string]string{"ROLE": "app", "PEERS": strings.Join(r.at[:], " ")})
	n.env = append(n.env, "REDIS_BIND="+r.front+":6379")
	n.must("redis-proxy")
	if n.mode("/etc/stackhook/haproxy.d/redis.cfg") != 0o600 {
		r.t.Error("others may read the password in HAProxy's settings")
	}
	n.program("start-haproxy", `. "$SITE_ROOT/opt/stackhook/lib.sh"; service front haproxy -db -f "$etc/haproxy.d/redis.cfg"`)
	n.must(filepath.Join(n.path, "start-haproxy"))
	until(r.t, 60*time.Second, "HAProxy has found the primary", func() bool { return r.set("first", "1") == "OK" })
}

// cli is what a client gets that has logged in as user.
func (r *redisTrio) cli(address, user, password string, command ...string) string {
	argv := []string{"-h", address, "--no-auth-warning", "--user", user}
	if user == "" {
		argv = argv[:len(argv)-2]
	}
	cmd := exec.CommandContext(r.t.Context(), "timeout", append([]string{"-s", "KILL", "3", "redis-cli"}, append(argv, command...)...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
	out, _ := cmd.CombinedOutput()
	return strings.TrimSpace(string(out))
}

func (r *redisTrio) as(address string, command ...string) string {
	return r.cli(address, "openedx", r.password, command...)
}

func (r *redisTrio) set(key, value string) string { return r.as(r.front, "SET", key, value) }

// info is asked as HAProxy does; it has no other rights.
func (r *redisTrio) info(i int) string {
	password := fmt.Sprintf("%x", sha256.Sum256([]byte("check "+r.password)))
	return r.cli(r.at[i], "check", password, "INFO", "replication")
}

// primaries are all that say they are, and of them those that take writes.
func (r *redisTrio) primaries() (all, useful []int) {
	for i := range r.nodes {
		info := r.info(i)
		if strings.Contains(info, "role:master") {
			all = append(all, i)
			if strings.Contains(info, "min_slaves_good_slaves:") && !strings.Contains(info, "min_slaves_good_slaves:0") {
				useful = append(useful, i)
			}
		}
	}
	return all, useful
}

// settled waits until there is one primary with two replicas, and gives its index.
func (r *redisTrio) settled() int {
	r.t.Helper()
	index := -1
	until(r.t, 90*time.Second, "one primary, two replicas", func() bool {
		all, _ := r.primaries()
		if len(all) != 1 || !strings.Contains(r.info(all[0]), "connected_slaves:2") {
			return false
		}
		index = all[0]
		return true
	})
	return index
}

// kill does the same to the node's Redis and its Sentinel.
func (r *redisTrio) kill(i int, signal syscall.Signal) {
	r.t.Helper()
	for _, name := range []string{"redis", "sentinel"} {
		if !r.nodes[i].kill(name, signal) {
			r.t.Fatalf("node %d runs no %s", i, name)
		}
	}
}

// 3.2 and 6.1: the app nodes' path reaches a new primary when the old one is gone, nothing acknowledged before is lost, and the old
// one comes back as a replica. First all three start at once, and agree on one.
func TestRow32RedisPrimaryIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRedisTrio(t)
	r.up(0, 1, 2)
	if first := r.settled(); first != 0 {
		t.Errorf("the first primary is %d", first)
	}
	r.proxy()
	until(t, 60*time.Second, "a course is kept", func() bool { return r.set("course", "kept") == "OK" })
	victim := r.settled()
	start := time.Now()
	r.kill(victim, syscall.SIGKILL)
	until(t, 90*time.Second, "writes go on", func() bool { return r.set("after", "1") == "OK" })
	t.Logf("%.1f s from the kill of the primary to the next write", time.Since(start).Seconds())
	if got := r.as(r.front, "GET", "course"); got != "kept" {
		t.Errorf("after the change: %q", got)
	}
	if all, _ := r.primaries(); len(all) != 1 || all[0] == victim {
		t.Errorf("primaries are %v", all)
	}
	r.up(victim)
	if now := r.settled(); now == victim {
		t.Error("the old primary took over again")
	}
	if got := r.as(r.at[victim], "GET", "after"); got != "1" {
		t.Errorf("the old primary has %q", got)
	}
	before := r.nodes[victim].read("/run/stackhook/redis.pid")
	r.up(victim)
	if r.nodes[victim].read("/run/stackhook/redis.pid") != before {
		t.Error("a second boot of a good member started it again")
	}
}

// 3.2, no split: a primary that was away (here: stopped, as by a hung hypervisor) and comes back is never written to by the app
// nodes, and becomes a replica of the new one.
func TestRow32RedisThatWasCutOffDoesNotSplit(t *testing.T) {
	t.Parallel()
	r := newRedisTrio(t)
	r.up(0, 1, 2)
	r.proxy()
	victim := r.settled()
	r.kill(victim, syscall.SIGSTOP)
	until(t, 90*time.Second, "writes go on", func() bool { return r.set("who", "new") == "OK" })
	r.kill(victim, syscall.SIGCONT)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if got := r.as(r.front, "GET", "who"); got != "new" && !strings.Contains(got, "rror") {
			t.Fatalf("the app nodes read %q: from the old primary", got)
		}
		if _, useful := r.primaries(); len(useful) > 1 {
			t.Fatalf("writes are taken by %v", useful)
		}
	}
	if now := r.settled(); now == victim {
		t.Error("the old primary is the primary")
	}
	if got := r.as(r.at[victim], "GET", "who"); got != "new" {
		t.Errorf("the old primary has %q", got)
	}
}

// 6.1, rebuild: a primary that lost its volume must not start as the primary its peers still take it for: they would copy the void.
func TestRow61BlankRedisDoesNotEmptyTheOthers(t *testing.T) {
	t.Parallel()
	r := newRedisTrio(t)
	r.up(0, 1, 2)
	r.settled()
	r.proxy()
	until(t, 60*time.Second, "a course is kept", func() bool { return r.set("course", "kept") == "OK" })
	victim := r.settled()
	until(t, 20*time.Second, "the replica has it", func() bool { return r.as(r.at[(victim+1)%3], "GET", "course") == "kept" })
	r.kill(victim, syscall.SIGKILL)
	if err := os.RemoveAll(filepath.Join(r.nodes[victim].root, "srv")); err != nil {
		t.Fatal(err)
	}
	r.up(victim) // at once, before anyone has noticed
	if now := r.settled(); now == victim {
		t.Error("the blank one is primary")
	}
	for i := range r.at {
		until(t, 30*time.Second, "all have the key", func() bool { return r.as(r.at[i], "GET", "course") == "kept" })
	}
}

// 3.2, the traps: no login without a name, no rights beyond a client's, and nothing of the queue is thrown out.
func TestRow32RedisUsers(t *testing.T) {
	t.Parallel()
	r := newRedisTrio(t)
	r.up(0, 1, 2)
	r.settled()
	for name, row := range map[string][2]string{
		"password without a name": {r.cli(r.at[0], "", "hunter2redis", "PING"), "AUTH failed"},
		"nobody":                  {r.cli(r.at[0], "", "", "PING"), "NOAUTH"},
		"the site":                {r.as(r.at[0], "PING"), "PONG"},
		"the site, as admin":      {r.as(r.at[0], "CONFIG", "GET", "masterauth"), "NOPERM"},
		"the site's as admin's":   {r.cli(r.at[0], "admin", "hunter2redis", "PING"), "AUTH failed"},
	} {
		if !strings.Contains(row[0], row[1]) {
			t.Errorf("%s: %q, want %q", name, row[0], row[1])
		}
	}
	for _, line := range []string{"maxmemory-policy volatile-lru", "maxmemory 1048576kb", "appendonly yes", "min-replicas-to-write 1"} {
		if conf := r.nodes[1].read("/srv/mongodb/redis/made"); !strings.Contains(conf, line) {
			t.Errorf("no %q in %s", line, conf)
		}
	}
	if r.nodes[1].mode("/srv/mongodb/redis/redis.conf") != 0o600 || r.nodes[1].mode("/srv/mongodb/redis") != 0o700 {
		t.Error("others may read Redis's settings")
	}
}
