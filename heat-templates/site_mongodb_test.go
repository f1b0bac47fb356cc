package heattemplates_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// nameService makes node.js find the members by their names, as /etc/hosts does on a node.
const nameService = `const net = require('net'), at = JSON.parse(process.env.MONGO_AT), real = net.createConnection;
net.createConnection = (o, ...rest) => real(at[o.host + ':' + o.port] ? {...o, ...at[o.host + ':' + o.port]} : o, ...rest);
`

// mongoNode is a backend whose mongod is one of the stub's members.
func mongoNode(t *testing.T, s *mongoSet, index int, set map[string]string) *siteNode {
	t.Helper()
	mongosh, err := filepath.Abs("../scripts/peers/node_modules/.bin/mongosh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mongosh); err != nil {
		t.Fatal("no mongosh here: scripts/test-deps installs what the tests need")
	}
	all := map[string]string{"ROLE": "backend", "INDEX": strconv.Itoa(index)}
	maps.Copy(all, set)
	n := newSiteNode(t, all)
	n.program("mongod", "exec sleep 600")
	n.program("mongosh", `exec "`+mongosh+`" "$@"`)
	at := map[string]any{}
	for i, m := range s.members {
		host, port, _ := strings.Cut(m.peer.Addr().String(), ":")
		at[s.host(i)] = map[string]string{"host": host, "port": port}
	}
	text, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	n.write("/names.js", nameService)
	node, err := filepath.EvalSymlinks("/usr/bin/node")
	if err != nil {
		t.Fatal(err)
	}
	n.env = append(n.env, "MONGO_AT="+string(text), "NODE_OPTIONS=--require="+n.root+"/names.js", "MONGODB_LOCAL="+s.members[index].local.Addr().String(),
		"MONGODB_WAIT=110", "MONGODB_PAUSE=50", "PATH="+n.path+":"+n.root+"/opt/stackhook:"+filepath.Dir(node)+":/usr/sbin:/usr/bin:/sbin:/bin")
	return n
}

// together starts mongodb on some nodes at once, and gives what each said.
func together(nodes ...*siteNode) (said []string, codes []int) {
	said, codes = make([]string, len(nodes)), make([]int, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { said[i], codes[i] = n.run("mongodb", "up") })
	}
	all.Wait()
	return said, codes
}

// 3.5: one replSetInitiate on exactly one member, then the admin through the exception for localhost, then the site's user; and
// every later boot changes nothing. The second row has another member win the election: it makes the users, then.
func TestRow35ReplicaSetIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, winner := range []int{0, 2} {
		t.Run("primary "+strconv.Itoa(winner), func(t *testing.T) {
			t.Parallel()
			s := newMongoSet(t)
			s.elect = winner
			var nodes []*siteNode
			for i := range 3 {
				nodes = append(nodes, mongoNode(t, s, i, nil))
			}
			said, codes := together(nodes...)
			if !slices.Equal(codes, []int{0, 0, 0}) {
				t.Fatalf("codes %v: %q", codes, said)
			}
			w := strconv.Itoa(winner)
			want := []string{"0 replSetInitiate", w + " createUser admin", w + " createUser openedx"}
			if got := s.changes(); !slices.Equal(got, want) {
				t.Errorf("the set was changed by %q, want %q", got, want)
			}
			if s.password("admin") != "hunter2admin" || s.password("openedx") != "hunter2mongo" {
				t.Error("the users have other passwords than the site's")
			}
			if !slices.Equal(s.config, []string{s.host(0), s.host(1), s.host(2)}) {
				t.Errorf("members are %v", s.config)
			}
			for i, n := range nodes {
				key, conf := n.read("/etc/mongod.key"), n.read("/etc/mongod.conf")
				if key != "hunter2keyhunter2keyhunter2key\n" || n.mode("/etc/mongod.key") != 0o400 {
					t.Errorf("the key of %d has mode %v", i, n.mode("/etc/mongod.key"))
				}
				for _, line := range []string{"authorization: enabled", "keyFile: " + n.root + "/etc/mongod.key", "replSetName: openedx", "cacheSizeGB: 2.00", "dbPath: " + n.root + "/srv/mongodb/db"} {
					if !strings.Contains(conf, line) {
						t.Errorf("no %q in %s", line, conf)
					}
				}
			}
			pid := nodes[1].read("/run/stackhook/mongodb.pid")
			if out := nodes[1].must("mongodb", "up"); len(s.changes()) != 3 || nodes[1].read("/run/stackhook/mongodb.pid") != pid {
				t.Errorf("a second boot of a good member made %q: %s", s.changes(), out)
			}
		})
	}
}

// 4.5 and "rebuild backend keeps data": node 0 with a blank volume never makes a second set; it waits for its own to fill it.
func TestRow45BlankNodeZeroJoins(t *testing.T) {
	t.Parallel()
	s := newMongoSet(t)
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "hunter2admin", "openedx": "hunter2mongo"}
	s.become(1, memberPrimary)
	s.become(2, memberSecondary)
	n := mongoNode(t, s, 0, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, code := n.run("mongodb", "up")
		if code != 0 || !strings.Contains(out, "mongodb SECONDARY") {
			t.Errorf("code %d: %s", code, out)
		}
	}()
	until(t, 30*time.Second, "it says what it waits for", func() bool {
		files, _ := filepath.Glob(filepath.Join(n.root, "output*"))
		return len(files) == 1 && strings.Contains(n.read("/"+filepath.Base(files[0])), "waiting to be found by the set of mongo-1")
	})
	s.become(0, memberFilling)
	s.become(0, memberSecondary)
	<-done
	if got := s.changes(); len(got) != 0 {
		t.Errorf("a rebuilt member changed the set: %q", got)
	}
}

// 3.5, the cases in which nobody may make a set: each ends with a reason.
func TestRow35NoSetIsMadeWhileDataMayBeElsewhere(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		index  int
		set    func(*mongoSet)
		reason string
	}{
		"a silent peer":          {0, func(s *mongoSet) { s.off(2, true) }, "mongo-2.site.internal:27017 do not answer, and may hold the data"},
		"both silent":            {0, func(s *mongoSet) { s.off(1, true); s.off(2, true) }, "mongo-1.site.internal:27017 and mongo-2.site.internal:27017 do not answer"},
		"not index 0":            {1, func(*mongoSet) {}, "waiting for mongo-0.site.internal:27017 to make the set"},
		"foreign volume":         {0, func(s *mongoSet) { s.become(0, memberRemoved) }, "this volume has a set already, which does not know this node"},
		"peer that looks blank":  {0, func(s *mongoSet) { s.become(1, memberRemoved) }, "has data already, cannot initiate set"},
		"mongod does not answer": {0, func(s *mongoSet) { s.off(0, true) }, "mongod does not answer"},
		"other admin": {1, func(s *mongoSet) {
			s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "another"}
			s.become(1, memberPrimary)
		}, "the set has an admin with another password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMongoSet(t)
			row.set(s)
			n := mongoNode(t, s, row.index, nil)
			n.env = append(n.env, "MONGODB_WAIT=1")
			out, code := n.run("mongodb", "up")
			if code == 0 || !strings.Contains(out, row.reason) {
				t.Errorf("code %d, want %q: %s", code, row.reason, out)
			}
			if got := s.changes(); len(got) != 0 {
				t.Errorf("the set was changed by %q", got)
			}
			if !strings.Contains(n.read("/run/stackhook/failure"), row.reason) {
				t.Errorf("Heat would be told %q", n.read("/run/stackhook/failure"))
			}
		})
	}
}

// 7.1 no. 15: a rotated password of the site's user is set by the primary, and only by it.
func TestRow7115RotatedPassword(t *testing.T) {
	t.Parallel()
	s := newMongoSet(t)
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "hunter2admin", "openedx": "hunter2old"}
	s.become(0, memberSecondary)
	s.become(1, memberPrimary)
	s.become(2, memberSecondary)
	_, codes := together(mongoNode(t, s, 0, nil), mongoNode(t, s, 1, nil))
	if got := s.changes(); !slices.Equal(codes, []int{0, 0}) || !slices.Equal(got, []string{"1 updateUser openedx"}) || s.password("openedx") != "hunter2mongo" {
		t.Errorf("codes %v, changes %q", codes, got)
	}
}

// 7.1 no. 15: the first node of a rotation, which is no primary as a rule, makes the second pair of users; those in use stay, and go
// only when no earlier key is given any more. The keyfile has both keys in between.
func TestRow7115RotatedUsersAndKeyfile(t *testing.T) {
	t.Parallel()
	s := newMongoSet(t)
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "hunter2before", "openedx": "hunter2old"}
	s.become(0, memberPrimary)
	s.become(1, memberSecondary)
	s.become(2, memberSecondary)
	both := map[string]string{"MONGODB_SLOT": "_b", "MONGODB_KEY_EARLIER": "hunter2earlier"}
	n := mongoNode(t, s, 2, both)
	n.write("/srv/mongodb/admin", "hunter2before")
	if out, code := n.run("mongodb", "up"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	made := []string{"0 createUser admin_b", "0 createUser openedx_b"}
	if got := s.changes(); !slices.Equal(got, made) || s.password("openedx") != "hunter2old" || s.password("openedx_b") != "hunter2mongo" {
		t.Errorf("changes %q", got)
	}
	if key := n.read("/etc/mongod.key"); key != "- hunter2earlier\n- hunter2keyhunter2keyhunter2key\n" {
		t.Errorf("the keyfile has %d characters", len(key))
	}
	if got := n.read("/srv/mongodb/admin"); got != "hunter2admin" {
		t.Error("the volume does not have the admin's new password")
	}
	// A second boot changes nothing; the last step drops the earlier pair, and leaves one key.
	if out, code := n.run("mongodb", "up"); code != 0 || len(s.changes()) != 2 {
		t.Errorf("code %d, changes %q: %s", code, s.changes(), out)
	}
	n.settings(map[string]string{"ROLE": "backend", "INDEX": "2", "MONGODB_SLOT": "_b"})
	if out, code := n.run("mongodb", "up"); code != 0 {
		t.Fatalf("code %d: %s", code, out)
	}
	if got := s.changes(); !slices.Equal(got, append(made, "0 dropUser openedx", "0 dropUser admin")) {
		t.Errorf("changes %q", got)
	}
	if key := n.read("/etc/mongod.key"); key != "hunter2keyhunter2keyhunter2key\n" {
		t.Errorf("the keyfile has %d characters", len(key))
	}
	// The next rotation goes back to the first names.
	n.settings(map[string]string{"ROLE": "backend", "INDEX": "2", "MONGODB_KEY_EARLIER": "hunter2earlier"})
	if out, code := n.run("mongodb", "up"); code != 0 || s.password("openedx") != "hunter2mongo" || s.password("openedx_b") != "hunter2mongo" {
		t.Errorf("code %d, changes %q: %s", code, s.changes(), out)
	}
}

// 7.1 no. 6: a new site that takes the volumes up has an admin's password of its own; the one that the set has is on the volume.
func TestRow7106TakenUpSetGetsTheNewPasswords(t *testing.T) {
	t.Parallel()
	s := newMongoSet(t)
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"admin": "hunter2before", "openedx": "hunter2old"}
	s.become(0, memberPrimary)
	s.become(1, memberSecondary)
	s.become(2, memberSecondary)
	n := mongoNode(t, s, 0, nil)
	n.write("/srv/mongodb/admin", "hunter2before")
	if out, code := n.run("mongodb", "up"); code != 0 {
		t.Errorf("code %d: %s", code, out)
	}
	if got := s.changes(); !slices.Equal(got, []string{"0 updateUser admin", "0 updateUser openedx"}) || s.password("admin") != "hunter2admin" || s.password("openedx") != "hunter2mongo" {
		t.Errorf("changes %q", got)
	}
	if got := n.read("/srv/mongodb/admin"); got != "hunter2admin" {
		t.Error("the volume does not have the admin's new password")
	}
}

func TestMongodbHealth(t *testing.T) {
	t.Parallel()
	s := newMongoSet(t)
	n := mongoNode(t, s, 0, nil)
	if out, code := n.run("mongodb", "health"); code != 1 || !strings.Contains(out, "in no set") || len(s.changes()) != 0 {
		t.Errorf("blank: code %d: %s; %q", code, out, s.changes())
	}
	s.config, s.users = []string{s.host(0), s.host(1), s.host(2)}, map[string]string{"openedx": "hunter2mongo"}
	s.become(0, memberSecondary)
	if out, code := n.run("mongodb", "health"); code != 1 || !strings.Contains(out, "no primary") {
		t.Errorf("no primary: code %d: %s", code, out)
	}
	s.become(2, memberPrimary)
	if out, code := n.run("mongodb", "health"); code != 0 || !strings.Contains(out, `"primary":"mongo-2.site.internal:27017"`) {
		t.Errorf("healthy: code %d: %s", code, out)
	}
}

// 3.5 and tutor#1473: one name for all three, each member by a name of its own, and one line of each at every boot.
func TestRow35NamesOfTheMembers(t *testing.T) {
	t.Parallel()
	n := newSiteNode(t, map[string]string{"ROLE": "app", "PEERS": "10.0.0.4 10.0.0.5 10.0.0.6"})
	n.must("names")
	n.settings(map[string]string{"ROLE": "app", "PEERS": "10.0.0.14 10.0.0.5 10.0.0.6"})
	n.must("names")
	want := []string{"127.0.0.1 localhost"}
	for i, address := range []string{"10.0.0.14", "10.0.0.5", "10.0.0.6"} {
		want = append(want, address+" mongo-"+strconv.Itoa(i)+".site.internal # site.internal", address+" mongodb.site.internal # site.internal")
	}
	if got := n.read("/etc/hosts"); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("hosts are %q", got)
	}
}
