//go:build galera

package heattemplates_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// appNodes have the shipped HAProxy before the shipped check, and no database of their own.
func (s *trio) appNodes() []*host {
	s.t.Helper()
	var apps []*host
	for _, number := range []string{"20", "21"} {
		n := s.node("sg-"+number, 0)
		n.set["ROLE"], n.set["NAME"], n.set["INDEX"] = "app", "app-"+number, ""
		n.newDisk()
		if out, err := n.run(n.root + "/opt/stackhook/db-proxy"); err != nil {
			s.t.Fatalf("db-proxy: %v: %s", err, out)
		}
		apps = append(apps, n)
	}
	return apps
}

// client is a MariaDB client on the node, of the site's own user.
func (n *host) client(host string, more ...string) *exec.Cmd {
	cmd := n.command(append([]string{"mariadb", "--no-defaults", "--host=" + host, "--user=openedx", "--connect-timeout=5", "-BN"}, more...)...)
	cmd.Env = append(cmd.Env, "MYSQL_PWD=hunter2-openedx")
	return cmd
}

// writer is the backend to which the node's HAProxy sends a new connection; empty if there is none.
func (n *host) writer() string {
	out, _ := n.client("127.0.0.1", "-e", "SELECT @@wsrep_node_name").Output()
	return strings.TrimSpace(string(out))
}

// fight has two clients count in one row, each 400 times in a transaction as Django's, and counts what ended with an error.
func (s *trio) fight(apps []*host, hosts ...string) (conflicts int) {
	s.t.Helper()
	s.nodes[0].must("CREATE OR REPLACE TABLE openedx.fight (id INT PRIMARY KEY, n INT); INSERT INTO openedx.fight VALUES (1, 0)")
	script := strings.Repeat("BEGIN; UPDATE openedx.fight SET n = n + 1 WHERE id = 1; COMMIT;\n", 400)
	done := make(chan string)
	for i, app := range apps {
		go func() {
			cmd := app.client(hosts[i], "--force")
			cmd.Stdin = strings.NewReader(script)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			_ = cmd.Run()
			done <- errs.String()
		}()
	}
	errs := <-done + <-done
	conflicts = strings.Count(errs, "ERROR 1213")
	if other := strings.Count(errs, "ERROR ") - conflicts; other > 0 {
		s.t.Fatalf("%d other errors: %.300s", other, errs)
	}
	if got := s.nodes[0].must("SET wsrep_sync_wait = 1; SELECT n FROM openedx.fight"); got != strconv.Itoa(800-conflicts) {
		s.t.Errorf("the row has %s after 800 updates and %d errors", got, conflicts)
	}
	return conflicts
}

// Acceptance 4, first half: with the shipped HAProxy two app nodes never meet in certification.
func TestRow7006SingleWriterHasNoCertificationFailures(t *testing.T) {
	s := runningTrio(t)
	apps := s.appNodes()
	for range 4 { // each connection anew
		for _, app := range apps {
			if got := app.writer(); got != "backend-0" {
				t.Errorf("%s writes at %s", app.name, got)
			}
		}
	}
	start := time.Now()
	if got := s.fight(apps, "127.0.0.1", "127.0.0.1"); got != 0 {
		t.Errorf("%d of 800 updates ended with error 1213", got)
	}
	t.Logf("through HAProxy: 0 of 800 updates ended with error 1213, %.1f s", time.Since(start).Seconds())
	start = time.Now()
	got := s.fight(apps, siteNetwork+"10", siteNetwork+"11")
	t.Logf("at two nodes: %d of 800 updates ended with error 1213, %.1f s", got, time.Since(start).Seconds())
	if got == 0 {
		t.Error("two writers had no conflict: the load proves nothing")
	}
}

// gap has a client write without end on an app node while something happens, and measures the longest time without a write.
func (n *host) gap(during func()) (longest time.Duration, failed int) {
	n.site.t.Helper()
	n.site.nodes[1].must("CREATE TABLE IF NOT EXISTS openedx.gap (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
	stop, done := make(chan bool), make(chan bool)
	last, writes := time.Now(), 0
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := n.client("127.0.0.1", "-e", "INSERT INTO openedx.gap (v) VALUES (1)").Run(); err != nil {
				failed++
				time.Sleep(50 * time.Millisecond)
				continue
			}
			writes++
			longest = max(longest, time.Since(last))
			last = time.Now()
		}
	}()
	during()
	close(stop)
	<-done
	if writes == 0 {
		n.site.t.Fatal("nothing was written")
	}
	return longest, failed
}

// Acceptance 4, second half: the writer dies, another takes over for all app nodes, and gives way when the first is back.
func TestRow7006SingleWriterFailsOverAndBack(t *testing.T) {
	s := runningTrio(t)
	apps := s.appNodes()
	both := func(want string) func() bool {
		return func() bool { return apps[0].writer() == want && apps[1].writer() == want }
	}
	s.until(20, "both write at the first", both("backend-0"))
	longest, failed := apps[0].gap(func() {
		time.Sleep(time.Second)
		s.nodes[0].crash()
		s.until(60, "both write at the second", both("backend-1"))
		time.Sleep(time.Second)
	})
	t.Logf("kill -9 of the writer: no write for %.1f s, %d failed calls", longest.Seconds(), failed)
	if longest > time.Minute {
		t.Errorf("no write for %s", longest)
	}

	// A connection that lives on at the second would write there while all others write at the first.
	long := apps[1].client("127.0.0.1", "-e", "SELECT @@wsrep_node_name; SELECT SLEEP(600)")
	var said bytes.Buffer
	long.Stdout, long.Stderr = &said, &said
	if err := long.Start(); err != nil {
		t.Fatal(err)
	}
	s.nodes[0].newDisk()
	longest, failed = apps[0].gap(func() {
		s.boots(s.nodes[0])
		took := s.until(60, "both write at the first again", both("backend-0"))
		t.Logf("both app nodes are back at the first %.1f s after its SUCCESS", took.Seconds())
	})
	t.Logf("return of the writer: no write for %.1f s, %d failed calls", longest.Seconds(), failed)
	if err := long.Wait(); err == nil || !strings.Contains(said.String(), "ERROR 2013") {
		t.Errorf("the long connection was not ended: %v, %s", err, said.String())
	}

	longest, failed = apps[0].gap(func() {
		s.nodes[0].stop()
		s.until(60, "both write at the second", both("backend-1"))
	})
	t.Logf("orderly stop of the writer: no write for %.1f s, %d failed calls", longest.Seconds(), failed)
}

// The check says 200 for whoever may be the writer only: not for one that gives a full copy while a third is there, nor for one
// without a quorum.
func TestRow7006CheckSaysWhoMayBeTheWriter(t *testing.T) {
	s := goldenTrio(t)
	s.boots(s.nodes[0], s.nodes[1])
	check := func(n *host) string {
		out, _ := s.nodes[0].run("curl", "-s", "-w", "%{http_code}", fmt.Sprintf("http://%s1%d:9200/", siteNetwork, n.index))
		return out
	}
	n := s.nodes[1]
	n.must("SET GLOBAL wsrep_desync = ON")
	if got := check(n); !strings.HasSuffix(got, "200") || !strings.Contains(got, "state=Donor/Desynced size=2") {
		t.Errorf("the donor of two says %s", got)
	}
	s.boots(s.nodes[2])
	if got := check(n); !strings.HasSuffix(got, "503") || !strings.Contains(got, "state=Donor/Desynced size=3") {
		t.Errorf("the donor of three says %s", got)
	}
	n.must("SET GLOBAL wsrep_desync = OFF")
	s.until(10, "it is Synced", func() bool { return strings.HasSuffix(check(n), "200") })
	start := time.Now()
	for range 50 {
		check(n)
	}
	t.Logf("one check takes %.0f ms", time.Since(start).Seconds()*1000/50)
	s.nodes[0].crash()
	n.stop()
	if out, err := s.nodes[2].run("curl", "-s", "-m", "3", "http://"+siteNetwork+"11:9200/"); err == nil {
		t.Errorf("a machine that is off says %s", out)
	}
}
