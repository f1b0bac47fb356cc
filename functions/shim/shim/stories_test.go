package shim_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// caller calls the shim as everybody else does: over HTTP.
type caller struct {
	t *testing.T
	s *shim.Shim
}

type reply struct {
	code int
	body string
	http.Header
}

func (c caller) call(method, address, contentType, body string, headers ...string) reply {
	c.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second}
	return c.with(client, method, address, contentType, body, headers...)
}

// with calls by a client of the story's own.
func (c caller) with(client *http.Client, method, address, contentType, body string, headers ...string) reply {
	c.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = c.s.URL() + address
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{res.StatusCode, string(text), res.Header}
}

func (r reply) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("answer %d is not JSON: %v\n%s", r.code, err, r.body)
	}
}

// eventually asks until the answer is as wanted.
func eventually(t *testing.T, what string, ask func() (string, bool)) {
	t.Helper()
	last := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var ok bool
		if last, ok = ask(); ok {
			return
		}
	}
	t.Fatalf("waited for %s; last: %s", what, last)
}

var ticketInPage = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

func TestStoryOfALab(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	keys := c.s.Keys()
	// Twice, as a learner who opens the unit again.
	var page reply
	for range 2 {
		launch := ltitest.New(c.s.URL()+"/launch-lab/launch", keys.ConsumerKey, keys.ConsumerSecret, "8f1c0ffee", time.Now())
		page = c.call(http.MethodPost, launch.URL, "application/x-www-form-urlencoded", launch.Body())
		if page.code != http.StatusOK {
			t.Fatalf("launch: %d\n%s", page.code, page.body)
		}
	}
	found := ticketInPage.FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("the lab page has no ticket:\n%s", page.body)
	}
	ticket := found[1]
	eventually(t, "a ready lab", func() (string, bool) {
		status := c.call(http.MethodGet, "/view-lab/status", "", "", "Authorization", "Bearer "+ticket)
		var v struct{ State, Ticket string }
		status.decode(t, &v)
		if v.Ticket != "" {
			ticket = v.Ticket
		}
		return status.body, v.State == "ready"
	})
	state := c.state()
	if len(state.Stacks) != 1 || state.Stacks[0].Kind != "lab" || state.Stacks[0].State != "CREATE_COMPLETE" {
		t.Errorf("the page shows %+v, want one lab that is complete", state.Stacks)
	}
}

func TestStoryOfASite(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	token := "Bearer " + c.s.Keys().APIToken
	for i, want := range []int{http.StatusAccepted, http.StatusOK} {
		put := c.call(http.MethodPut, "/deploy-site/sites/school", "application/json",
			`{"hosts":{"lms":"learn.example.org"},"contact_email":"ops@example.org","app":{"nodes":1,"min":1,"max":3},"cooldowns":{"out":"0s","in":"0s"}}`, "Authorization", token)
		if put.code != want && put.code != http.StatusAccepted {
			t.Fatalf("put %d: %d\n%s", i+1, put.code, put.body)
		}
	}
	eventually(t, "the site's address", func() (string, bool) {
		site := c.call(http.MethodGet, "/deploy-site/sites/school", "", "", "Authorization", token)
		var v struct{ State, Address string }
		site.decode(t, &v)
		return site.body, v.State == "ready" && v.Address != ""
	})
	for _, step := range []struct {
		direction string
		nodes     int
	}{{"out", 2}, {"out", 3}, {"in", 2}, {"in", 1}} {
		// The same notification twice makes one step.
		notification := `{"alarm_name":"busy","alarm_id":"7","severity":"low","previous":"ok","current":"alarm","reason":"step to ` +
			string(rune('0'+step.nodes)) + step.direction + `","reason_data":{"type":"threshold"}}`
		for range 2 {
			got := c.call(http.MethodPost, c.s.ScaleURL("school", step.direction), "application/json", notification)
			if got.code >= http.StatusBadRequest {
				t.Fatalf("scale %s: %d\n%s", step.direction, got.code, got.body)
			}
		}
		eventually(t, "the scaled cluster", func() (string, bool) {
			s := c.state().Stacks[0]
			text, err := json.Marshal(s)
			return string(text), err == nil && s.Word == "ready" && s.Count == step.nodes && len(s.Nodes) == step.nodes
		})
	}
}

// state is what the page asks for.
func (c caller) state() state {
	c.t.Helper()
	var v state
	c.call(http.MethodGet, "/dev/state", "", "").decode(c.t, &v)
	return v
}

type state struct {
	Cloud  struct{ OK bool }
	Stacks []struct {
		Name, Kind, State, Word string
		Count                   int
		Nodes                   []struct{ Address string }
	}
	Requests []struct {
		Function, Method, Path string
		Code, Times            int
		Calls                  []string
	}
}

func TestPlayedRequestsAreShownWithTheirCallsAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	const form = "application/x-www-form-urlencoded"
	if got := c.call(http.MethodPost, "/dev/site", form, "name=academy&nodes=1&min=1&max=3"); got.code != http.StatusOK {
		t.Fatalf("deploy: %d %s", got.code, got.body)
	}
	for range 3 {
		c.call(http.MethodGet, "/dev/site?name=academy", "", "")
	}
	alarm := c.call(http.MethodPost, "/dev/alarm", form, "cluster=academy&sender=aodh&state=alarm&direction=out")
	var played struct {
		Code   int
		Curl   string
		Answer struct{ Reason, Code string }
	}
	alarm.decode(t, &played)
	if played.Code != http.StatusAccepted || played.Answer.Code != "busy" || played.Answer.Reason == "" {
		t.Errorf("alarm while the site is built: %s", alarm.body)
	}
	if !strings.Contains(played.Curl, "/scale-cluster/academy/out?sig=") {
		t.Errorf("the command is %q, want the signed address", played.Curl)
	}
	c.call(http.MethodGet, "/view-lab/"+strings.Repeat("x", 60)+"/y", "", "")
	raw := c.call(http.MethodGet, "/dev/state", "", "").body
	for _, secret := range []string{"sig=", c.s.Keys().APIToken, c.s.Keys().ConsumerSecret, "xxxxxxxx"} {
		if strings.Contains(raw, secret) {
			t.Errorf("the page's state holds %q", secret)
		}
	}
	var put, get bool
	for _, r := range c.state().Requests {
		put = put || r.Method == http.MethodPut && r.Path == "/sites/academy" && r.Code == http.StatusAccepted && len(r.Calls) > 0
		get = get || r.Method == http.MethodGet && r.Path == "/sites/academy"
	}
	if !put || !get {
		t.Errorf("the page shows %s, want the PUT with its calls, and the GETs", raw)
	}
}

var (
	formAction = regexp.MustCompile(`<form id="launch" action="([^"]+)" method="post">`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

func TestPlayedLaunchIsAccepted(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	const kind = "application/x-www-form-urlencoded"
	for _, learner := range []string{"Ada Lovelace", "Ådne <Ødegård> & \"Söhne\"", "Ada Lovelace"} {
		for _, role := range []string{"learner", "instructor"} {
			played := c.call(http.MethodPost, "/dev/launch", kind, url.Values{"learner": {learner}, "course": {"Web servers 101"}, "lab": {"web"}, "role": {role}}.Encode())
			action := formAction.FindStringSubmatch(played.body)
			if played.code != http.StatusOK || action == nil {
				t.Fatalf("the LMS answers %d\n%s", played.code, played.body)
			}
			form := url.Values{}
			for _, f := range formField.FindAllStringSubmatch(played.body, -1) {
				form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
			}
			if got := c.call(http.MethodPost, html.UnescapeString(action[1]), kind, form.Encode()); got.code != http.StatusOK {
				t.Errorf("%s as %s: %d\n%s", learner, role, got.code, got.body)
			}
		}
	}
	if n := len(c.state().Stacks); n != 2 {
		t.Errorf("two learners have %d labs, want one each", n)
	}
}

func TestGracefulEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := shim.New(ctx, shim.Options{Listen: "127.0.0.1:0", Fake: quick()})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	c := caller{t, s}
	if got := c.call(http.MethodGet, "/healthz", "", ""); got.code != http.StatusOK {
		t.Errorf("healthz: %d", got.code)
	}
	if got := c.call(http.MethodGet, "/readyz", "", ""); got.code != http.StatusOK {
		t.Errorf("readyz: %d %s", got.code, got.body)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}
