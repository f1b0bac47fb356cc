//go:build integration && compare

package shim_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/shim/shim"
	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// The comparison of scripts/bench-sites. It asserts nothing but that each contender makes the site; what it prints is for people.

// poll is how often each contender asks how far the site is: what `openstack stack create --wait` does.
const poll = 5 * time.Second

// patienceOfSites is how long a site may take on a machine that is at work.
const patienceOfSites = 20 * time.Minute

// maker is one way to make a site of site.yaml, and to say the same again.
type maker struct {
	Name string `json:"name"`
	// Lines of configuration that a user writes for one site, without comments and empty ones.
	Lines int `json:"lines"`
	// make asks for the site and waits until it is ready; again asks for the same once more, and says what became of it.
	make  func(site string)
	again func(site string) string
	meter *meter

	Made    []effort `json:"made"`
	Remade  []effort `json:"remade"`
	Outcome string   `json:"outcome"` // of the second request
}

// effort is what one request, with the waiting that belongs to it, took.
type effort struct {
	Seconds float64        `json:"seconds"`
	Calls   int            `json:"calls"`
	By      map[string]int `json:"by"`   // calls by service and method
	Load    float64        `json:"load"` // of the machine when it began, one minute's mean
}

// TestCompareSites is run by scripts/bench-sites.
func TestCompareSites(t *testing.T) {
	rounds := 3
	if text := os.Getenv("ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	_, cloud := realCloud(t)
	makers := []*maker{deploySite(t), heatClient(t)}
	for n := range rounds { // in turn, so that all see the same load of the machine
		for _, m := range makers {
			t.Run(fmt.Sprintf("%s %d", m.Name, n+1), func(t *testing.T) { m.round(t, cloud) })
		}
	}
	fmt.Printf("\n%d rounds in turn, load %s. Median (worst).\n\n| one site by | lines written | ready after | requests | the same again | requests | which |\n"+
		"| --- | --- | --- | --- | --- | --- | --- |\n", rounds, loads(makers))
	for _, m := range makers {
		fmt.Printf("| %s | %d | %s | %s | %s | %s | %s |\n", m.Name, m.Lines, spread(m.Made, seconds), spread(m.Made, calls), spread(m.Remade, seconds), spread(m.Remade, calls), m.Outcome)
	}
	text, err := json.Marshal(makers)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s\n", text)
}

// round makes a site, asks for the same again, and takes it away.
func (m *maker) round(t *testing.T, cloud *openstack.Cloud) {
	t.Helper()
	name := "bench-" + strings.ToLower(rand.Text()[:8])
	t.Cleanup(func() { removeSite(t, cloud, name) })
	guests(t, cloud, name)
	m.Made = append(m.Made, m.meter.measure(func() { m.make(name) }))
	stack, err := cloud.FindStack(t.Context(), name)
	if err != nil || stack.Status != "COMPLETE" {
		t.Fatalf("%s: stack %s is %s: %v", m.Name, name, stack.State(), err)
	}
	m.Remade = append(m.Remade, m.meter.measure(func() { m.Outcome = m.again(name) }))
	t.Logf("%s: %+v, then %s: %+v", m.Name, m.Made[len(m.Made)-1], m.Outcome, m.Remade[len(m.Remade)-1])
}

// deploySite is a PUT, and a GET now and then until it says ready.
func deploySite(t *testing.T) *maker {
	t.Helper()
	m, src := newMeter(t)
	s, err := shim.Start(t.Context(), shim.Options{Source: src, Listen: "127.0.0.1:0", Log: lines{loggingtest.Catch(t)}})
	if err != nil {
		t.Fatalf("start the shim: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	spec := benchFile(t, "site.yaml")
	c, token := caller{t, s}, "Bearer "+s.Keys().APIToken
	ask := func(method, site, body string) realSite {
		reply := c.call(method, "/deploy-site/sites/"+site, "application/yaml", body, "Authorization", token)
		var out realSite
		reply.decode(t, &out)
		if reply.code >= 300 {
			t.Fatalf("%s: %d %s", method, reply.code, reply.body)
		}
		return out
	}
	return &maker{
		Name: "deploy-site", Lines: linesIn(spec), meter: m,
		make: func(site string) {
			ask(http.MethodPut, site, spec)
			for begun := time.Now(); time.Since(begun) < patienceOfSites; time.Sleep(poll) {
				if state := ask(http.MethodGet, site, "").State; state == "ready" || state == "failed" {
					return
				}
			}
		},
		again: func(site string) string { return ask(http.MethodPut, site, spec).Code },
	}
}

// heatClient is Heat's command with --wait, given our template and an environment.
func heatClient(t *testing.T) *maker {
	t.Helper()
	m, src := newMeter(t)
	written := filepath.Join("testdata", "bench-sites", "environment.sh")
	environment := filepath.Join(t.TempDir(), "environment.yaml")
	text, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", written).Output()
	if err != nil {
		t.Fatalf("%s: %v", written, err)
	}
	if err := os.WriteFile(environment, text, 0o600); err != nil {
		t.Fatal(err)
	}
	template := bareTemplate(t)
	run := func(verb, site string) string {
		cmd := exec.CommandContext(t.Context(), "openstack", "stack", verb, "--wait", "-f", "value", "-c", "stack_status",
			"-t", template, "-e", environment, "--tags", "stackhook,site", site)
		cmd.Env = append(os.Environ(), "OS_CLIENT_CONFIG_FILE="+src.Getenv("OS_CLIENT_CONFIG_FILE"))
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("stack %s %s: %v: %s", verb, site, err, errs.String())
		}
		said := strings.Fields(string(out))
		return said[len(said)-1]
	}
	return &maker{
		Name: "openstack stack create --wait", Lines: linesIn(benchFile(t, "environment.sh")), meter: m,
		make:  func(site string) { run("create", site) },
		again: func(site string) string { return run("update", site) },
	}
}

// bareTemplate is our template with all it refers to in a folder, as deploy-site sends it: with the comments of its boot files
// a machine is given more than Nova takes (heat-templates/README.md).
func bareTemplate(t *testing.T) string {
	t.Helper()
	template, err := heattemplates.Load("site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range template.Files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	top := filepath.Join(folder, "site.yaml")
	if err := os.WriteFile(top, []byte(template.Text), 0o600); err != nil {
		t.Fatal(err)
	}
	return top
}

func benchFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bench-sites", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func linesIn(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

func seconds(e effort) string { return fmt.Sprintf("%.1f s", e.Seconds) }

func calls(e effort) string { return strconv.Itoa(e.Calls) }

// spread is the median and the worst, by time or by requests as print shows them.
func spread(list []effort, show func(effort) string) string {
	if len(list) == 0 {
		return "none"
	}
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b effort) int {
		if show(a) == seconds(a) {
			return int(1000 * (a.Seconds - b.Seconds))
		}
		return a.Calls - b.Calls
	})
	return show(sorted[len(sorted)/2]) + " (" + show(sorted[len(sorted)-1]) + ")"
}

func loads(makers []*maker) string {
	var list []float64
	for _, m := range makers {
		for _, e := range m.Made {
			list = append(list, e.Load)
		}
	}
	if len(list) == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f to %.1f", slices.Min(list), slices.Max(list))
}
