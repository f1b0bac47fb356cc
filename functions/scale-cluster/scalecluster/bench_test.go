package scalecluster_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// slowest is how long the slowest of a hundred answers may take, mostCalls how many requests it may be made of.
const (
	slowest   = time.Second
	mostCalls = 4
)

// How long an answer takes where every reply of OpenStack takes 200 ms: for each verb the median, the 99th percentile and
// the most requests, against their limits. Nodes are drained by an alarm: for a person the first drain of an hour takes one more,
// to see what they had asked for before. -benchtime 100x makes the percentile one of a hundred.
func BenchmarkAnswer(b *testing.B) {
	set := func(h *house, to string) {
		h.post("/floor/set", `{"to": `+to+`}`, ci())
		h.settle(time.Minute)
	}
	for _, row := range []struct {
		name, path, body string
		prepare          func(h *house) // without latency, before each
	}{
		{"out", "/floor/out", ``, func(h *house) { set(h, "3") }},
		{"in", "/floor/in", ``, func(h *house) { set(h, "4") }},
		{"in, named", "/floor/in", ``, func(h *house) { set(h, "4") }},
		{"set", "/floor/set", `{"to": 5}`, func(h *house) { set(h, "3") }},
		{"refused", "/academy/out?dry_run=1", ``, func(*house) {}},
		{"drain", "/gentle/in", aodh("alarm", 1), func(h *house) { h.post("/gentle/out", ``, ci()); h.settle(time.Minute) }},
		{"undrain", "/gentle/out", aodh("alarm", 2), func(h *house) { h.post("/gentle/in", ``, ci()); h.settle(time.Minute) }},
		{"reconcile", "/gentle/reconcile", ``, func(h *house) {
			h.post("/gentle/set", `{"to": 4}`, ci())
			h.settle(time.Minute)
			h.post("/gentle/in", ``, ci())
			h.settle(6 * time.Minute)
		}},
		{"not an alarm", "/floor/out", aodh("ok", 1), func(*house) {}},
	} {
		b.Run(row.name, func(b *testing.B) {
			h := start(b, openstacktest.TokenLife(30*24*time.Hour), openstacktest.PatchWindow(time.Millisecond))
			for _, name := range []string{floor, gentle, app} {
				h.cluster(name, 3)
			}
			h.post("/gentle/out?dry_run=1", ``, ci())
			h.post("/floor/out?dry_run=1", ``, ci())
			h.post("/academy/out?dry_run=1", ``, ci())
			var times []time.Duration
			most := 0
			for b.Loop() {
				b.StopTimer()
				row.prepare(h)
				body := row.body
				if row.name == "in, named" {
					for index := range h.servers(floor) {
						body = `{"nodes": ["` + index + `"]}`
					}
				}
				h.calls()
				h.cloud.Inject(openstacktest.Fault{Latency: 200 * time.Millisecond})
				b.StartTimer()
				begun := time.Now()
				r := h.post(row.path, body, ci())
				times = append(times, time.Since(begun))
				b.StopTimer()
				h.cloud.ClearFaults()
				most = max(most, len(h.calls()))
				if r.status >= http.StatusBadRequest {
					b.Fatalf("%d %s", r.status, r.text)
				}
				h.settle(time.Minute)
				b.StartTimer()
			}
			slices.Sort(times)
			p99 := times[len(times)*99/100]
			if len(times) >= 100 && p99 >= slowest || most > mostCalls {
				b.Errorf("p99 %s, %d requests", p99, most)
			}
			b.ReportMetric(float64(times[len(times)/2].Milliseconds()), "p50-ms")
			b.ReportMetric(float64(p99.Milliseconds()), "p99-ms")
			b.ReportMetric(float64(most), "calls")
		})
	}
}
