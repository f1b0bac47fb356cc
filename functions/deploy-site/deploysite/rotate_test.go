package deploysite_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const everything = `{"secrets": ["all"], "since": "2026-01-05T09:00:00Z"}`

// settings are those that a machine of the site academy was given; none if there is no such machine.
func (h *house) settings(machine string) map[string]string {
	return openstacktest.Settings(h.cloud.UserData("academy-" + machine))
}

// stores are what the data nodes of a site would take, if they were there: as site/boot makes it of their settings.
type stores struct {
	h     *house
	users map[string]string // of MySQL and of MongoDB, by name
	seen  map[int]string    // words of data nodes
}

func watch(h *house) *stores {
	return &stores{h: h, users: map[string]string{}, seen: map[int]string{}}
}

// look brings users up to date with nodes that were made, and checks that no application node is shut out, and that data nodes
// understand each other.
func (s *stores) look(step string) {
	s.h.t.Helper()
	var data []map[string]string
	for i := range 3 {
		set := s.h.settings(fmt.Sprint("backend-", i))
		if len(set) == 0 {
			continue // away for now
		}
		data = append(data, set)
		if s.seen[i] == set["SECRETS"]+"." {
			continue
		}
		s.seen[i] = set["SECRETS"] + "."
		for store, earlier := range map[string]string{"MYSQL": set["MYSQL_EARLIER"], "MONGODB": set["MONGODB_KEY_EARLIER"]} {
			slot := set[store+"_SLOT"]
			other := map[string]string{"": "_b", "_b": ""}[slot]
			s.users[store+slot] = set[store+"_PASSWORD"]
			if earlier == "" {
				delete(s.users, store+other)
			}
		}
	}
	for _, d := range data {
		for _, e := range data {
			if !slices.ContainsFunc(keysOf(d), func(k string) bool { return slices.Contains(keysOf(e), k) }) {
				s.h.t.Errorf("%s: two data nodes have no key of MongoDB in common", step)
			}
		}
		for _, store := range []string{"MYSQL", "MONGODB"} {
			if s.users[store+d[store+"_SLOT"]] != d[store+"_PASSWORD"] {
				s.h.t.Errorf("%s: a data node's own user of %s is shut out", step, store)
			}
		}
	}
	for n := range 40 {
		set := s.h.settings(fmt.Sprint("app-", n))
		if len(set) == 0 {
			continue
		}
		for _, store := range []string{"MYSQL", "MONGODB"} {
			if s.users[store+set[store+"_SLOT"]] != set[store+"_PASSWORD"] {
				s.h.t.Errorf("%s: application node %d is shut out of %s", step, n, store)
			}
		}
		for i, d := range data {
			if set["REDIS_PASSWORD"] != d["REDIS_PASSWORD"] && set["REDIS_PASSWORD"] != d["REDIS_PASSWORD_EARLIER"] {
				s.h.t.Errorf("%s: application node %d is shut out of Redis %d", step, n, i)
			}
		}
	}
}

func keysOf(set map[string]string) []string {
	return slices.DeleteFunc([]string{set["MONGODB_KEY"], set["MONGODB_KEY_EARLIER"]}, func(k string) bool { return k == "" })
}

// joined has all data nodes say that they are in one cluster.
func (h *house) joined() { h.nodesSay("join", map[int]int{0: 9, 1: 9, 2: 9}) }

// rotates asks until it is done, and gives the steps that answered.
func (h *house) rotates(body string, each func(step string)) (steps []string) {
	h.t.Helper()
	for range 60 {
		h.joined()
		r := h.post(academy+"/rotate", body)
		if r.status >= http.StatusBadRequest {
			h.t.Fatalf("after %v: %d %s", steps, r.status, r.text)
		}
		if steps = append(steps, r.str("step")); r.str("code") == "rotated" {
			h.cloud.Settle()
			each("rotated")
			return steps
		}
		if r.status != http.StatusAccepted || r.header.Get("Retry-After") == "" || r.body["ask_again_seconds"] == nil {
			h.t.Fatalf("%d %s", r.status, r.text)
		}
		h.cloud.Settle()
		each(r.str("step"))
	}
	h.t.Fatalf("never rotated: %v", steps)
	return nil
}

// of are the values of some settings.
func of(set map[string]string, names ...string) []string {
	var out []string
	for _, n := range names {
		out = append(out, set[n])
	}
	return out
}

var rotated = []string{"MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_SST_PASSWORD", "MONGODB_PASSWORD", "MONGODB_ADMIN_PASSWORD", "MONGODB_KEY", "REDIS_PASSWORD"}

// 7.1 no. 15: every store gets new secrets, no node is shut out at any step, all nodes are new, the data stays, and nothing takes
// the earlier ones. The next rotation goes the same way back.
func TestRow7115RotateEverySecret(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	volumes, machines, first := h.volumesOf(academy), h.servers(), h.settings("backend-0")
	world := watch(h)
	world.look("before")
	steps := h.rotates(everything, world.look)
	if got := slices.Compact(slices.Clone(steps)); !slices.Equal(got, []string{"spread", "switch", "revoke", ""}) {
		t.Errorf("steps are %v", steps)
	}
	now := h.settings("backend-0")
	for i, value := range of(now, rotated...) {
		if value == "" || value == first[rotated[i]] {
			t.Errorf("%s is what it was, or nothing", rotated[i])
		}
	}
	if strings.Join(of(now, "MYSQL_EARLIER", "MONGODB_KEY_EARLIER", "REDIS_PASSWORD_EARLIER"), "") != "" || now["MYSQL_SLOT"] != "_b" {
		t.Error("data nodes take earlier secrets still")
	}
	after := h.servers()
	if slices.ContainsFunc(after, func(id string) bool { return slices.Contains(machines, id) }) || len(after) != 5 || !maps.Equal(volumes, h.volumesOf(academy)) {
		t.Errorf("servers %v, then %v; volumes %v", machines, after, h.volumesOf(academy))
	}
	if r := h.get(academy); r.str("state") != "ready" || r.str("rotating") != "" {
		t.Errorf("%s", r.text)
	}
	// The same request again is the same rotation.
	h.wrote()
	h.post(academy+"/rotate", everything).want(t, http.StatusOK, "rotated")
	h.post(academy+"/rotate", `{"secrets": ["mysql"]}`).want(t, http.StatusOK, "rotated")
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	h.cloud.Advance(2 * time.Hour)
	h.rotates(`{"secrets": ["redis", "mongodb"]}`, world.look)
	last := h.settings("backend-1")
	if last["MYSQL_PASSWORD"] != now["MYSQL_PASSWORD"] || last["REDIS_PASSWORD"] == now["REDIS_PASSWORD"] || last["REDIS_PASSWORD"] == first["REDIS_PASSWORD"] || last["MONGODB_SLOT"] != "" {
		t.Error("the second rotation was not of what was asked")
	}
	shown := h.get(academy).text + h.log.String()
	for _, set := range []map[string]string{first, now, last} {
		for _, value := range of(set, rotated...) {
			if strings.Contains(shown, value) {
				t.Error("a secret is shown")
			}
		}
	}
}

// Asked by many at once, at each step, it is one rotation.
func TestRow7115InParallel(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	world := watch(h)
	world.look("before")
	done := 0
	for range 60 {
		h.joined()
		var wg sync.WaitGroup
		replies := make([]reply, 4)
		for i := range replies {
			wg.Go(func() { replies[i] = h.post(academy+"/rotate", everything) })
		}
		wg.Wait()
		done = 0
		for _, r := range replies {
			switch r.str("code") {
			case "rotated":
				done++
			case "rotating", "waiting":
			default:
				t.Fatalf("%d %s", r.status, r.text)
			}
		}
		h.cloud.Settle()
		world.look("parallel")
		if done == len(replies) {
			break
		}
	}
	if p := h.parameters(); done == 0 || p["app_count"] != "2" || p["backend_absent"] != "" || h.settings("backend-0")["MYSQL_SLOT"] != "_b" {
		t.Errorf("done %d; %s nodes, absent %q", done, p["app_count"], p["backend_absent"])
	}
}

// Killed at each call of each step, whatever was done and not heard of: the next process goes on from what there is.
func TestRow7115KilledBetweenAnyTwoCalls(t *testing.T) {
	t.Parallel()
	for _, offset := range []int64{0, 3, 6} { // each step at several calls
		h := start(t)
		h.ready(academy, spec())
		world := watch(h)
		world.look("before")
		n := offset
		h.rotates(everything, func(step string) {
			world.look(step)
			h.joined()
			h.restart()
			n = n%8 + 1
			var calls atomic.Int64
			h.cloud.Chaos(func(openstacktest.Call) openstacktest.Fault {
				switch i := calls.Add(1); {
				case i == n:
					return openstacktest.Fault{DropReply: true}
				case i > n:
					return openstacktest.Fault{DropRequest: true}
				}
				return openstacktest.Fault{}
			})
			h.post(academy+"/rotate", everything)
			h.cloud.Chaos(nil)
			h.restart()
			h.cloud.Settle()
			world.look(step + ", killed")
		})
		if p := h.parameters(); p["app_count"] != "2" || h.settings("backend-2")["MYSQL_SLOT"] != "_b" || h.settings("backend-2")["MYSQL_EARLIER"] != "" {
			t.Errorf("offset %d: %s nodes, place %q", offset, p["app_count"], h.settings("backend-2")["MYSQL_SLOT"])
		}
	}
}

// A node goes only while the others carry the site; and one that came in between, from scaling, is made anew as well.
func TestRow7115WaitsForTheOthers(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.post(academy+"/rotate", everything).want(t, http.StatusAccepted, "rotating")
	h.post(academy+"/rotate", everything).want(t, http.StatusAccepted, "waiting") // Heat is at work
	h.cloud.Settle()
	h.wrote()
	r := h.post(academy+"/rotate", everything)
	r.want(t, http.StatusAccepted, "waiting")
	if !strings.Contains(r.text, "Data node 2 must not go") || len(h.wrote()) > 0 {
		t.Errorf("%s", r.text)
	}
	if got := h.get(academy).str("rotating"); got != "spread" {
		t.Errorf("the site says %q", got)
	}
	world := watch(h)
	world.look("begun")
	scaled := false
	h.rotates(everything, func(step string) {
		if step == "switch" && !scaled {
			scaled = true
			if err := h.client().PatchStack(t.Context(), h.ref(), count(4)); err != nil {
				t.Fatal(err)
			}
			h.cloud.Settle()
		}
		world.look(step)
	})
	if !scaled {
		t.Error("never scaled")
	}
}

// The object store's keys come from its owner: a PUT with other ones points to rotate, and agrees once they are there.
func TestRow7115ObjectStore(t *testing.T) {
	t.Parallel()
	h := start(t)
	storage := func(secret string) string {
		return spec("storage", `{"endpoint": "https://s3.example.org", "bucket": "uploads", "access_key": "hunter2-access", "secret_key": "`+secret+`"}`)
	}
	h.ready(academy, storage("hunter2-secret-one"))
	r := h.put(academy, storage("hunter2-secret-two"))
	r.want(t, http.StatusConflict, "secrets")
	if !strings.Contains(r.text, "rotate") {
		t.Errorf("%s", r.text)
	}
	body := `{"secrets": ["storage"], "storage": {"access_key": "hunter2-access", "secret_key": "hunter2-secret-two"}}`
	if steps := slices.Compact(h.rotates(body, func(string) {})); !slices.Equal(steps, []string{"spread", "switch", ""}) {
		t.Errorf("steps are %v", steps)
	}
	for _, node := range []string{"backend-0", "backend-1", "backend-2", "app-2", "app-3"} {
		if h.settings(node)["S3_SECRET_KEY"] != "hunter2-secret-two" {
			t.Errorf("%s has the earlier keys", node)
		}
	}
	h.post(academy+"/rotate", body).want(t, http.StatusOK, "rotated")
	h.put(academy, storage("hunter2-secret-two")).want(t, http.StatusOK, "unchanged")
	h.put(academy, storage("hunter2-secret-one")).want(t, http.StatusConflict, "secrets")
}

// After the seal key is changed the alarms call addresses that are signed with the new one, in one step.
func TestRow7115AlarmAddresses(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	before := h.parameters()["scale_out_url"]
	h.post(academy+"/rotate", `{"secrets": ["alarms"]}`).want(t, http.StatusOK, "rotated")
	h.yaml = strings.Replace(h.yaml, "seal_keys: [", "seal_keys: [{id: two, secret: seal-secret-hunter2-hunter2-hunte-2}, ", 1)
	h.restart()
	h.wrote()
	h.post(academy+"/rotate", `{"secrets": ["alarms"]}`).want(t, http.StatusOK, "rotated")
	h.cloud.Settle()
	if after := h.parameters()["scale_out_url"]; after == before || len(h.wrote()) != 1 {
		t.Error("the address is what it was, or it took more than one write")
	}
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
}

// What cannot be meant is refused, with the field, and writes nothing.
func TestRow7115RefusesWrongRequests(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.post(academy+"/rotate", everything).want(t, http.StatusNotFound, "no_such_site")
	h.ready(academy, spec())
	for body, want := range map[string]struct {
		status int
		code   string
		fields []string
	}{
		``:                                  {400, "bad_json", nil},
		`{`:                                 {400, "bad_json", nil},
		`{"secrets": "all"}`:                {400, "bad_json", []string{"secrets"}},
		`{"secrets": ["all"], "now": true}`: {400, "bad_json", []string{"now"}},
		`{"secrets": ["all"], "since": "morning"}`: {400, "bad_json", nil},
		`{}`:              {422, "invalid", []string{"secrets"}},
		`{"secrets": []}`: {422, "invalid", []string{"secrets"}},
		`{"secrets": ["mysql", "mysql_password"]}`:                                             {422, "invalid", []string{"secrets[1]"}},
		`{"secrets": ["all"], "since": "2099-01-01T00:00:00Z"}`:                                {422, "invalid", []string{"since"}},
		`{"secrets": ["storage"]}`:                                                             {422, "invalid", []string{"storage"}},
		`{"secrets": ["storage"], "storage": {"access_key": "abc", "secret_key": "12345678"}}`: {422, "invalid", []string{"storage"}},
		`{"secrets": ["mysql"], "storage": {"access_key": "abc", "secret_key": "12345678"}}`:   {422, "invalid", []string{"secrets"}},
		`{"secrets": ["storage"], "storage": {"access_key": "a", "secret_key": "it's"}}`:       {422, "invalid", []string{"storage.access_key", "storage.secret_key"}},
		`{"secrets": ["mysql","mysql","mysql","mysql","mysql","mysql","mysql"]}`:               {422, "invalid", []string{"secrets"}},
	} {
		r := h.send(http.MethodPost, "/sites/academy/rotate", body, "Authorization", "Bearer "+ciToken, "Content-Type", "application/json")
		r.want(t, want.status, want.code)
		if got := r.faults(); len(want.fields) > 0 && !slices.Equal(got, want.fields) {
			t.Errorf("%s: faults of %v", body, got)
		}
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
}
