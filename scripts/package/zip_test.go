package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/serve/servetest"
)

const (
	golden   = "../../shared/serve/testdata/events/"
	public   = "http://127.0.0.1:8080"
	secret   = "hunter2-hunter2-hunter2-hunter2-"
	settings = `public_url: ` + public + `
naming_key: ` + secret + `
seal_keys: [{id: one, secret: ` + secret + `}]
lti: {consumers: [{key: academy, secret: ` + secret + `, labs: [web]}]}
labs: {web: {title: Web, template: labs/web.yaml, access: [{kind: url, output: lab_url, title: Open}]}}
`
)

// The zip's own program answers each sender's event of a launch, a good one and a forged one, as it does over HTTP.
func TestZipAnswersLaunches(t *testing.T) {
	t.Parallel()
	program := unzipped(t)
	cloud := openstacktest.Start(t, openstacktest.StartAt(time.Now()))
	web := overHTTP(t, program, cloud)
	api, err := servetest.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start(t, program, cloud, "AWS_LAMBDA_RUNTIME_API="+api.Address)

	web(newLaunch().Body()) // all later ones find the lab
	for _, form := range []string{"api-gateway-v1", "api-gateway-v2", "function-url", "load-balancer", "load-balancer-multi-value"} {
		for name, change := range map[string]func(ltitest.Launch) ltitest.Launch{
			"good":   func(l ltitest.Launch) ltitest.Launch { return l },
			"forged": func(l ltitest.Launch) ltitest.Launch { return l.With("oauth_consumer_key", "nobody") },
		} {
			launch := func() string { return change(newLaunch()).Body() }
			want := web(launch())
			text, err := api.Invoke(t.Context(), launchEvent(t, form, launch()))
			if err != nil {
				t.Fatalf("%s, %s: %v", form, name, err)
			}
			if got := answerOf(t, text); got != want {
				t.Errorf("%s, %s: on Lambda %d %s, over HTTP %d %s:\n%s", form, name, got.status, got.kind, want.status, want.kind, difference(got.body, want.body))
			}
			if (want.status == http.StatusOK) != (name == "good") {
				t.Errorf("%s launch: %d", name, want.status)
			}
		}
	}
	if stacks := cloud.Stacks(); len(stacks) != 1 {
		t.Errorf("%d stacks, want 1", len(stacks))
	}
}

func newLaunch() ltitest.Launch {
	return ltitest.New(public+"/launch-lab/launch", "academy", secret, "u1", time.Now())
}

// start runs the program until the test ends and gives its process id.
func start(t *testing.T, program string, cloud *openstacktest.Cloud, env ...string) (pid int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append([]string{"STACKHOOK_CONFIG=" + settings}, env...)
	for name, value := range cloud.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context, which ends first, kills it
	return cmd.Process.Pid
}

// overHTTP runs the program on a port and gives what posts a form to it.
func overHTTP(t *testing.T, program string, cloud *openstacktest.Cloud) func(form string) answer {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	start(t, program, cloud, "PORT="+port)
	client := &http.Client{Timeout: time.Minute}
	base := "http://127.0.0.1:" + port
	untilUp(t, client, base)
	return func(form string) answer {
		response, err := client.Post(base+"/launch", "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return newAnswer(response.StatusCode, response.Header.Get("Content-Type"), string(body))
	}
}

// untilUp waits for the program at base to answer.
func untilUp(t *testing.T, client *http.Client, base string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if response, err := client.Get(base + "/healthz"); err == nil {
			response.Body.Close()
			return
		}
	}
	t.Fatalf("the program at %s does not answer", base)
}

// launchEvent is a sender's golden event with another form in it and no query: launches have none.
func launchEvent(t *testing.T, sender, form string) []byte {
	t.Helper()
	text, err := os.ReadFile(golden + sender + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(form)), true
	for name := range event {
		if strings.Contains(strings.ToLower(name), "query") {
			delete(event, name)
		}
	}
	text, err = json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// answer is what a browser gets, without what is fresh in each.
type answer struct {
	status     int
	kind, body string
}

// fresh is what no two answers share: nonces, tickets, request ids, and the lab's end, which every launch moves on.
var fresh = regexp.MustCompile(`<time id="expires".*?</time>|nonce="[^"]*"|(?s)<script type="application/json".*?</script>|name="ticket" value="[^"]*"|<code id="reference">[^<]*</code>`)

func newAnswer(status int, kind, body string) answer {
	return answer{status, kind, fresh.ReplaceAllString(body, "")}
}

// difference is the first line in which two pages differ.
func difference(got, want string) string {
	theirs := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(theirs) || line != theirs[i] {
			return line
		}
	}
	return "the page ends early"
}

func answerOf(t *testing.T, text []byte) answer {
	t.Helper()
	var reply struct {
		StatusCode        int
		Headers           map[string]string
		MultiValueHeaders map[string][]string
		Body              string
		IsBase64Encoded   bool
	}
	if err := json.Unmarshal(text, &reply); err != nil || reply.IsBase64Encoded {
		t.Fatalf("reply %s: %v", text, err)
	}
	kind := reply.Headers["Content-Type"]
	if values := reply.MultiValueHeaders["Content-Type"]; len(values) > 0 {
		kind = values[0]
	}
	return newAnswer(reply.StatusCode, kind, reply.Body)
}
