package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"time"

	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	publicURL = "http://127.0.0.1:8080"
	secret    = "a-secret-for-measuring-only-0123456789"
	settings  = `public_url: ` + publicURL + `
naming_key: ` + secret + `
seal_keys: [{id: one, secret: ` + secret + `}]
lti: {consumers: [{key: academy, secret: ` + secret + `, labs: [web]}]}
labs: {web: {title: Web, template: labs/web.yaml, access: [{kind: url, output: lab_url, title: Open}]}}
sites: {defaults: {image: debian-12, app_flavor: m1.small, backend_flavor: m1.large, external_network: public}}
api: {tokens: [{name: ci, token: ` + secret + `, may: [sites, clusters, labs]}]}
`
)

// stage is the cloud and the environment that functions are started in.
type stage struct {
	cloud  *openstacktest.Cloud
	env    []string
	ticket string // of a lab that view-lab is asked about
	report string // the same lab's own, for grade-lab
}

// scene is a function and the request that it is measured by.
type scene struct {
	function, does string
	event          func(i int) []byte
}

func newStage() (*stage, error) {
	cloud, err := openstacktest.New(openstacktest.Options{Wall: true})
	if err != nil {
		return nil, fmt.Errorf("start fake cloud: %w", err)
	}
	s := &stage{cloud: cloud, env: []string{"STACKHOOK_CONFIG=" + settings}}
	for name, value := range cloud.Env() {
		s.env = append(s.env, name+"="+value)
	}
	return s, nil
}

func (s *stage) scenes() []scene {
	return []scene{
		{"launch-lab", "a new learner's launch", launch},
		{"view-lab", "status of a lab", func(int) []byte { return event("GET", "/status", "", "Bearer "+s.ticket, "") }},
		{"tend-labs", "a pass over all labs", func(int) []byte { return event("POST", "/", "", "Bearer "+secret, "") }},
		{"grade-lab", "a lab's sign of life", func(int) []byte { return event("POST", "/"+s.report, "application/json", "", `{"heartbeat": true}`) }},
		{"scale-cluster", "state of a cluster", func(int) []byte { return event("GET", "/academy", "", "Bearer "+secret, "") }},
		{"deploy-site", "state of a site", func(int) []byte { return event("GET", "/sites/academy", "", "Bearer "+secret, "") }},
	}
}

func launch(i int) []byte {
	user := fmt.Sprintf("learner-%d", i)
	body := ltitest.New(publicURL+"/launch-lab/launch", "academy", secret, user, time.Now()).Body()
	return event("POST", "/launch", "application/x-www-form-urlencoded", "", body)
}

// event is a request as an HTTP API sends it.
func event(method, path, contentType, authorization, body string) []byte {
	headers := map[string]string{}
	for name, value := range map[string]string{"content-type": contentType, "authorization": authorization} {
		if value != "" {
			headers[name] = value
		}
	}
	text, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "headers": headers, "body": body,
		"requestContext": map[string]any{"stage": "$default", "http": map[string]string{"method": method, "path": path}},
	})
	if err != nil {
		panic("encode event: " + err.Error()) // maps of strings always encode
	}
	return text
}

var ticketField = regexp.MustCompile(`name="?ticket"? value="([^"]+)"`)

// prepare makes what the scenes ask about: a site, and a lab with its ticket.
func (s *stage) prepare(ctx context.Context) error {
	site := `{"hosts": {"lms": "learn.example.org"}, "contact_email": "ops@example.org", "app": {"nodes": 1, "min": 1, "max": 3}}`
	if _, _, err := s.start(ctx, "deploy-site", event("PUT", "/sites/academy", "application/json", "Bearer "+secret, site)); err != nil {
		return fmt.Errorf("deploy site: %w", err)
	}
	page, _, err := s.start(ctx, "launch-lab", launch(-1))
	if err != nil {
		return fmt.Errorf("launch lab: %w", err)
	}
	found := ticketField.FindStringSubmatch(page)
	if found == nil {
		return errors.New("the lab page has no ticket")
	}
	s.ticket = found[1]
	return s.findReport(ctx)
}

// findReport waits until the lab is up, and takes the address that its machine was given.
func (s *stage) findReport(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	looks := time.NewTicker(100 * time.Millisecond)
	defer looks.Stop()
	for {
		for _, stack := range s.cloud.Stacks() {
			if address := stack.Parameters[grades.ReportParameter]; address != "" && stack.State == "CREATE_COMPLETE" {
				s.report = path.Base(address)
				return nil
			}
		}
		select {
		case <-looks.C:
		case <-ctx.Done():
			return errors.New("the lab never came up")
		}
	}
}
