package shim_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// tinyLab is a lab of one word, so that a class of fifty fits on two cores. Its address tells whose it is.
const tinyLab = `heat_template_version: 2018-08-31
description: A lab of nothing but a word.
resources:
  word: {type: OS::Heat::RandomString, properties: {length: 16}}
outputs:
  lab_url: {value: {list_join: ["", ["http://127.0.0.1/", {get_attr: [word, value]}]]}}
`

const (
	classSecret  = "hunter2-hunter2-hunter2-hunter2-lti"
	classCourse  = "course-v1:Academy+Class+2026"
	classClient  = "class"
	sealOfAnyone = "hunter2-hunter2-hunter2-hunter2-seal"
)

// classConfig is a configuration with the tiny lab, for a consumer by LTI 1.1 and a platform by LTI 1.3.
func classConfig(templates, issuer, seal string) string {
	return fmt.Sprintf(`naming_key: hunter2-hunter2-hunter2-hunter2-naming
seal_keys: [{id: class, secret: %s}]
templates_dir: %s
lti:
  consumers: [{key: class, secret: %s, labs: [tiny]}]
  platforms:
    - {issuer: %[4]q, client_id: %s, deployments: ["1"], auth_url: "%[4]s/auth", jwks_url: "%[4]s/jwks.json", labs: [tiny]}
labs:
  tiny: {title: A word, template: tiny.yaml, access: [{kind: url, output: lab_url, title: Read it}]}
`, seal, templates, classSecret, issuer, classClient)
}

// class is a course whose learners come by either version.
type class struct {
	caller
	platform *ltitest.Platform
	config   string
}

// startClass is a shim on the source's cloud, with a platform of another process's kind before it.
func startClass(t *testing.T, src config.Source, log io.Writer) *class {
	t.Helper()
	templates := t.TempDir()
	if err := os.WriteFile(filepath.Join(templates, "tiny.yaml"), []byte(tinyLab), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &class{}
	lms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { k.platform.Handler().ServeHTTP(w, r) }))
	t.Cleanup(lms.Close)
	k.platform = ltitest.NewPlatform(lms.URL)
	k.config = classConfig(templates, lms.URL, sealOfAnyone)
	outside := src.Getenv
	src.Getenv = func(name string) string {
		if name == config.Variable {
			return k.config
		}
		return outside(name)
	}
	s, err := shim.Start(t.Context(), shim.Options{Source: src, Listen: "127.0.0.1:0", Fake: quick(), Log: log})
	if err != nil {
		t.Fatalf("start the shim: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the shim: %v", err)
		}
	})
	k.caller = caller{t, s}
	return k
}

// knock is a launch that only has to be posted.
type knock struct{ user, body, cookie string }

// knocks are one launch each of so many learners, by LTI 1.1 and 1.3 in turn.
func (k *class) knocks(users []string) []knock {
	k.t.Helper()
	list := make([]knock, len(users))
	for i, user := range users {
		if i%2 == 0 {
			launch := ltitest.New(k.s.URL()+"/launch-lab/launch", "class", classSecret, user, time.Now()).With("context_id", classCourse)
			list[i] = knock{user: user, body: launch.Body()}
			continue
		}
		list[i] = k.knock13(user)
	}
	return list
}

func (k *class) knock13(user string) knock {
	k.t.Helper()
	login := k.noRedirect(http.MethodGet, k.platform.LoginURL(k.s.URL()+"/launch-lab/login", ltitest.Link{
		ClientID: classClient, Deployment: "1", Target: k.s.URL() + "/launch-lab/launch", User: user, Context: classCourse,
		ResourceLink: "block", Roles: []string{"http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"},
	}), "")
	cookie, _, _ := strings.Cut(login.Get("Set-Cookie"), ";")
	_, fields := fieldsOf(k.t, k.noRedirect(http.MethodGet, leadsTo(k.t, login), "").body)
	return knock{user: user, body: fields.Encode(), cookie: cookie}
}

// post sends the launch and gives the ticket of its page, and how long the answer took.
func (k *class) post(n knock) (ticket string, took time.Duration) {
	k.t.Helper()
	begun := time.Now()
	page := k.call(http.MethodPost, "/launch-lab/launch", formKind, n.body, "Cookie", n.cookie)
	took = time.Since(begun)
	found := ticketInPage.FindStringSubmatch(page.body)
	if page.code != http.StatusOK || found == nil {
		k.t.Errorf("launch of %s: %d\n%s", n.user, page.code, page.body)
		return "", took
	}
	return found[1], took
}

// atOnce posts all launches at the same moment. The times come sorted.
func (k *class) atOnce(list []knock) (tickets []string, times []time.Duration) {
	k.t.Helper()
	tickets, times = make([]string, len(list)), make([]time.Duration, len(list))
	var gate, done sync.WaitGroup
	gate.Add(1)
	for i, n := range list {
		done.Go(func() {
			gate.Wait()
			tickets[i], times[i] = k.post(n)
		})
	}
	gate.Done()
	done.Wait()
	if k.t.Failed() {
		k.t.FailNow()
	}
	slices.Sort(times)
	return tickets, times
}

// addresses follows every lab page until its lab is ready, a few at a time, and gives the labs' addresses.
func (k *class) addresses(tickets []string, patience time.Duration) []string {
	k.t.Helper()
	const few = 5
	list := make([]string, len(tickets))
	turn := make(chan int)
	var workers sync.WaitGroup
	for range few {
		workers.Go(func() {
			for i := range turn {
				list[i] = k.address(tickets[i], patience)
			}
		})
	}
	for i := range tickets {
		turn <- i
	}
	close(turn)
	workers.Wait()
	return list
}

// address follows one lab page.
func (k *class) address(ticket string, patience time.Duration) string {
	k.t.Helper()
	method, address, last := http.MethodGet, "/view-lab/status?look=events", ""
	for begun := time.Now(); time.Since(begun) < patience; {
		answer := k.call(method, address, "", "", "Authorization", "Bearer "+ticket)
		var v struct {
			State, Ticket string
			Access        []struct{ URL string }
			Next          *struct {
				Method, URL string
				AfterMS     int64 `json:"after_ms"`
			}
		}
		if last = answer.body; json.Unmarshal([]byte(last), &v) != nil {
			break
		}
		if v.State == "ready" && len(v.Access) == 1 {
			return v.Access[0].URL
		}
		if v.Ticket != "" {
			ticket = v.Ticket
		}
		pause := time.Second
		if v.Next != nil {
			method, address, pause = v.Next.Method, v.Next.URL, time.Duration(v.Next.AfterMS)*time.Millisecond
		}
		time.Sleep(min(pause, 2*time.Second))
	}
	k.t.Errorf("a lab is not ready: %s", last)
	return ""
}

// newcomers are learners whom nobody has seen before.
func newcomers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("learner-%02d-%s", i, rand.Text())
	}
	return list
}

// fifty lets fifty learners launch at once: everybody has a lab of their own, and comes back to it.
func (k *class) fifty(patience time.Duration) (times []time.Duration, tickets []string) {
	k.t.Helper()
	k.warm(patience)
	users := newcomers(50)
	tickets, times = k.atOnce(k.knocks(users))
	addresses := k.addresses(tickets, patience)
	whose := map[string]string{}
	for i, address := range addresses {
		if other, taken := whose[address]; taken {
			k.t.Errorf("%s and %s have one lab", users[i], other)
		}
		whose[address] = users[i]
	}
	// Back again, one by each version: to the same lab.
	back := k.knocks(users[:2])
	for i, n := range back {
		ticket, _ := k.post(n)
		if got := k.address(ticket, patience); got != addresses[i] {
			k.t.Errorf("%s came back to %s, had %s", users[i], got, addresses[i])
		}
	}
	k.refuses(tickets)
	return times, tickets
}

// warm has a token and the platform's key set in memory, as a process that runs has.
func (k *class) warm(patience time.Duration) {
	k.t.Helper()
	for _, n := range k.knocks(newcomers(2)) {
		ticket, _ := k.post(n)
		k.address(ticket, patience)
	}
}

// refuses shows every ticket that is not just as it was given, and asks to see a lab with it, to start and to end it.
func (k *class) refuses(tickets []string) {
	k.t.Helper()
	one, two := tickets[0], tickets[1]
	half := min(len(one), len(two)) / 2
	for name, ticket := range map[string]string{
		"none": "", "cut at the end": one[:len(one)-1], "cut in front": one[1:], "one's head on another's body": one[:half] + two[half:],
		"one byte longer": one + "A", "expired": k.forged(sealOfAnyone, -60*24*time.Hour), "another house's": k.forged(sealOfAnyone+"2", 0),
	} {
		for address, method := range map[string]string{"/view-lab/status": http.MethodGet, "/view-lab/start": http.MethodPost, "/view-lab/end": http.MethodPost} {
			if got := k.call(method, address, formKind, url.Values{"ticket": {ticket}}.Encode(), "Authorization", "Bearer "+ticket, "Accept", "application/json"); got.code != http.StatusUnauthorized {
				k.t.Errorf("%s with a ticket that is %s: %d %s", address, name, got.code, got.body)
			}
		}
	}
}

// forged is a ticket for a learner's lab, sealed with a key at another time.
func (k *class) forged(seal string, ago time.Duration) string {
	k.t.Helper()
	text := strings.Replace(k.config, sealOfAnyone, seal, 1) + "\npublic_url: " + k.s.URL() + "\n"
	c, err := config.Map(map[string]string{config.Variable: text}).Load()
	if err != nil {
		k.t.Fatal(err)
	}
	labs, err := keeper.New(c, nil, func() time.Time { return time.Now().Add(ago) })
	if err != nil {
		k.t.Fatal(err)
	}
	ticket, err := labs.Seal(labs.Ticket(lab.Identity{Tenant: "class", Context: classCourse, Lab: "tiny", Learner: "nobody"}))
	if err != nil {
		k.t.Fatal(err)
	}
	return ticket
}

// percentile of sorted times.
func percentile(times []time.Duration, p int) time.Duration {
	return times[min(len(times)-1, len(times)*p/100)].Round(time.Millisecond)
}

func TestFiftyLearnersAtOnce(t *testing.T) {
	t.Parallel()
	k := startClass(t, config.Map(nil), t.Output())
	times, _ := k.fifty(20 * time.Second)
	names := map[string]bool{}
	for _, s := range k.state().Stacks {
		names[s.Name] = true
	}
	if len(names) != 52 || len(k.state().Stacks) != 52 { // and the two that came before
		t.Errorf("52 learners have %d stacks with %d names", len(k.state().Stacks), len(names))
	}
	t.Logf("launches: p50 %s, p95 %s, longest %s", percentile(times, 50), percentile(times, 95), percentile(times, 100))
}
