package shim_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// quick is a fake cloud for people in a hurry.
func quick() openstacktest.Options {
	return openstacktest.Options{
		GuestBoot: 200 * time.Millisecond,
		Build: func(resourceType string) time.Duration {
			if resourceType == "OS::Nova::Server" {
				return 700 * time.Millisecond
			}
			return 50 * time.Millisecond
		},
	}
}

// start is a shim on the fake cloud with its development configuration.
func start(t *testing.T) *shim.Shim {
	t.Helper()
	log := loggingtest.Catch(t, "oauth_signature=")
	s, err := shim.Start(t.Context(), shim.Options{
		Source: config.Map(nil), Listen: "127.0.0.1:0", Fake: quick(), Log: io.MultiWriter(t.Output(), log),
	})
	if err != nil {
		t.Fatalf("start the shim: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the shim: %v", err)
		}
		for _, secret := range []string{s.Keys().ConsumerSecret, s.Keys().APIToken} {
			if strings.Contains(log.String(), secret) {
				t.Error("a development key is in the log")
			}
		}
	})
	return s
}

func TestGreetingSaysWhereAndWhat(t *testing.T) {
	t.Parallel()
	s := start(t)
	var said bytes.Buffer
	s.Greet(&said)
	for _, words := range []string{s.URL() + "/", "DEVELOPMENT KEYS", "fake", "-new-config", "export TOKEN=" + s.Keys().APIToken, "Ctrl-C"} {
		if !strings.Contains(said.String(), words) {
			t.Errorf("the greeting does not say %q", words)
		}
	}
}

// serve asks the shim's handler without a network.
func serve(s *shim.Shim, method, path string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, s.URL()+path, http.NoBody)
	r.URL.Scheme, r.URL.Host = "", ""
	r.URL.Path, r.RequestURI = path, path
	for name, value := range headers {
		if name == "Host" {
			r.Host = value
		} else if value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}
