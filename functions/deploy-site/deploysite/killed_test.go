package deploysite_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Whoever is killed between any two calls, and whatever call's answer is lost with it: the next process, asked the same,
// brings the site to where it should be, and no volume is lost on the way.
func TestKilledBetweenAnyTwoCalls(t *testing.T) {
	t.Parallel()
	other := spec("platform_name", `"Another name"`)
	for name, row := range map[string]struct {
		prepare func(h *house)
		request func(h *house) reply
		// again is repeated by living processes until it says done.
		again func(h *house) (done bool)
		good  func(h *house) string
	}{
		"create": {
			prepare: func(*house) {},
			request: func(h *house) reply { return h.put(academy, spec()) },
			again: func(h *house) bool {
				r := h.put(academy, spec())
				h.cloud.Settle()
				return r.str("code") == "unchanged" && h.get(academy).str("state") == "ready"
			},
			good: func(h *house) string {
				if n, v := len(h.cloud.Members()), len(h.volumesOf(academy)); n != 2 || v != 6 {
					return fmt.Sprintf("%d members, %d volumes", n, v)
				}
				return ""
			},
		},
		"change": {
			prepare: func(h *house) { h.ready(academy, spec()) },
			request: func(h *house) reply { return h.put(academy, other) },
			again: func(h *house) bool {
				r := h.put(academy, other)
				h.cloud.Settle()
				return r.str("code") == "unchanged"
			},
			good: func(h *house) string {
				if p := h.parameters(); p["platform_name"] != "Another name" || p["app_kept"] == "{}" {
					return fmt.Sprint(p["platform_name"], p["app_kept"])
				}
				return ""
			},
		},
		"roll": {
			prepare: func(h *house) {
				h.ready(academy, spec())
				h.put(academy, other)
				h.cloud.Settle()
			},
			request: func(h *house) reply { return h.post(academy+"/roll", "") },
			again: func(h *house) bool {
				r := h.post(academy+"/roll", "")
				h.cloud.Settle()
				return r.str("code") == "rolled"
			},
			good: func(h *house) string {
				if n, p := len(h.cloud.Members()), h.parameters(); n != 2 || p["app_count"] != "2" {
					return fmt.Sprintf("%d members, count %s", n, p["app_count"])
				}
				return ""
			},
		},
		"delete": {
			prepare: func(h *house) { h.ready(academy, spec()) },
			request: func(h *house) reply {
				r := h.send(http.MethodDelete, "/sites/academy", "")
				if r.str("confirm") == "" {
					return r
				}
				return h.send(http.MethodDelete, "/sites/academy?confirm="+r.str("confirm"), "")
			},
			again: func(h *house) bool {
				r := h.send(http.MethodDelete, "/sites/academy", "")
				if c := r.str("confirm"); c != "" {
					h.send(http.MethodDelete, "/sites/academy?confirm="+c, "")
				}
				h.cloud.Settle()
				return r.str("code") == "no_such_site"
			},
			good: func(h *house) string {
				if v := h.volumesOf(academy); len(v) != 6 || slices.Contains(slices.Collect(maps.Values(v)), "in-use") {
					return fmt.Sprint(v)
				}
				return ""
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := int64(1); ; n++ {
				h := start(t)
				row.prepare(h)
				before := h.volumesOf(academy)
				h.restart() // a process of its own, with a token to get
				var calls atomic.Int64
				h.cloud.Chaos(func(openstacktest.Call) openstacktest.Fault {
					switch i := calls.Add(1); {
					case i == n:
						return openstacktest.Fault{DropReply: true} // it was done, and nobody heard of it
					case i > n:
						return openstacktest.Fault{DropRequest: true}
					}
					return openstacktest.Fault{}
				})
				row.request(h)
				h.cloud.Chaos(nil)
				if calls.Load() < n {
					if n < 5 {
						t.Errorf("only %d calls to be killed at", n)
					}
					break // it was never killed
				}
				h.restart()
				h.cloud.Settle()
				done := false
				for range 12 {
					if done = row.again(h); done {
						break
					}
				}
				if why := row.good(h); !done || why != "" {
					t.Errorf("killed at call %d: done %v, %s", n, done, why)
				}
				for id := range before {
					if _, there := h.volumesOf(academy)[id]; !there {
						t.Errorf("killed at call %d: volume %s is gone", n, id)
					}
				}
			}
		})
	}
}
