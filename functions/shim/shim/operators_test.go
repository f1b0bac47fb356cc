package shim_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// office is an operator at the page, and the cloud behind it.
type office struct {
	caller

	fake *openstacktest.Cloud
}

func newOffice(t *testing.T) office {
	t.Helper()
	s := start(t)
	return office{caller{t, s}, s.Fake()}
}

// lab launches a learner's lab and waits until it is up; it gives the stack's name.
func (o office) lab(user string) string {
	o.t.Helper()
	before := map[string]bool{}
	for _, s := range o.fake.Stacks() {
		before[s.Name] = true
	}
	keys := o.s.Keys()
	launch := ltitest.New(o.s.URL()+"/launch-lab/launch", keys.ConsumerKey, keys.ConsumerSecret, user, time.Now())
	if page := o.call(http.MethodPost, launch.URL, "application/x-www-form-urlencoded", launch.Body()); page.code != http.StatusOK {
		o.t.Fatalf("launch: %d\n%s", page.code, page.body)
	}
	name := ""
	eventually(o.t, "a lab that is up", func() (string, bool) {
		for _, s := range o.fake.Stacks() {
			if !before[s.Name] {
				name = s.Name
				return s.State, s.State == "CREATE_COMPLETE"
			}
		}
		return "none", false
	})
	return name
}

// page is one of the operators' pages.
func (o office) page(path string) string {
	o.t.Helper()
	r := o.call(http.MethodGet, path, "", "")
	if r.code != http.StatusOK {
		o.t.Fatalf("GET %s: %d\n%s", path, r.code, r.body)
	}
	if strings.Contains(r.body, o.s.Keys().APIToken) {
		o.t.Errorf("GET %s shows the token", path)
	}
	if policy := r.Get("Content-Security-Policy"); strings.Contains(policy, "script-src") || !strings.Contains(policy, "default-src 'none'") {
		o.t.Errorf("GET %s has the policy %q", path, policy)
	}
	return r.body
}

// link is the address of an order for a lab, as its row has it; empty if the row has none.
func (o office) link(act, name string) string {
	o.t.Helper()
	found := regexp.MustCompile(`href="(/dev/labs/order/` + act + `\?ref=[^"]*` + name + `[^"]*)"`).FindStringSubmatch(o.page("/dev/labs"))
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// form are the hidden fields of a page.
func (o office) form(page string) url.Values {
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	return form
}

// send posts a form and follows to the page that tells what became of it.
func (o office) send(path string, form url.Values) string {
	o.t.Helper()
	r := o.call(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), "Sec-Fetch-Site", "same-origin")
	if r.code != http.StatusOK {
		o.t.Errorf("POST %s: %d\n%s", path, r.code, r.body)
	}
	return r.body
}

// order gives an order as the page does: the link, the question, the button. It gives what the labs' page then says.
func (o office) order(act, name string) (told string, form url.Values) {
	o.t.Helper()
	link := o.link(act, name)
	if link == "" {
		o.t.Fatalf("%s cannot be ordered for %s", act, name)
	}
	form = o.form(o.page(link))
	return notice(o.send("/dev/labs/order/"+act, form)), form
}

var noticed = regexp.MustCompile(`<p class="told"[^>]*role="(?:status|alert)">([^<]*)</p>`)

// notice is what a page tells about the order before it.
func notice(page string) string {
	found := noticed.FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

func (o office) stateOf(name string) string {
	s, _ := o.fake.Stack(name)
	return s.State
}

func TestOperatorsSeeAllLabs(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if page := o.page("/dev/labs"); !strings.Contains(page, "No labs") {
		t.Errorf("an empty cloud:\n%s", page)
	}
	one, two := o.lab("u1"), o.lab("u2")
	page := o.page("/dev/labs")
	for _, words := range []string{one, two, "<dt>Labs</dt><dd>2</dd>", "<dt>Labs up</dt><dd>2</dd>", "Lab-hours", "Lives until"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q:\n%s", words, page)
		}
	}
	for query, want := range map[string]bool{"lab=web": true, "lab=other": false, "state=ready": true, "state=suspended": false} {
		if got := strings.Contains(o.page("/dev/labs?"+query), one); got != want {
			t.Errorf("%s shows the lab: %t", query, got)
		}
	}
	if start := o.call(http.MethodGet, "/", "", ""); !strings.Contains(start.body, `href="/dev/labs"`) {
		t.Error("nothing leads from the developer's page to the labs")
	}
}

// TestOperatorsOrders: nothing is done before the button of the second page, and what is sent twice is done once.
func TestOperatorsOrders(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name := o.lab("u1")
	for _, act := range []string{"suspend", "extend", "end"} {
		o.page(o.link(act, name))
	}
	if o.link("undo", name) != "" {
		t.Error("a reset can be undone that never was")
	}
	before, _ := o.fake.Stack(name)
	if before.State != "CREATE_COMPLETE" {
		t.Fatalf("looking at the questions made it %s", before.State)
	}

	told, form := o.order("extend", name)
	if !strings.Contains(told, "done, it lives until") {
		t.Errorf("extend: %q", told)
	}
	eventually(t, "the end of the update", func() (string, bool) { return o.stateOf(name), o.stateOf(name) == "UPDATE_COMPLETE" })
	after, _ := o.fake.Stack(name)
	told = notice(o.send("/dev/labs/order/extend", form))
	again, _ := o.fake.Stack(name)
	if !strings.Contains(told, "so already") || strings.Join(again.Tags, " ") != strings.Join(after.Tags, " ") || strings.Join(before.Tags, " ") == strings.Join(after.Tags, " ") {
		t.Errorf("extended again by the same list: %q; %q, then %q, then %q", told, before.Tags, after.Tags, again.Tags)
	}

	link := o.link("suspend", name)
	form = o.form(o.page(link))
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { o.send("/dev/labs/order/suspend", form) })
	}
	both.Wait()
	eventually(t, "a lab that sleeps", func() (string, bool) { return o.stateOf(name), o.stateOf(name) == "SUSPEND_COMPLETE" })
	if told = notice(o.send("/dev/labs/order/suspend", form)); !strings.Contains(told, "so already") {
		t.Errorf("suspended again: %q", told)
	}
	if o.link("suspend", name) != "" {
		t.Error("a lab that sleeps can be suspended")
	}

	told, form = o.order("end", name)
	if !strings.Contains(told, "under way") {
		t.Errorf("end: %q", told)
	}
	eventually(t, "nothing left", func() (string, bool) { return o.stateOf(name), o.stateOf(name) == "" })
	if told = notice(o.send("/dev/labs/order/end", form)); !strings.Contains(told, "so already") {
		t.Errorf("ended again: %q", told)
	}
}

// TestOperatorsRounds: a dry run says what it would do and does nothing; the real one is asked about first.
func TestOperatorsRounds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name := o.lab("u1")
	for _, dry := range []string{"tend-dry", "doctor-dry"} {
		if page := o.send("/dev/labs/round/"+dry, nil); !strings.Contains(page, "What would be changed") {
			t.Errorf("%s:\n%s", dry, page)
		}
	}
	for _, earnest := range []string{"tend", "doctor"} {
		if page := o.page("/dev/labs/round/" + earnest); !strings.Contains(page, "do nothing") {
			t.Errorf("%s is not asked about:\n%s", earnest, page)
		}
		if page := o.send("/dev/labs/round/"+earnest, nil); !strings.Contains(page, "<dt>Labs of learners</dt><dd>1</dd>") || strings.Contains(page, "What would be changed") {
			t.Errorf("%s:\n%s", earnest, page)
		}
	}
	if o.stateOf(name) != "CREATE_COMPLETE" {
		t.Errorf("a lab in use is %s", o.stateOf(name))
	}
}

// TestOperatorsUndo goes back behind a learner's reset.
func TestOperatorsUndo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.lab("u1")
	keys := o.s.Keys()
	launch := ltitest.New(o.s.URL()+"/launch-lab/launch", keys.ConsumerKey, keys.ConsumerSecret, "u1", time.Now())
	ticket := ticketInPage.FindStringSubmatch(o.call(http.MethodPost, launch.URL, "application/x-www-form-urlencoded", launch.Body()).body)
	if ticket == nil {
		t.Fatal("the lab page has no ticket")
	}
	if r := o.call(http.MethodPost, "/view-lab/reset", "", "", "Authorization", "Bearer "+ticket[1]); r.code >= http.StatusBadRequest {
		t.Fatalf("reset: %d\n%s", r.code, r.body)
	}
	second := first + "-1"
	eventually(t, "the lab after the reset", func() (string, bool) { return o.stateOf(second), o.stateOf(second) == "CREATE_COMPLETE" })
	if page := o.page("/dev/labs"); !strings.Contains(page, "after 1 reset") {
		t.Errorf("the page does not show the reset:\n%s", page)
	}
	if told, _ := o.order("undo", second); !strings.Contains(told, "under way") {
		t.Errorf("undo: %q", told)
	}
	eventually(t, "the lab before the reset alone", func() (string, bool) { return o.stateOf(second), o.stateOf(second) == "" })
	if o.stateOf(first) != "CREATE_COMPLETE" {
		t.Errorf("the lab before the reset is %s", o.stateOf(first))
	}
}

// TestOperatorsReadyMade: tending makes labs ready, the page shows them as nobody's, and a learner is given one at once.
func TestOperatorsReadyMade(t *testing.T) {
	t.Parallel()
	_, text, _ := run(nil, "-new-config")
	text = strings.Replace(text, "    title: Web server basics\n", "    title: Web server basics\n    warm: 2\n", 1)
	s, err := shim.Start(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text}), Listen: "127.0.0.1:0", Fake: quick()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := office{caller{t, s}, s.Fake()}
	if page := o.send("/dev/labs/round/tend", nil); !strings.Contains(page, "<dt>build ready</dt><dd>2</dd>") {
		t.Errorf("tending:\n%s", page)
	}
	eventually(t, "two labs that are ready", func() (string, bool) {
		page := o.page("/dev/labs?state=ready")
		return page, strings.Contains(page, "<dt>Ready-made, nobody’s</dt><dd>2</dd>")
	})
	keys := s.Keys()
	launch := ltitest.New(s.URL()+"/launch-lab/launch", keys.ConsumerKey, keys.ConsumerSecret, "u1", time.Now())
	if page := o.call(http.MethodPost, launch.URL, "application/x-www-form-urlencoded", launch.Body()); page.code != http.StatusOK || !strings.Contains(page.body, `data-state="ready"`) {
		t.Errorf("a launch with labs at hand: %d\n%s", page.code, page.body)
	}
	page := o.page("/dev/labs")
	if !strings.Contains(page, "<dt>Ready-made, nobody’s</dt><dd>1</dd>") || len(o.fake.Stacks()) != 2 {
		t.Errorf("after the launch:\n%s", page)
	}
	for _, lab := range o.fake.Stacks() {
		if strings.Contains(strings.Join(lab.Tags, " "), "warm=web") {
			if told, _ := o.order("end", lab.Name); !strings.Contains(told, "under way") {
				t.Errorf("remove a ready-made lab: %q", told)
			}
		}
	}
}

// TestOperatorsPageIsGuarded: other sites, other names, and what nobody can have sent from the page.
func TestOperatorsPageIsGuarded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name := o.lab("u1")
	link := o.link("end", name)
	form := o.form(o.page(link))
	for _, row := range []struct {
		name, method, path, body, site, host string
		want                                 int
	}{
		{"another site's order", http.MethodPost, "/dev/labs/order/end", form.Encode(), "cross-site", "", 403},
		{"another site's round", http.MethodPost, "/dev/labs/round/tend", "", "cross-site", "", 403},
		{"a name that points here", http.MethodGet, "/dev/labs", "", "", "evil.example.org", 421},
		{"an order by reading", http.MethodGet, "/dev/labs/order/end", "", "", "", 404},
		{"an order without a lab", http.MethodPost, "/dev/labs/order/end", "", "same-origin", "", 404},
		{"an order that there is not", http.MethodPost, "/dev/labs/order/reset", form.Encode(), "same-origin", "", 404},
		{"a question that there is not", http.MethodGet, "/dev/labs/order/reset?ref=a:b:c", "", "", "", 404},
		{"a round that there is not", http.MethodPost, "/dev/labs/round/heal", "", "same-origin", "", 404},
		{"a question about it", http.MethodGet, "/dev/labs/round/heal", "", "", "", 404},
		{"a report that there is not", http.MethodGet, "/dev/labs/report/AAAA", "", "", "", 404},
	} {
		headers := []string{}
		if row.site != "" {
			headers = append(headers, "Sec-Fetch-Site", row.site)
		}
		if row.host != "" {
			headers = append(headers, "Host", row.host)
		}
		if r := o.call(row.method, row.path, "application/x-www-form-urlencoded", row.body, headers...); r.code != row.want {
			t.Errorf("%s: %d, want %d: %.200s", row.name, r.code, row.want, r.body)
		}
	}
	if o.stateOf(name) != "CREATE_COMPLETE" {
		t.Errorf("the lab is %s", o.stateOf(name))
	}
	wrong := url.Values{"ref": {`"><script>:` + name + `:x`}}
	if page := o.send("/dev/labs/order/end", wrong); !strings.Contains(page, "no such lab") || strings.Contains(page, "<script>") {
		t.Errorf("an order for nothing:\n%s", page)
	}
	if page := o.page("/dev/labs?told=%3Cb%3Ehunter2"); notice(page) != "" || strings.Contains(page, "hunter2") {
		t.Errorf("a link makes the page say something:\n%s", page)
	}
}

// TestOperatorsNeedAToken: without one in the configuration the page says what is missing, and where others can reach the shim
// there is no page.
func TestOperatorsNeedAToken(t *testing.T) {
	t.Parallel()
	_, text, _ := run(nil, "-new-config")
	text = strings.ReplaceAll(text, "may: [sites, clusters, labs, metrics]", "may: [sites, clusters]")
	s, err := shim.Start(t.Context(), shim.Options{Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text}), Listen: "127.0.0.1:0", Fake: quick()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := office{caller{t, s}, s.Fake()}
	if page := o.page("/dev/labs"); !strings.Contains(notice(page), "may: [labs]") {
		t.Errorf("the page says %q", notice(page))
	}
	other, err := shim.New(t.Context(), shim.Options{
		Source: config.Map(map[string]string{"STACKHOOK_CONFIG": text + "\npublic_url: https://hooks.example.org\n"}), Listen: "0.0.0.0:0", Fake: quick(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, path := range []string{"/dev/labs", "/dev/labs/round/tend", "/dev/labs/order/end"} {
		if r := serve(other, http.MethodGet, path, nil); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, r.Code)
		}
	}
}
