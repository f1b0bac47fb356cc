package launchlab_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// BenchmarkRefused is a launch whose signature does not hold: what a flood consists of.
func BenchmarkRefused(b *testing.B) {
	cloud, err := openstacktest.New(openstacktest.Options{Wall: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cloud.Close)
	handler, err := launchlab.Build(b.Context(), config.Map(environment(cloud, configuration)))
	if err != nil {
		b.Fatal(err)
	}
	handler = function.Wrap("launch-lab", logging.New(io.Discard, "launch-lab"), handler)
	body := ltitest.New(launchURL, key, "not"+secret, "u1", time.Now()).Body()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/launch", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.ContentLength = int64(len(body))
	w := &discarded{}
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		*w = discarded{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusForbidden {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64(w.size), "B/answer")
}

// discarded is an answer of which only the status and the size are kept.
type discarded struct {
	header       http.Header
	status, size int
}

func (d *discarded) Header() http.Header    { return d.header }
func (d *discarded) WriteHeader(status int) { d.status = status }
func (d *discarded) Write(text []byte) (int, error) {
	d.size += len(text)
	return len(text), nil
}
