package deploysite_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Row 7.1.7: what differs is told, and nothing is changed.
func TestRow7107DriftCheck(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.post(academy+"/check", "").want(t, http.StatusOK, "as_recorded")
	all, err := h.client().Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if strings.HasSuffix(s.Name, "-backend-1") || strings.HasSuffix(s.Name, "-app-0") {
			h.cloud.DeleteServer(s.ID)
		}
	}
	h.cloud.SetVolumeStatus(h.byPlace(academy, "")["mysql-2"], "error")
	h.calls()
	r := h.post(academy+"/check", "")
	r.want(t, http.StatusOK, "drifted")
	for _, what := range []string{"backend 1", "app 0", "volume mysql-2"} {
		if !strings.Contains(r.text, `"what":"`+what+`"`) {
			t.Errorf("%s is not named: %s", what, r.text)
		}
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
}

// Row 7.1.8 and 7.1.13: the page needs a link and no login, and shows why a node could not start.
func TestRow7108PageAndRow7025Logs(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.put(academy, spec())
	h.cloud.Advance(4 * time.Second)
	h.cloud.Signal(academy, "progress", map[string]any{
		"id": fmt.Sprintf("backend-1-%d", h.cloud.Now().UnixMilli()), "status": "FAILURE", "reason": "disk:31: mkfs exit 1",
		"data": map[string]any{"role": "backend", "index": 1, "step": "disk", "last": "line one\n<b>line two</b>"},
	})
	r := h.get(academy)
	if !strings.Contains(r.text, "disk:31: mkfs exit 1") {
		t.Fatalf("%s", r.text)
	}
	link := strings.TrimPrefix(r.str("page"), "https://hooks.example.org/deploy-site")
	page := h.send(http.MethodGet, link, "", "-", "")
	if page.status != http.StatusOK || !strings.Contains(page.text, "disk:31: mkfs exit 1") || !strings.Contains(page.text, "&lt;b&gt;line two") {
		t.Errorf("%d %s", page.status, page.text)
	}
	if page.header.Get("Refresh") == "" || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v", page.header)
	}
	lines := h.send(http.MethodGet, "/sites/academy", "", "Authorization", "Bearer "+ciToken, "Accept", "text/plain")
	if !strings.HasPrefix(lines.text, "academy ") || !strings.Contains(lines.text, "| line one") {
		t.Errorf("%s", lines.text)
	}
	h.send(http.MethodGet, strings.Replace(link, "/sites/academy/", "/sites/other/", 1), "", "-", "").want(t, http.StatusUnauthorized, "ticket")
	h.cloud.Advance(25 * time.Hour)
	h.send(http.MethodGet, link, "", "-", "").want(t, http.StatusUnauthorized, "ticket")
	if got := h.send(http.MethodGet, "/sites/academy", "", "X-Auth-Token", h.cloud.Token()); got.str("page") != "" {
		t.Error("a caller with rights of their own is given a link with ours")
	}
}

// Row 7.1.12: after a full stop the node with the most of the data goes on.
func TestRow7112Recover(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.nodesSay("join", map[int]int{0: 5, 1: 5, 2: 5})
	h.post(academy+"/recover", "").want(t, http.StatusConflict, "no_recovery")
	h.nodesSay("wait", map[int]int{0: 5, 1: 9, 2: 7})
	if r := h.get(academy); strings.Count(r.text, `"mode":"wait"`) != 3 {
		t.Errorf("%s", r.text)
	}
	h.post(academy+"/recover", "").want(t, http.StatusAccepted, "recovering")
	h.cloud.Settle()
	if p := h.parameters()["bootstrap"]; !strings.HasPrefix(p, "1:") || len(p) < 20 {
		t.Errorf("bootstrap is %q", p)
	}
	h.post(academy+"/recover?node=7", "").want(t, http.StatusUnprocessableEntity, "invalid")
}

// Row 7.1.13: the script's line, its exit code and its last lines come from the node's own handle.
func TestRow7113BootFailureWithReason(t *testing.T) {
	t.Parallel()
	h := start(t, openstacktest.SilentGuests())
	h.put(academy, spec())
	for range 100 {
		h.cloud.Advance(time.Second)
		if h.cloud.Signal(academy, "backend/node_1/handle", map[string]any{
			"id": "boot", "status": "FAILURE", "reason": "disk:31: mkfs exit 1", "data": map[string]any{"last": "line one\n<b>line two</b>"},
		}) {
			break
		}
	}
	h.cloud.Settle()
	r := h.get(academy)
	if r.str("state") != "failed" || !strings.Contains(r.text, `"node":"node_1","reason":"disk:31: mkfs exit 1","last":["line one",`) {
		t.Errorf("%s", r.text)
	}
	lines := h.send(http.MethodGet, "/sites/academy?follow=lines", "")
	if !strings.Contains(lines.text, "FAILED   node_1: disk:31: mkfs exit 1\n           | line one\n") {
		t.Errorf("%s", lines.text)
	}
}

// Row 7.1.14: the kind of load balancer is chosen with proof.
func TestRow7114LoadBalancerKindAndRow7011LBaaSv2(t *testing.T) {
	t.Parallel()
	lbaas := spec("load_balancer", `{"kind": "lbaasv2"}`)
	octavia := spec("load_balancer", `{"kind": "octavia"}`)
	for name, row := range map[string]struct {
		release openstacktest.Release
		old     bool // no Octavia in the catalog, but the extension
		without bool // nor that
		spec    string
		kind    string // empty: refused
		word    string
	}{
		"octavia":                     {openstacktest.Zed, false, false, spec(), "octavia", ""},
		"octavia asked":               {openstacktest.Zed, false, false, octavia, "octavia", ""},
		"lbaasv2 beside octavia":      {openstacktest.Zed, false, false, lbaas, "", "does not have that extension"},
		"lbaasv2":                     {openstacktest.Zed, true, false, spec(), "lbaasv2", ""},
		"lbaasv2 asked":               {openstacktest.Zed, true, false, lbaas, "lbaasv2", ""},
		"octavia asked, not had":      {openstacktest.Zed, true, false, octavia, "", "no load-balancer service"},
		"none at all":                 {openstacktest.Zed, true, true, spec(), "", "neither"},
		"hidden in 21":                {openstacktest.Bobcat, true, false, spec(), "lbaasv2", ""},
		"hidden in 21, asked for":     {openstacktest.Bobcat, true, false, lbaas, "lbaasv2", ""},
		"octavia of today":            {openstacktest.Epoxy, false, false, spec(), "octavia", ""},
		"empty shells":                {openstacktest.Epoxy, true, false, spec(), "", "makes nothing"},
		"empty shells, asked for":     {openstacktest.Epoxy, true, false, lbaas, "", "makes nothing"},
		"empty shells, no extension":  {openstacktest.Epoxy, true, true, lbaas, "", "makes nothing"},
		"empty shells beside octavia": {openstacktest.Epoxy, false, false, lbaas, "", "ask for that"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []openstacktest.Option{openstacktest.Of(row.release)}
			if row.old {
				options = append(options, openstacktest.NoOctavia())
			}
			h := start(t, options...)
			if row.without {
				h.cloud.SetExtension("lbaasv2", false)
			}
			r := h.put(academy, row.spec)
			if row.kind == "" {
				if !slices.Equal(r.faults(), []string{"load_balancer.kind"}) || !strings.Contains(r.text, row.word) || len(h.wrote()) > 0 {
					t.Errorf("%d %s", r.status, r.text)
				}
				return
			}
			r.want(t, http.StatusAccepted, "created")
			h.cloud.Settle()
			if p := h.parameters(); p["lb_kind"] != row.kind || h.get(academy).str("state") != "ready" || len(h.cloud.Members()) != 2 {
				t.Errorf("%s, %d members: %s", p["lb_kind"], len(h.cloud.Members()), h.get(academy).text)
			}
		})
	}
}
