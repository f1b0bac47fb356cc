package gradelab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// Build makes the function from its configuration. It asks nothing of the clouds yet.
func Build(_ context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	names := []string{c.CloudName()}
	for _, cloud := range c.Clouds[min(1, len(c.Clouds)):] {
		names = append(names, cloud.Name)
	}
	var clouds []grades.Cloud
	for _, name := range names {
		cloud, err := openstack.New(openstack.Options{Cloud: name, Getenv: src.Getenv})
		if err != nil {
			return nil, fmt.Errorf("set up cloud %s: %w", name, err)
		}
		clouds = append(clouds, cloud)
	}
	g, err := grades.New(c, grades.Options{Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("set up grades: %w", err)
	}
	return New(c, clouds, g, time.Now)
}

// grader answers what labs report.
type grader struct {
	box    *seal.Box
	clouds []grades.Cloud // in order of preference
	grades grades.Grades
	checks map[string][]string // the names of the checks that each lab reports itself
	found  *found
	now    function.Clock
}

// New is the function on clouds, grades and with a clock of the caller's choice.
func New(c *config.Config, clouds []grades.Cloud, g grades.Grades, now function.Clock) (http.Handler, error) {
	box, err := c.Box()
	if err != nil {
		return nil, fmt.Errorf("set up seal keys: %w", err)
	}
	checks := map[string][]string{}
	for key, l := range c.Labs {
		for _, check := range l.Checks {
			if check.Kind == "report" { // of the others nobody may say anything but we
				checks[key] = append(checks[key], check.Name)
			}
		}
	}
	f := &grader{box: box, clouds: clouds, grades: g, checks: checks, found: &found{labs: map[string]place{}}, now: now}
	return http.HandlerFunc(f.serve), nil
}

func (f *grader) serve(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Path[min(1, len(r.URL.Path)):]
	// The address is the lab's credential, and paths are logged.
	r.URL = &url.URL{Path: "/-"}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		function.Fail(w, r, &function.Error{
			Code: "method_not_allowed", Status: http.StatusMethodNotAllowed,
			Public: "A lab reports its results here with POST; there is nothing to see.",
		})
		return
	}
	if err := f.report(w, r, ticket); err != nil {
		function.Fail(w, r, err)
	}
}
