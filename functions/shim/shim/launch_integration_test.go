//go:build integration

package shim_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// pythonLaunches are launches of one learner signed by python3-lti, each with a nonce of its own.
func pythonLaunches(c caller, user string, count int) []string {
	c.t.Helper()
	keys := c.s.Keys()
	question, err := json.Marshal(map[string]any{
		"url": c.s.URL() + "/launch-lab/launch", "key": keys.ConsumerKey, "secret": keys.ConsumerSecret, "count": count,
		"params": map[string]string{
			"resource_link_id": "block-v1:Academy+Web101+2026+type@lti_consumer+block@8f2c", "context_id": "course-v1:Academy+Web101+2026",
			"user_id": user, "roles": "Student,Learner", "lis_person_name_full": "Ünïcode + Ada & Söhne", "custom_lab": keys.Lab,
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	// Debian's own Python: it is the one that has the package.
	python := exec.CommandContext(c.t.Context(), "/usr/bin/python3", "testdata/launch.py")
	python.Stdin = bytes.NewReader(question)
	var complaint bytes.Buffer
	python.Stderr = &complaint
	out, err := python.Output()
	if err != nil {
		c.t.Fatalf("sign with python3-lti (apt install python3-lti): %v\n%s", err, complaint.String())
	}
	var bodies []string
	if err := json.Unmarshal(out, &bodies); err != nil || len(bodies) != count {
		c.t.Fatalf("python3-lti gave %d launches, %v: %s", len(bodies), err, out)
	}
	return bodies
}

// opened is the ticket of the lab page that a launch must be answered with.
func opened(c caller, body string) string {
	c.t.Helper()
	page := c.call(http.MethodPost, "/launch-lab/launch", "application/x-www-form-urlencoded", body)
	found := ticketInPage.FindStringSubmatch(page.body)
	if page.code != http.StatusOK || found == nil {
		c.t.Fatalf("launch: %d\n%s", page.code, page.body)
	}
	return found[1]
}

// labStatus is what the story reads of a status.
type labStatus struct {
	State, Ticket string
	Percent       int
	Steps         []struct{ Key, State string }
	Access        []struct{ Kind, URL string }
	Next          *struct{ Method, URL string }
}

// toReady follows a lab page to its end and says what it saw on the way. Every status must be one call, but for one that settles
// which stack counts: Heat may let two creates at one time through.
func toReady(c caller, log lines, ticket string) (last labStatus, percents []int) {
	c.t.Helper()
	method, address := http.MethodGet, "/view-lab/status?look=events"
	settling := []string{"heat GET /stacks", "heat GET /stacks/{}/{}"}
	until(c.t, "the lab is ready", 2*time.Minute, func() (string, bool) {
		mark := log.size()
		answer := c.call(method, address, "", "", "Authorization", "Bearer "+ticket)
		if answer.code != http.StatusOK {
			return answer.body, false // the cloud was busy: the page asks again
		}
		last = labStatus{}
		answer.decode(c.t, &last)
		calls := heatCalls(log.since(mark), "view-lab")
		switch {
		case method != http.MethodGet || len(calls) == 1:
		case slices.Equal(calls, settling):
			settling = nil // once
		default:
			c.t.Errorf("a status made %d calls: %q", len(calls), calls)
		}
		if last.Ticket != "" {
			ticket = last.Ticket
		}
		if last.State == "failed" || last.State == "gone" {
			c.t.Fatalf("the lab is %s: %s", last.State, answer.body)
		}
		percents = append(percents, last.Percent)
		if last.Next != nil {
			method, address = last.Next.Method, last.Next.URL
		}
		return answer.body, last.State == "ready"
	})
	return last, slices.Compact(percents)
}

func (l lines) size() int { return len(l.String()) }

func (l lines) since(mark int) string { return l.String()[mark:] }

// heatCalls are the names of the calls to Heat that a function's requests in these log lines made. The line of a request
// may come after its answer.
func heatCalls(log, function string) []string {
	var calls []string
	for line := range strings.Lines(log) {
		v := decodeLine(line)
		if v["function"] != function {
			continue
		}
		called, _ := v["called"].([]any)
		for _, name := range called {
			if text, _ := name.(string); strings.HasPrefix(text, "heat ") {
				calls = append(calls, text)
			}
		}
	}
	return calls
}

// launchCalls are the calls of the n launches since mark.
func launchCalls(t *testing.T, log lines, mark, n int) []string {
	t.Helper()
	until(t, "the launches are logged", 10*time.Second, func() (string, bool) {
		text := log.since(mark)
		return text, strings.Count(text, `"path":"/launch"`) >= n
	})
	return heatCalls(toTheEnd(log.since(mark)), "launch-lab")
}

// toTheEnd is a log without what launches had done by the time of their answers, where they went on and told all of it then.
func toTheEnd(log string) string {
	wentOn := func(line string) bool { return strings.Contains(line, "launch went on after its answer") }
	late := map[any]bool{}
	for line := range strings.Lines(log) {
		if wentOn(line) {
			late[decodeLine(line)["request_id"]] = true
		}
	}
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if wentOn(line) || !late[decodeLine(line)["request_id"]] {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// stackOf is the stack that the launches in these log lines were about.
func stackOf(t *testing.T, log string) string {
	t.Helper()
	for line := range strings.Lines(log) {
		if name, _ := decodeLine(line)["stack"].(string); name != "" {
			return name
		}
	}
	t.Fatalf("the log names no stack:\n%s", log)
	return ""
}

func countStacks(t *testing.T, cloud *openstack.Cloud, name string) int {
	t.Helper()
	n := 0
	for s, err := range cloud.Stacks(t.Context(), "stackhook") {
		if err != nil {
			t.Fatal(err)
		}
		if s.Name == name {
			n++
		}
	}
	return n
}

func count(calls []string, name string) int {
	n := 0
	for _, call := range calls {
		if call == name {
			n++
		}
	}
	return n
}

const (
	heatList   = "heat GET /stacks"
	heatCreate = "heat POST /stacks"
	heatAct    = "heat POST /stacks/{}/{}/actions"
)

// TestRealLaunch is one lab's life on a real cloud, launched by somebody else's LTI consumer.
func TestRealLaunch(t *testing.T) {
	c, cloud, log := onRealCloud(t)
	user := "launch-" + rand.Text()
	ticket := opened(c, pythonLaunches(c, user, 1)[0])
	calls := launchCalls(t, log, 0, 1)
	name := stackOf(t, log.since(0))
	t.Cleanup(func() { removeStack(t, cloud, name) })
	// A cloud that is busy with something else may not have taken the create by the time of the answer.
	if want := []string{heatList, heatCreate}; len(calls) == 0 || len(calls) > 2 || !slices.Equal(calls, want[:len(calls)]) {
		t.Errorf("the first launch made %q", calls)
	}
	t.Run("to ready", func(t *testing.T) {
		status, percents := toReady(caller{t, c.s}, log, ticket)
		if len(status.Access) == 0 || !strings.HasPrefix(status.Access[0].URL, "http://") || status.Percent != 100 {
			t.Errorf("ready with %+v", status)
		}
		if !slices.IsSorted(percents) || len(percents) < 3 {
			t.Errorf("percentages %v", percents)
		}
		if s, err := cloud.FindStack(t.Context(), name); err != nil || s.State() != "CREATE_COMPLETE" {
			t.Errorf("stack is %s, %v", s.State(), err)
		}
	})
	t.Run("again adopts", func(t *testing.T) {
		mark := log.size()
		opened(caller{t, c.s}, pythonLaunches(c, user, 1)[0])
		calls := launchCalls(t, log, mark, 1)
		if len(calls) > 2 || count(calls, heatCreate) != 0 || countStacks(t, cloud, name) != 1 {
			t.Errorf("calls %q, %d stacks", calls, countStacks(t, cloud, name))
		}
	})
	t.Run("asleep wakes up", func(t *testing.T) { wakesUp(caller{t, c.s}, cloud, log, user, name) })
	quietLog(t, c, log)
}

// wakesUp puts the lab to sleep and launches it again, eight times at once: acting twice or in the wrong state would leave
// the stack RESUME_FAILED, which nothing but a delete ends.
func wakesUp(c caller, cloud *openstack.Cloud, log lines, user, name string) {
	t := c.t
	s, err := cloud.FindStack(t.Context(), name)
	if err == nil {
		err = cloud.Act(t.Context(), s.StackRef, openstack.Suspend)
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the lab sleeps", time.Minute, func() (string, bool) {
		s, err := cloud.FindStack(t.Context(), name)
		return s.State(), err == nil && s.State() == "SUSPEND_COMPLETE"
	})
	mark := log.size()
	tickets := allAtOnce(c, pythonLaunches(c, user, 8))
	if calls := launchCalls(t, log, mark, 8); count(calls, heatAct) == 0 || count(calls, heatCreate) != 0 {
		t.Errorf("calls %q", calls)
	}
	toReady(c, log, tickets[0])
	if s, err := cloud.FindStack(t.Context(), name); err != nil || s.State() != "RESUME_COMPLETE" {
		t.Errorf("stack is %s, %v", s.State(), err)
	}
}

// allAtOnce sends all launches at the same time and gives back the tickets of their pages.
func allAtOnce(c caller, bodies []string) []string {
	c.t.Helper()
	tickets := make([]string, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() {
			page := c.call(http.MethodPost, "/launch-lab/launch", "application/x-www-form-urlencoded", body)
			found := ticketInPage.FindStringSubmatch(page.body)
			if page.code != http.StatusOK || found == nil {
				c.t.Errorf("launch %d: %d\n%s", i, page.code, page.body)
				return
			}
			tickets[i] = found[1]
		})
	}
	wg.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
	return tickets
}

// TestRealParallelLaunches: twenty launches of one learner at once are one stack, twenty good answers and no delete.
func TestRealParallelLaunches(t *testing.T) {
	c, cloud, log := onRealCloud(t)
	// Another learner first: logging in would put the twenty in a row.
	opened(c, pythonLaunches(c, "first-"+rand.Text(), 1)[0])
	launchCalls(t, log, 0, 1)
	first := stackOf(t, log.since(0))
	t.Cleanup(func() { removeStack(t, cloud, first) })
	mark := log.size()
	bodies := pythonLaunches(c, "parallel-"+rand.Text(), 20)
	begun := time.Now()
	tickets := allAtOnce(c, bodies)
	t.Logf("20 launches in %s", time.Since(begun).Round(time.Millisecond))
	calls := launchCalls(t, log, mark, 20)
	name := stackOf(t, log.since(mark))
	t.Cleanup(func() { removeStack(t, cloud, name) })
	t.Logf("%d creates tried, %d calls in all by the time of the answers", count(calls, heatCreate), len(calls))
	// Each of them goes on to the one lab, whatever it was told first.
	for _, ticket := range []string{tickets[0], tickets[len(tickets)-1]} {
		toReady(c, log, ticket)
	}
	if n := countStacks(t, cloud, name); n != 1 {
		t.Errorf("%d stacks, want 1", n)
	}
	quietLog(t, c, log)
}

// TestRealTwoInstances: two processes that know nothing of each other launch one learner's lab at the same moment. Heat may
// keep two stacks of the name then (see openstack.Cloud.Settle); both pages must lead to the same one.
func TestRealTwoInstances(t *testing.T) {
	one, cloud, log := onRealCloud(t)
	two, _, otherLog := onRealCloud(t)
	// Log in before, so that the creates meet.
	for _, c := range []caller{one, two} {
		c.call(http.MethodGet, "/view-lab/status", "", "")
	}
	user := "instances-" + rand.Text()
	bodies := map[*caller]string{&one: pythonLaunches(one, user, 1)[0], &two: pythonLaunches(two, user, 1)[0]}
	tickets := map[*caller]string{}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for c, body := range bodies {
		wg.Go(func() {
			ticket := allAtOnce(*c, []string{body})[0]
			mu.Lock()
			defer mu.Unlock()
			tickets[c] = ticket
		})
	}
	wg.Wait()
	launchCalls(t, log, 0, 1)
	name := stackOf(t, log.since(0))
	first, _ := toReady(one, log, tickets[&one])
	second, _ := toReady(two, otherLog, tickets[&two])
	kept := countStacks(t, cloud, name)
	for range kept {
		t.Cleanup(func() { removeStack(t, cloud, name) })
	}
	t.Logf("Heat keeps %d", kept)
	if len(first.Access) == 0 || len(second.Access) == 0 || first.Access[0].URL != second.Access[0].URL {
		t.Errorf("two ways in: %+v and %+v", first.Access, second.Access)
	}
}

// quietLog checks that no request deleted anything and that no secret was logged.
func quietLog(t *testing.T, c caller, log lines) {
	t.Helper()
	text := log.since(0)
	for _, function := range []string{"launch-lab", "view-lab"} {
		for _, call := range heatCalls(text, function) {
			if strings.Contains(call, "DELETE") {
				t.Errorf("%s did %s", function, call)
			}
		}
	}
	for _, hidden := range []string{c.s.Keys().ConsumerSecret, c.s.Keys().APIToken, "oauth_signature=", "Ünïcode"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}
