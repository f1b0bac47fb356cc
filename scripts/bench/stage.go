package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	publicURL = "http://127.0.0.1:8080"
	secret    = "a-secret-for-measuring-only-0123456789"
	learner   = "learner-of-the-bench" // whose lab is there
	client    = "client"
	settings  = `public_url: ` + publicURL + `
naming_key: ` + secret + `
seal_keys: [{id: one, secret: ` + secret + `}]
lti:
  consumers: [{key: academy, secret: ` + secret + `, labs: [web]}]
  platforms: [{issuer: ISSUER, client_id: ` + client + `, deployments: ["1"], auth_url: ISSUER/auth, jwks_url: ISSUER/jwks.json, labs: [web]}]
labs: {web: {title: Web, template: labs/web.yaml, idle_timeout: 0s, access: [{kind: url, output: lab_url, title: Open}]}}
sites: {defaults: {image: debian-12, app_flavor: m1.small, backend_flavor: m1.large, external_network: public}}
tend: {rate: 100}
api: {tokens: [{name: ci, token: ` + secret + `, may: [sites, clusters, labs]}]}
`
)

// stage is a fake cloud, a platform, and the environment in which functions work with the two.
type stage struct {
	bin      string // where the programs are
	cloud    *openstacktest.Cloud
	platform *ltitest.Platform
	lms      *httptest.Server
	env      []string
	ticket   string // of the learner's lab, for view-lab
	report   string // the same lab's own, for grade-lab
}

// newStage has a cloud on which everything is built in no time.
func newStage(bin string) (*stage, error) {
	at := func(string) time.Duration { return 0 }
	cloud, err := openstacktest.New(openstacktest.Options{Wall: true, Build: at, GuestBoot: time.Millisecond})
	if err != nil {
		return nil, fmt.Errorf("start fake cloud: %w", err)
	}
	lms := httptest.NewUnstartedServer(nil)
	issuer := "http://" + lms.Listener.Addr().String()
	platform := ltitest.NewPlatform(issuer)
	lms.Config.Handler = platform.Handler()
	lms.Start()
	s := &stage{bin: bin, cloud: cloud, platform: platform, lms: lms}
	s.env = append(s.env, "STACKHOOK_CONFIG="+strings.ReplaceAll(settings, "ISSUER", issuer))
	for name, value := range cloud.Env() {
		s.env = append(s.env, name+"="+value)
	}
	return s, nil
}

func (s *stage) close() {
	s.lms.Close()
	s.cloud.Close()
}

// program is the path of a function's.
func (s *stage) program(function string) string { return filepath.Join(s.bin, function) }

// run starts a function in a runtime.
func (s *stage) run(ctx context.Context, r runtime, function string) (*instance, error) {
	i, err := r.start(ctx, s.program(function), slices.Clone(s.env))
	if err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", function, r.name, err)
	}
	return i, nil
}

// serve starts a function on HTTP.
func (s *stage) serve(ctx context.Context, function string) (*instance, error) {
	return s.run(ctx, runtimes()[0], function)
}

// once starts a function, asks it once and ends it.
func (s *stage) once(ctx context.Context, function string, r request) (answer, error) {
	i, err := s.serve(ctx, function)
	if err != nil {
		return answer{}, err
	}
	defer i.end()
	a, err := i.ask(ctx, r)
	if err == nil {
		err = a.good()
	}
	return a, err
}

var ticketField = regexp.MustCompile(`name="?ticket"? value="([^"]+)"`)

// prepare makes what the requests ask about: a site, clusters, and a lab with its ticket.
func (s *stage) prepare(ctx context.Context) error {
	if err := s.site(ctx); err != nil {
		return err
	}
	if err := s.clusters(ctx, someClusters); err != nil {
		return err
	}
	var err error
	if s.ticket, err = s.enter(ctx, learner); err != nil {
		return err
	}
	lab, err := s.complete(ctx, "lab-")
	if err != nil {
		return err
	}
	s.report = path.Base(lab.Parameters[grades.ReportParameter])
	s.ticket, err = s.settle(ctx, s.ticket)
	return err
}

// enter launches a learner's lab and gives the ticket of its page.
func (s *stage) enter(ctx context.Context, user string) (string, error) {
	page, err := s.once(ctx, "launch-lab", launch(user))
	if err != nil {
		return "", fmt.Errorf("launch lab: %w", err)
	}
	found := ticketField.FindStringSubmatch(page.Body)
	if found == nil {
		return "", errors.New("the lab page has no ticket")
	}
	return found[1], nil
}

// settle is the page's first look, which makes sure that the learner has one lab only. The ticket that it gets instead is
// the one that all other looks are made with.
func (s *stage) settle(ctx context.Context, ticket string) (string, error) {
	looked, err := s.once(ctx, "view-lab", look(ticket))
	if err != nil {
		return "", fmt.Errorf("look at the lab: %w", err)
	}
	var status struct {
		Ticket string `json:"ticket"`
	}
	if err := json.Unmarshal([]byte(looked.Body), &status); err != nil {
		return "", fmt.Errorf("read the lab's status: %w", err)
	}
	if status.Ticket == "" {
		return "", errors.New("the first look gave no other ticket")
	}
	return status.Ticket, nil
}

// class is as many looks, each at a lab of its own.
func (s *stage) class(ctx context.Context, size int) ([]request, error) {
	var looks []request
	for i := range size {
		ticket, err := s.enter(ctx, fmt.Sprint("learner-of-the-class-", i))
		if err != nil {
			return nil, err
		}
		if ticket, err = s.settle(ctx, ticket); err != nil {
			return nil, err
		}
		looks = append(looks, look(ticket))
	}
	return looks, nil
}

// site deploys one and waits until it is up.
func (s *stage) site(ctx context.Context) error {
	spec := `{"hosts": {"lms": "learn.example.org"}, "contact_email": "ops@example.org", "app": {"nodes": 1, "min": 1, "max": 3}}`
	put := request{Method: "PUT", Path: "/sites/academy", Type: "application/json", Authorization: bearer, Body: spec}
	if _, err := s.once(ctx, "deploy-site", put); err != nil {
		return fmt.Errorf("deploy site: %w", err)
	}
	_, err := s.complete(ctx, "academy")
	return err
}

// complete waits for the stack whose name begins so.
func (s *stage) complete(ctx context.Context, prefix string) (openstacktest.Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	looks := time.NewTicker(20 * time.Millisecond)
	defer looks.Stop()
	for {
		for _, stack := range s.cloud.Stacks() {
			if strings.HasPrefix(stack.Name, prefix) && stack.State == "CREATE_COMPLETE" {
				return stack, nil
			}
		}
		select {
		case <-looks.C:
		case <-ctx.Done():
			return openstacktest.Stack{}, errors.New("no stack " + prefix + "… came up: " + strconv.Itoa(len(s.cloud.Stacks())) + " stacks")
		}
	}
}
