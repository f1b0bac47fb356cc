package launchlab_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/launch", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		n = w.Body.Len()
		if w.Code != http.StatusForbidden {
			b.Fatal(w.Code)
		}
	}
	b.ReportMetric(float64(n), "B/answer")
}
