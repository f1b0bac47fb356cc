package traffic

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

const form = "application/x-www-form-urlencoded"

// ask sends one request and reads its answer to the end.
func (d *Driver) ask(ctx context.Context, method, address, kind, body string, header ...string) Answer {
	begun := time.Now()
	a := d.exchange(ctx, method, address, kind, body, header)
	a.Took = time.Since(begun)
	return a
}

func (d *Driver) exchange(ctx context.Context, method, address, kind, body string, header []string) Answer {
	if !strings.HasPrefix(address, "http") {
		address = d.house.Target + address
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return Answer{Err: err}
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] != "" {
			request.Header.Set(header[i], header[i+1])
		}
	}
	response, err := d.client.Do(request)
	if err != nil {
		return Answer{Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return Answer{Err: err}
	}
	return Answer{Code: response.StatusCode, Header: response.Header, Body: string(text)}
}

// launch is a learner's click on the lab in the course.
func (d *Driver) launch(ctx context.Context, l *learner) {
	if !l.take() {
		return
	}
	var a Answer
	if l.launch == Launch11 {
		signed := ltitest.New(d.house.Public+"/launch-lab/launch", d.house.consumer.Key, d.house.consumer.Secret.Reveal(), l.id, time.Now()).
			With("context_id", Course)
		a = d.ask(ctx, http.MethodPost, "/launch-lab/launch", form, signed.Body())
	} else {
		a = d.launch13(ctx, l.id)
	}
	d.count(l.launch, a, l.give(Judge(l.launch, a), &d.owners))
}

// launch13 is the way of a browser: to the login, from there to the platform, and back with the token and the login's cookie. The
// time is that of the tool's two answers; the first of them that is no step of the way is the answer.
func (d *Driver) launch13(ctx context.Context, user string) Answer {
	login := d.ask(ctx, http.MethodGet, d.behind(d.house.lms.LoginURL(d.house.Public+"/launch-lab/login", ltitest.Link{
		ClientID: d.house.platform.ClientID, Deployment: d.house.platform.Deployments[0], Target: d.house.Public + "/launch-lab/launch",
		User: user, Context: Course, ResourceLink: "load", Roles: ltitest.LearnerRoles,
	})), "", "")
	next := leadsTo(login)
	if next == "" {
		return login
	}
	cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
	signed := d.ask(ctx, http.MethodGet, next, "", "")
	fields := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(signed.Body, -1) {
		fields.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	answer := d.ask(ctx, http.MethodPost, "/launch-lab/launch", form, fields.Encode(), "Cookie", cookie)
	answer.Took += login.Took
	return answer
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	refreshTo   = regexp.MustCompile(`<meta http-equiv="refresh" content="0;\s*url=([^"]+)"`)
)

// leadsTo is where a login sends the browser, by redirect or by a page; empty if it does not.
func leadsTo(a Answer) string {
	if a.Err != nil || a.Code >= http.StatusBadRequest {
		return ""
	}
	if found := refreshTo.FindStringSubmatch(a.Body); found != nil {
		return html.UnescapeString(found[1])
	}
	return a.Header.Get("Location")
}

// behind is an address of ours at the target.
func (d *Driver) behind(address string) string {
	return d.house.Target + strings.TrimPrefix(address, d.house.Public)
}

// look is what a lab page asks by itself.
func (d *Driver) look(ctx context.Context, l *learner) {
	if !l.take() {
		return
	}
	method, path, ticket := l.look()
	a := d.ask(ctx, method, path, "", "", "Authorization", "Bearer "+ticket, "Accept", "application/json")
	d.count(Status, a, l.give(Judge(Status, a), &d.owners))
}

func (d *Driver) beat(ctx context.Context, ticket string) {
	a := d.ask(ctx, http.MethodPost, "/view-lab/heartbeat", "", "", "Authorization", "Bearer "+ticket, "Accept", "application/json")
	d.count(Heartbeat, a, Judge(Heartbeat, a))
}

// alarm is Aodh's notification, out and in by turns.
func (d *Driver) alarm(ctx context.Context, n int) {
	direction := []string{"out", "in"}[n%2]
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // texts
		"alarm_name": "load-" + direction, "alarm_id": strings.ToLower(rand.Text()), "severity": "low", "previous": "ok", "current": "alarm",
		"reason":      "Transition to alarm due to 1 samples outside threshold, most recent: 81.0",
		"reason_data": map[string]any{"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 81.0},
	})
	a := d.ask(ctx, http.MethodPost, "/scale-cluster/"+d.house.cluster+"/"+direction, "application/json", string(body), "Authorization", "Bearer "+d.house.alarm)
	d.count(Alarm, a, Judge(Alarm, a))
}

// sites is a look of an operator at one site, or at the list of them.
func (d *Driver) sites(ctx context.Context, n int) {
	path := "/deploy-site/sites"
	if d.house.site != "" && n%2 == 0 {
		path += "/" + d.house.site
	}
	a := d.ask(ctx, http.MethodGet, path, "", "", "Authorization", "Bearer "+d.house.api)
	d.count(Sites, a, Judge(Sites, a))
}
