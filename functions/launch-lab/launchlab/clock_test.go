package launchlab_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// stepped is launch-lab on a machine whose clock somebody sets. Only the time that is read steps: durations go by Go's monotonic
// clock, which no step reaches, and so does what is remembered of launches that were seen.
func stepped(t *testing.T) (s *site, step func(time.Duration)) {
	t.Helper()
	s = &site{Cloud: openstacktest.Start(t, openstacktest.StartAt(time.Now())), log: loggingtest.Catch(t, "oauth_signature=", "X-Auth-Token")}
	src := config.Map(environment(s.Cloud, configuration))
	c, err := src.Load()
	if err != nil {
		t.Fatal(err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := once.Open("memory", "", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
	handler, err := launchlab.New(c, launchlab.Parts{Clouds: clouds, Seen: seen, Keys: keyset.NewCache(keyset.CacheOptions{Now: now}), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(s.log, "launch-lab"), handler)
	return s, func(d time.Duration) { ahead.Store(int64(d)) }
}

// A clock that is an hour off refuses the launches of a course whose clock is right, and says so. It makes nothing, takes nothing
// away, and lets nobody in twice; set right, it leads everybody to the lab that they had.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step time.Duration
		code string
	}{"an hour ahead": {time.Hour, "lti_stale"}, "an hour behind": {-time.Hour, "lti_future"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, set := stepped(t)
			first := launch("u1")
			labPage(t, s.serve(request(first)))
			s.Settle()
			before := s.oneStack(t)

			set(c.step)
			s.ResetCalls()
			problemPage(t, s.serve(request(launch("u1"))), http.StatusForbidden, c.code)
			problemPage(t, s.serve(request(launch("u2"))), http.StatusForbidden, c.code)
			s.nothingDone(t)
			// The course's clock steps, too: they agree, and the lab is the same.
			agreed := launch("u1").With("oauth_timestamp", unix(time.Now().Add(c.step)))
			labPage(t, s.serve(request(agreed)))
			if got := s.oneStack(t); got.ID != before.ID {
				t.Errorf("another lab: %s, had %s", got.ID, before.ID)
			}

			set(0)
			problemPage(t, s.serve(request(first)), http.StatusConflict, "lti_replayed")
			labPage(t, s.serve(request(launch("u1"))))
			if got := s.oneStack(t); got.ID != before.ID {
				t.Errorf("another lab: %s, had %s", got.ID, before.ID)
			}
		})
	}
}

func unix(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
