package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

const (
	bearer = "Bearer " + secret
	form   = "application/x-www-form-urlencoded"
)

// scene is a function and the request that its start is measured by.
type scene struct {
	function, does string
	request        func(i int) request
}

// scenes have one for each function.
func (s *stage) scenes() []scene {
	always := func(r request) func(int) request { return func(int) request { return r } }
	return []scene{
		{"launch-lab", "a new learner's launch", func(i int) request { return launch(fmt.Sprint("learner-", i)) }},
		{"view-lab", "status of a lab", always(s.status())},
		{"tend-labs", "a pass over all labs", always(tend)},
		{"grade-lab", "a lab's sign of life", always(request{Method: "POST", Path: "/" + s.report, Type: "application/json", Body: `{"heartbeat": true}`})},
		{"scale-cluster", "state of a cluster", always(request{Method: "GET", Path: "/academy", Authorization: bearer})},
		{"deploy-site", "state of a site", always(request{Method: "GET", Path: "/sites/academy", Authorization: bearer})},
	}
}

// The requests of timers.
var (
	tend  = request{Method: "POST", Path: "/", Authorization: bearer}
	round = request{Method: "POST", Path: "/reconcile", Authorization: bearer}
)

// alarm is Aodh's: little is going on in a cluster, which is as small as it may be.
func alarm(cluster string) request {
	return request{Method: "POST", Path: "/" + cluster + "/in", Type: "application/json", Authorization: bearer, Body: `{"alarm_name":"idle","alarm_id":"alarm-1",` +
		`"severity":"low","previous":"ok","current":"alarm","reason":"Transition","reason_data":{"type":"threshold","disposition":"outside","count":1,"most_recent":8.0}}`}
}

func (s *stage) status() request { return look(s.ticket) }

func look(ticket string) request {
	return request{Method: "GET", Path: "/status", Authorization: "Bearer " + ticket}
}

// launch is signed for this moment, by LTI 1.1.
func launch(user string) request { return launchOf(user, "lab", "web") }

// launchOf is launch with a custom parameter.
func launchOf(user, name, value string) request {
	signed := ltitest.New(publicURL+"/launch-lab/launch", "academy", secret, user, time.Now()).With("custom_"+name, value)
	return request{Method: "POST", Path: "/launch", Type: form, Body: signed.Body()}
}

// refused is a launch whose signature does not hold.
func refused() request {
	forged := ltitest.New(publicURL+"/launch-lab/launch", "academy", "not"+secret, learner, time.Now())
	return request{Method: "POST", Path: "/launch", Type: form, Body: forged.Body()}
}

// launch13 logs in as a browser does and is the platform's answer to it. custom is what the link says about the lab.
func (s *stage) launch13(ctx context.Context, i *instance, custom map[string]string) (request, error) {
	link := ltitest.Link{
		ClientID: client, Deployment: "1", Target: publicURL + "/launch-lab/launch", User: learner, Context: "course-v1:Academy+Web101+2026",
		ContextTitle: "Web servers 101", ResourceLink: "block-8f2c", Custom: custom,
	}
	login, err := i.ask(ctx, request{Method: "GET", Path: strings.TrimPrefix(s.platform.LoginURL("/login", link), publicURL)})
	if err != nil {
		return request{}, err
	}
	_, rest, _ := strings.Cut(login.Body, `href="`+s.platform.AuthURL())
	asked, _, _ := strings.Cut(rest, `"`)
	to, err := url.Parse(html.UnescapeString(asked))
	cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
	if err != nil || cookie == "" {
		return request{}, errors.Join(fmt.Errorf("log in: %d: %s", login.Status, login.Body), err)
	}
	q := to.Query()
	token := s.platform.Sign(s.platform.Claims(link, q.Get("nonce"), time.Now()))
	answer := url.Values{"state": {q.Get("state")}, "id_token": {token}}
	return request{Method: "POST", Path: "/launch", Type: form, Cookie: cookie, Body: answer.Encode()}, nil
}
