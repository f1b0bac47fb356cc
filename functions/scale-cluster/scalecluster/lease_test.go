package scalecluster_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	claim   = "nova POST /os-keypairs"
	holder  = "nova GET /os-keypairs/{}"
	release = "nova DELETE /os-keypairs/{}"
	// leased is the configured cluster with leases; it has no cooldowns.
	leased = "shared"
)

// lease is the name of a cluster's lease.
func (h *house) lease(number int) string {
	h.t.Helper()
	s, _ := h.cloud.Stack(leased)
	return "stackhook-" + strings.ReplaceAll(s.ID, "-", "") + "-" + strconv.Itoa(number)
}

// taken takes a lease for somebody who never writes.
func (h *house) taken(number int) {
	h.t.Helper()
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKrvVwPBuqYcFvZJcPFDE6VkFF6wbcg0FDfKKSKJtWwd somebody"
	if err := h.client().CreateKeyPair(h.t.Context(), h.lease(number), public); err != nil {
		h.t.Fatal(err)
	}
	h.calls()
}

// start2 is a house with the leased cluster of two, found already.
func start2(t *testing.T) *house {
	t.Helper()
	h := start(t)
	h.cluster(leased, 2)
	h.post("/shared/out?dry_run=1", ``, ci())
	h.calls()
	return h
}

// F16: a change costs its claim, and from the third on the tidying of an old one; a refusal costs nothing.
func TestF16LeaseCosts(t *testing.T) {
	t.Parallel()
	h := start2(t)
	for i, row := range []struct {
		to    int
		calls []string
	}{
		{3, []string{read, claim, update, read}},
		{4, []string{read, claim, update, read}},
		{4, []string{read, lookKept}},
		{3, []string{read, membersOf, claim, update, read, release}},
	} {
		h.post("/shared/set", `{"to": `+strconv.Itoa(row.to)+`}`, ci())
		if got := h.calls(); !slices.Equal(got, row.calls) {
			t.Errorf("%d: %v, want %v", i, got, row.calls)
		}
		h.settle(0)
		if h.count(leased) != row.to {
			t.Errorf("%d: count %d", i, h.count(leased))
		}
	}
	if got := h.cloud.KeyPairs(); !slices.Equal(got, []string{h.lease(2), h.lease(3)}) {
		t.Errorf("left over: %v", got)
	}
}

// F16, F22: whoever gave up waiting for the answer to an update keeps its lease, as the update may still be taken; when the lease is
// over, a pass makes what was kept.
func TestF16UnansweredUpdateKeepsItsLease(t *testing.T) {
	t.Parallel()
	h := start2(t)
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, Times: 1, Latency: time.Minute, Status: http.StatusServiceUnavailable})
	h.inTime(3*time.Second, "/shared/set", `{"to": 3}`).want(t, http.StatusAccepted, "kept")
	h.cloud.ClearFaults()
	h.cloud.Advance(time.Second)
	if got := h.cloud.KeyPairs(); !slices.Equal(got, []string{h.lease(1)}) {
		t.Errorf("leases: %v", got)
	}
	h.post("/shared/reconcile", ``, ci())
	if n := h.count(leased); n != 2 {
		t.Errorf("made while the first update may be taken: count %d", n)
	}
	h.cloud.Advance(2 * time.Minute)
	h.post("/shared/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	if n := h.count(leased); n != 3 {
		t.Errorf("count %d", n)
	}
}

// F16: while another has the lease the cluster is busy; one who never writes is passed over, and by one only.
func TestF16StaleLease(t *testing.T) {
	t.Parallel()
	h := start2(t)
	h.taken(1)
	h.post("/shared/out", ``, ci()).want(t, http.StatusConflict, "busy")
	if got := h.calls(); !slices.Equal(got, []string{read, claim, holder}) {
		t.Errorf("%v", got)
	}
	h.cloud.Advance(2*time.Minute - time.Second)
	h.post("/shared/out", ``, ci()).want(t, http.StatusConflict, "busy")
	h.cloud.Advance(time.Second)
	h.calls()
	h.post("/shared/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, claim, holder, claim, update, read}) {
		t.Errorf("%v", got)
	}
	if m := h.memory(leased); m.Gen != 2 || m.To != 3 {
		t.Errorf("%+v", m)
	}
	h.settle(0)
	// Whatever number of owners has died, it does not stay busy.
	for n := 3; n < 6; n++ {
		h.taken(n)
	}
	h.cloud.Advance(5 * time.Minute)
	h.post("/shared/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/shared/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	if m := h.memory(leased); m.Gen != 6 || h.count(leased) != 2 {
		t.Errorf("count %d, %+v", h.count(leased), m)
	}
}

// F16: a lease whose update was dropped is given back at once, and the next request may try.
func TestF16LostUpdate(t *testing.T) {
	t.Parallel()
	h := start2(t)
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
	h.post("/shared/out", ``, ci()).want(t, http.StatusConflict, "lost")
	if got := h.calls(); !slices.Equal(got, []string{read, claim, update, read, release}) {
		t.Errorf("%v", got)
	}
	h.post("/shared/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if h.count(leased) != 3 {
		t.Errorf("count %d", h.count(leased))
	}
}

// F16: without the right to leases, and without Nova, reading back has to do.
func TestF16NoLeases(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]openstacktest.Fault{
		"forbidden": {Service: "nova", Method: http.MethodPost, Status: http.StatusForbidden},
		"quota":     {Service: "nova", Method: http.MethodPost, Status: http.StatusRequestEntityTooLarge},
		"down":      {Service: "nova", Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start2(t)
			h.cloud.Inject(fault)
			h.post("/shared/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
			if got := h.calls(); !slices.Equal(got, []string{read, claim, update, read}) {
				t.Errorf("%v", got)
			}
			if !strings.Contains(h.log.String(), "no lease to be had") {
				t.Error("the log does not tell")
			}
		})
	}
	t.Run("a person's token", func(t *testing.T) {
		t.Parallel()
		h := start2(t)
		h.post("/shared/out", ``, []string{"X-Auth-Token", h.cloud.Token()}).want(t, http.StatusAccepted, "scaled")
		if got := h.calls(); slices.Contains(got, claim) {
			t.Errorf("%v", got)
		}
	})
}

// F16: of hosts that want different things at once, one writes: no update is lost and none is cut off by another.
func TestF16OneWriter(t *testing.T) {
	t.Parallel()
	h := start2(t)
	hosts := make([]http.Handler, 8)
	for i := range hosts {
		hosts[i] = h.process()
		h.sendTo(hosts[i], http.MethodPost, "/shared/out?dry_run=1", ``, ci())
	}
	h.calls()
	for round := range 12 {
		sizes := []int{1 + round%4, 1 + (round+1)%4}
		results := make([]reply, len(hosts))
		var wg sync.WaitGroup
		for i, host := range hosts {
			wg.Go(func() {
				results[i] = h.sendTo(host, http.MethodPost, "/shared/set", `{"to": `+strconv.Itoa(sizes[i%2])+`}`, ci())
			})
		}
		wg.Wait()
		updates, applied := 0, 0
		for _, name := range h.calls() {
			if name == update {
				updates++
			}
		}
		for _, r := range results {
			if r.body["applied"] == true {
				applied++
			}
		}
		if updates != 1 || applied != 1 {
			t.Fatalf("round %d: %d updates, %d applied", round, updates, applied)
		}
		h.settle(0)
		h.calls()
	}
}
