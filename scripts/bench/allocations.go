package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	gort "runtime"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	"github.com/stackhook/stackhook/functions/view-lab/viewlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/serve"
)

// allocations is the argument that makes this program count those of a function's handler: what a process allocates
// cannot be seen from outside, and in the measuring process the fake cloud allocates as well.
const allocations = "allocations"

// builds are the functions whose requests are counted.
func builds() map[string]serve.Build {
	return map[string]serve.Build{"launch-lab": launchlab.Build, "view-lab": viewlab.Build, "scale-cluster": scalecluster.Build}
}

// counted is what the counting process is told: which answer is expected, and the requests.
type counted struct {
	Status   int
	Requests []request
}

// warming requests are not counted: they log in, read templates and fill caches.
const warming = 20

// countAllocations reads the requests, gives them to the function's handler, and says how many allocations each took.
func countAllocations(ctx context.Context, function string, in io.Reader, out io.Writer) error {
	var told counted
	if err := json.NewDecoder(in).Decode(&told); err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	program := serve.Program{Name: function, Build: builds()[function], Source: config.OS(), Out: io.Discard, Err: io.Discard}
	handler, err := program.Handler(ctx, logging.New(io.Discard, function))
	if err != nil {
		return fmt.Errorf("build %s: %w", function, err)
	}
	var before, after gort.MemStats
	for i, r := range told.Requests {
		if i == warming {
			gort.ReadMemStats(&before)
		}
		if got := answerOf(ctx, handler, r); got != told.Status {
			return fmt.Errorf("the answer is %d instead of %d", got, told.Status)
		}
	}
	gort.ReadMemStats(&after)
	_, err = fmt.Fprintln(out, float64(after.Mallocs-before.Mallocs)/float64(len(told.Requests)-warming))
	return err //nolint:wrapcheck // there is no one to tell
}

func answerOf(ctx context.Context, h http.Handler, r request) int {
	asked := httptest.NewRequestWithContext(ctx, r.Method, r.Path, strings.NewReader(r.Body))
	for name, value := range r.headers() {
		asked.Header.Set(name, value)
	}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, asked)
	return got.Code
}

// allocationsOf a request of this kind, in a process of its own.
func (s *stage) allocationsOf(ctx context.Context, function string, told counted) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	var complaints bytes.Buffer
	counter := exec.CommandContext(ctx, self, allocations, function) //nolint:gosec // this program
	counter.Env, counter.Stdin, counter.Stderr = s.env, bytes.NewReader(encode(told)), &complaints
	text, err := counter.Output()
	if err != nil {
		return 0, fmt.Errorf("count allocations of %s: %w: %s", function, err, complaints.String())
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return 0, fmt.Errorf("read number of allocations: %w", err)
	}
	return n, nil
}
