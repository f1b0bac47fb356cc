package scalecluster_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// raceRounds is on the fake cloud; package cluster races its decisions a thousand times without one.
const raceRounds = 60

// Two hosts ask at the same time for this and that, and some updates are lost: the bounds hold, the floor stays in
// service, nobody goes whom no answer named, and no request costs more than its budget.
func TestTwoHostsRace(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]int{gentle: 4, leased: 8} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(len(name))))
			// A token that ends on the way costs each host one request more, and is not what this is about.
			h := start(t, openstacktest.PatchWindow(2*time.Millisecond), openstacktest.TokenLife(30*24*time.Hour))
			h.cluster(name, 3)
			hosts := []http.Handler{h.process(), h.process()}
			for _, host := range hosts {
				h.sendTo(host, http.MethodPost, "/"+name+"/out?dry_run=1", ``, ci())
			}
			named := map[string]bool{} // some are drained in one round and go in another
			for round := range raceRounds {
				before := h.servers(name)
				if random.IntN(3) == 0 {
					h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
				}
				replies := h.atOnce(random, hosts, name, round)
				calls := h.calls()
				h.cloud.ClearFaults()
				h.settle(time.Duration(random.IntN(7)) * time.Minute)
				for _, r := range replies {
					maps.Copy(named, r.victims())
				}
				after := h.servers(name)
				for index := range before {
					if after[index] == "" && !named[index] {
						t.Fatalf("round %d: node %s went, and nobody said so: %s, %s", round, index, replies[0].text, replies[1].text)
					}
				}
				if n := h.count(name); n < 1 || n > 4 || n != len(after) || h.serving() < 1 || len(calls) > 2*budget {
					t.Fatalf("round %d: count %d, %d nodes, %d in service, %d requests: %v", round, n, len(after), h.serving(), len(calls), calls)
				}
			}
		})
	}
}

// atOnce sends one request to each host.
func (h *house) atOnce(random *rand.Rand, hosts []http.Handler, name string, round int) []reply {
	h.t.Helper()
	replies := make([]reply, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		path, body, headers := "/"+name+"/reconcile", ``, ci()
		switch random.IntN(5) {
		case 0, 1:
			path, body, headers = h.signed(name, "out"), aodh("alarm", round), nobody()
		case 2, 3:
			path, body, headers = h.signed(name, "in"), aodh("alarm", -round), nobody()
		}
		wg.Go(func() { replies[i] = h.sendTo(host, http.MethodPost, path, body, headers) })
	}
	wg.Wait()
	for _, r := range replies {
		if r.status != http.StatusOK && r.status != http.StatusAccepted {
			h.t.Fatalf("%d %s", r.status, r.text)
		}
	}
	return replies
}

// victims are those of the answer and of its pass.
func (r reply) victims() map[string]bool {
	out := map[string]bool{}
	pass, _ := r.body["pass"].(map[string]any)
	for _, part := range []map[string]any{r.body, pass} {
		list, _ := part["victims"].([]any)
		for _, v := range list {
			out[fmt.Sprint(v)] = true
		}
	}
	return out
}

// serving is how many members get traffic.
func (h *house) serving() int {
	return len(slices.DeleteFunc(h.cloud.Members(), func(m openstacktest.Member) bool { return m.Weight == 0 || !m.AdminUp }))
}
