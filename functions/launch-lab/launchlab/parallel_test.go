package launchlab_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Many launches of one learner at once, with every trouble that a cloud can make at the create: there is one stack, all
// get a page that goes on, and nothing is deleted.
func TestParallelLaunchesAreOneLab(t *testing.T) {
	t.Parallel()
	onCreate := openstacktest.Fault{Service: "heat", Method: "POST", PathPattern: "/stacks", Times: 1}
	onList := openstacktest.Fault{Service: "heat", Method: "GET", PathPattern: "/stacks", Times: 3}
	with := func(f openstacktest.Fault, change func(*openstacktest.Fault)) func(*site) {
		change(&f)
		return func(s *site) { s.Inject(f) }
	}
	for name, spoil := range map[string]func(*site){
		"calm":                func(*site) {},
		"503 before creating": with(onCreate, func(f *openstacktest.Fault) { f.Status = 503 }),
		"dropped reply":       with(onCreate, func(f *openstacktest.Fault) { f.DropReply = true }),
		"429":                 with(onCreate, func(f *openstacktest.Fault) { f.Status = 429 }),
		"many 503":            with(onCreate, func(f *openstacktest.Fault) { f.Status, f.Times = 503, 5 }),
		"many dropped":        with(onCreate, func(f *openstacktest.Fault) { f.DropReply, f.Times = true, 5 }),
		"list fails":          with(onList, func(f *openstacktest.Fault) { f.Status = 503 }),
		"expired token":       func(s *site) { s.launch(t, "somebody-else"); s.RevokeTokens() },
	} {
		for _, n := range []int{20, 50} {
			t.Run(fmt.Sprint(name, " ", n), func(t *testing.T) {
				t.Parallel()
				s := start(t)
				spoil(s)
				before := len(s.Stacks())
				answers := make([]*httptest.ResponseRecorder, n)
				var wg sync.WaitGroup
				for i := range n {
					wg.Go(func() { answers[i] = s.serve(request(launch("u1"))) })
				}
				wg.Wait()
				for i, w := range answers {
					got := labPage(t, w)
					if got.Status.Next == nil {
						t.Errorf("answer %d does not go on: %+v", i, got.Status)
					}
				}
				if got := len(s.Stacks()) - before; got != 1 {
					t.Errorf("%d stacks, want 1", got)
				}
				s.noDelete(t)
			})
		}
	}
}

// One launch alone, and the trouble hits it.
func TestTroubleAtTheCreate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  openstacktest.Fault
		stacks int
		state  string
		reason string
	}{
		{"503 before", openstacktest.Fault{Method: "POST", PathPattern: "/stacks", Status: 503, Times: 1}, 1, "building", ""},
		{"dropped reply", openstacktest.Fault{Method: "POST", PathPattern: "/stacks", DropReply: true, Times: 1}, 1, "building", ""},
		{"429", openstacktest.Fault{Method: "POST", PathPattern: "/stacks", Status: 429, Times: 1}, 0, "starting", "cloud_trouble"},
		{"503 for good", openstacktest.Fault{Method: "POST", PathPattern: "/stacks", Status: 503}, 0, "starting", "cloud_trouble"},
		{"dropped for good", openstacktest.Fault{Method: "POST", PathPattern: "/stacks", DropReply: true}, 1, "building", ""},
		{"everything down", openstacktest.Fault{Status: 503}, 0, "starting", "cloud_trouble"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			c.fault.Service = "heat"
			s.Inject(c.fault)
			got := s.launch(t, "u1")
			if len(s.Stacks()) != c.stacks || got.Status.State != c.state || got.Status.Reason.Code != c.reason || got.Status.Next == nil {
				t.Errorf("%d stacks, status %+v, calls %q", len(s.Stacks()), got.Status, s.CallNames())
			}
			s.ClearFaults()
			again := s.launch(t, "u1")
			if again.Status.State != "building" {
				t.Errorf("once more: %+v", again.Status)
			}
			s.oneStack(t)
		})
	}
}

// A cloud that hangs does not keep the page from coming, and what was begun is found later.
func TestCloudThatHangs(t *testing.T) {
	t.Parallel()
	for name, method := range map[string]string{"list": http.MethodGet, "create": http.MethodPost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.launch(t, "somebody-else") // so that there is a token
			s.Inject(openstacktest.Fault{Service: "heat", Method: method, PathPattern: "/stacks", Latency: 3 * time.Second, Times: 1})
			got := s.launch(t, "u1")
			if got.Status.State != "starting" || got.Status.Reason.Code != "unanswered" || got.Status.Next == nil || got.Status.Next.URL != "/view-lab/status" {
				t.Errorf("status %+v", got.Status)
			}
			s.noDelete(t)
		})
	}
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.launch(t, "u1")
	s.RevokeTokens()
	s.ResetCalls()
	if got := s.launch(t, "u2"); got.Status.State != "building" {
		t.Errorf("status %+v", got.Status)
	}
	s.called(t, list, login, list, create)
}
