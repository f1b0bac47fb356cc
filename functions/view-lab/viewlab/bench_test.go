package viewlab_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/view-lab/viewlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// again answers each GET with the bytes of its first answer, so that what is measured is not the fake cloud.
type again struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// RoundTrip implements http.RoundTripper.
func (a *again) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return http.DefaultTransport.RoundTrip(r)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	text, known := a.kept[r.URL.String()]
	if !known {
		first, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer func() { _ = first.Body.Close() }()
		if text, err = httputil.DumpResponse(first, true); err != nil {
			return nil, err
		}
		a.kept[r.URL.String()] = text
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), r)
}

// discarded is an answer of which only the status is kept.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header            { return d.header }
func (d *discarded) WriteHeader(status int)         { d.status = status }
func (d *discarded) Write(text []byte) (int, error) { return len(text), nil }

// settled is the ticket of a lab that is up, as the page's first look leaves it.
func settled(b *testing.B, cloud *openstacktest.Cloud, c *config.Config, getenv func(string) string) string {
	b.Helper()
	clouds, err := keeper.Open(c, getenv)
	if err != nil {
		b.Fatal(err)
	}
	labs, err := keeper.New(c, clouds, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	ticket, _ := labs.Start(b.Context(), labs.Ticket(learner("u1")))
	cloud.Settle()
	if ticket, _, err = labs.Look(b.Context(), ticket, lab.LookStack); err != nil {
		b.Fatal(err)
	}
	sealed, err := labs.Seal(ticket)
	if err != nil {
		b.Fatal(err)
	}
	return sealed
}

// BenchmarkStatus is what the page of a lab that is up asks again and again; OpenStack answers from memory.
func BenchmarkStatus(b *testing.B) {
	cloud := openstacktest.Start(b, openstacktest.StartAt(time.Now()))
	env := cloud.Env()
	env[config.Variable] = configuration
	src := config.Map(env)
	c, err := src.Load()
	if err != nil {
		b.Fatal(err)
	}
	client, err := openstack.New(openstack.Options{Getenv: src.Getenv, Transport: &again{kept: map[string][]byte{}}})
	if err != nil {
		b.Fatal(err)
	}
	handler, err := viewlab.New(c, keeper.One(client), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	handler = function.Wrap("view-lab", logging.New(io.Discard, "view-lab"), handler)
	sealed := settled(b, cloud, c, src.Getenv)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/status?look=stack", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sealed)
	b.ReportAllocs()
	for b.Loop() {
		w := &discarded{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
