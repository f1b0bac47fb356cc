package deploysite_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var (
	chaosRuns = flag.Int("chaos.runs", 5, "how many lives of two sites")
	chaosSeed = flag.Uint64("chaos.seed", 1, "seed of the first")
)

// actsOfLife is how many things happen in one life.
const actsOfLife = 25

// No life of two sites, whatever is asked of them, whatever fails and whoever is killed, ends with a volume gone that held
// data, or with one volume in two sites. Ten thousand lives: make chaos-sites.
func TestChaosOfSites(t *testing.T) {
	t.Parallel()
	hands := min(runtime.GOMAXPROCS(0), *chaosRuns)
	for hand := range hands {
		t.Run(fmt.Sprintf("hand %d", hand), func(t *testing.T) {
			t.Parallel()
			for n := hand; n < *chaosRuns && !t.Failed(); n += hands {
				seed := *chaosSeed + uint64(n)
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { live(t, seed) }) // what it held is given back with it
			}
		})
	}
}

// life is two sites and those who ask things of them.
type life struct {
	*house

	random *rand.Rand
	mu     sync.Mutex // guards trouble, which several requests roll dice for
	// held are the volumes that a data node was ever given, by the site they are of.
	held     map[string]string
	confirms map[string]string
	story    []string
}

func live(t *testing.T, seed uint64) {
	t.Helper()
	l := &life{
		house: start(t, openstacktest.PatchWindow(1)), random: rand.New(rand.NewPCG(seed, 7)), held: map[string]string{}, confirms: map[string]string{},
	}
	for range actsOfLife {
		name := []string{academy, "school"}[l.random.IntN(2)]
		l.act(name)
		l.look()
	}
	l.cloud.Chaos(nil)
	l.cloud.ClearFaults()
	l.cloud.Settle()
	l.look()
	if t.Failed() {
		t.Log(strings.Join(l.story, "\n"))
		t.Logf("seed %d; again: go test ./functions/deploy-site/deploysite -run ChaosOfSites -chaos.seed %d -chaos.runs 1", seed, seed)
	}
	l.cloud.Close()
}

// act is one thing that happens.
func (l *life) act(name string) {
	l.trouble()
	path := "/sites/" + name
	var r reply
	what := l.random.IntN(15)
	switch what {
	case 0, 1, 2:
		r = l.put(name, l.wish())
	case 3:
		r = l.put(name, spec("backend", `{"volumes": "retained"}`))
	case 4:
		r = l.send(http.MethodPut, path+"?override=replaces-backend", spec("backend", `{"image": "cirros"}`))
	case 5, 6:
		r = l.send(http.MethodDelete, path, "")
		if c := r.str("confirm"); c != "" {
			l.confirms[name] = c
		}
	case 7, 8:
		r = l.send(http.MethodDelete, path+"?confirm="+l.confirms[name], "")
	case 9:
		l.say(name, "join", map[int]int{0: 1, 1: 1, 2: 1})
		r = l.post(name+"/roll", "")
	case 10:
		r = l.post(name+[]string{"/cancel", "/cancel?rollback=1", "/recover", "/check", "/roll?node=1"}[l.random.IntN(5)], "")
	case 11:
		l.scale(name)
	case 12:
		l.restart()
	case 13, 14:
		l.say(name, "join", map[int]int{0: 1, 1: 1, 2: 1})
		r = l.post(name+"/rotate", `{"secrets": ["all"]}`)
	}
	l.story = append(l.story, fmt.Sprintf("%d %s: %d %s", what, name, r.status, r.str("code")))
	l.cloud.Chaos(nil)
	if l.random.IntN(3) > 0 {
		l.cloud.ClearFaults()
		l.cloud.Settle()
	}
}

func (l *life) wish() string {
	parts := []string{"app", fmt.Sprintf(`{"nodes": %d, "min": 1, "max": 4}`, 1+l.random.IntN(3))}
	if l.random.IntN(3) == 0 {
		parts = append(parts, "platform_name", fmt.Sprintf(`"Name %d"`, l.random.IntN(4)))
	}
	if l.random.IntN(4) == 0 {
		parts = append(parts, "backend", `{"volumes": "retained"}`)
	}
	return spec(parts...)
}

// scale is an alarm, somewhere else.
func (l *life) scale(name string) {
	cloud := l.client()
	if s, err := cloud.FindStack(l.t.Context(), name); err == nil && !s.Busy() {
		_ = cloud.PatchStack(l.t.Context(), s.StackRef, openstack.StackChange{Parameters: map[string]any{"app_count": 1 + l.random.IntN(3)}})
	}
}

// trouble has some of the next requests fail, in all the ways that a cloud has; or kills the process at one of them.
func (l *life) trouble() {
	if l.random.IntN(10) == 0 {
		l.cloud.FailServer("server", 1)
	}
	if l.random.IntN(2) == 0 {
		return
	}
	kill, calls := l.random.IntN(30), 0
	dice := rand.New(rand.NewPCG(l.random.Uint64(), 3))
	l.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
		l.mu.Lock()
		defer l.mu.Unlock()
		calls++
		switch n := dice.IntN(60); {
		case calls > kill && kill < 20:
			return openstacktest.Fault{DropRequest: true}
		case calls == kill || n == 0:
			return openstacktest.Fault{DropReply: true}
		case n == 1:
			return openstacktest.Fault{Status: http.StatusServiceUnavailable}
		case n == 2 && c.Service == "heat":
			return openstacktest.Fault{Status: http.StatusConflict}
		case n < 6 && c.Method == http.MethodPatch:
			return openstacktest.Fault{LostUpdate: true}
		}
		return openstacktest.Fault{}
	})
}

// look checks what must always hold.
func (l *life) look() {
	l.t.Helper()
	all, err := l.client().Volumes(l.t.Context(), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	there := map[string]bool{}
	for _, v := range all {
		there[v.ID] = true
		name := v.Metadata["stackhook-site"]
		if v.Status == "in-use" {
			if owner := l.held[v.ID]; owner != "" && owner != name {
				l.t.Errorf("volume %s was %s's and is %s's", v.ID, owner, name)
			}
			l.held[v.ID] = name
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.held)) {
		if !there[id] {
			l.t.Errorf("volume %s of %s, which held data, is gone", id, l.held[id])
		}
	}
}
