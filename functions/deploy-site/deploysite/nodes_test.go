package deploysite_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Row 7.0.7: application nodes are as many as one says, from one to the site's own upper bound.
func TestRow7007NodesFromOneToMax(t *testing.T) {
	t.Parallel()
	h := start(t)
	nodes := func(n, most int) string {
		return spec("app", fmt.Sprintf(`{"nodes": %d, "min": 1, "max": %d}`, n, most))
	}
	h.ready(academy, nodes(1, 7))
	for _, n := range []int{7, 1} {
		h.put(academy, nodes(n, 7)).want(t, http.StatusAccepted, "changed")
		h.cloud.Settle()
		if got := len(h.cloud.Members()); got != n {
			t.Errorf("%d members, want %d", got, n)
		}
	}
	for _, wrong := range []string{nodes(8, 7), nodes(0, 7), nodes(1, 201)} {
		if r := h.put(academy, wrong); r.status != http.StatusUnprocessableEntity || !strings.Contains(fmt.Sprint(r.faults()), "app.") {
			t.Errorf("%s: %s", wrong, r.text)
		}
	}
}

// Rows 7.0.8 and 7.0.12: scaling makes and takes whole nodes, each with its member of the pool, and touches no other.
func TestRow7008ScaleTouchesNoOtherNodeAndRow7012PoolFollows(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	servers, volumes := h.servers(), h.volumesOf(academy)
	h.scaleTo(4)
	grown := h.servers()
	for _, id := range servers {
		if !slices.Contains(grown, id) {
			t.Errorf("server %s is gone", id)
		}
	}
	addresses := map[string]bool{}
	for _, m := range h.cloud.Members() {
		addresses[m.Address] = true
	}
	if len(grown) != len(servers)+2 || len(addresses) != 4 {
		t.Errorf("%d servers, %d members", len(grown), len(addresses))
	}
	h.scaleTo(1)
	left := h.servers()
	for _, id := range left {
		if !slices.Contains(grown, id) {
			t.Errorf("server %s is new", id)
		}
	}
	if len(left) != 4 || len(h.cloud.Members()) != 1 || len(h.volumesOf(academy)) != len(volumes) {
		t.Errorf("%d servers, %d members", len(left), len(h.cloud.Members()))
	}
}

// Row 7.0.29: two sites beside each other share nothing but the project, one of them in a network that was there before.
func TestRow7029TwoSitesInOneProject(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	before := h.servers()
	given := func(subnet string) string {
		return spec("hosts", `{"lms": "school.example.org"}`, "network", `{"id": "private", "subnet": "`+subnet+`", "external": ""}`)
	}
	subnet, err := h.client().FindSubnet(t.Context(), "private")
	if err != nil {
		t.Fatal(err)
	}
	// Heat finds it by its id alone, so a name is refused before, and the answer has the id.
	if r := h.put("school", given("private")); !slices.Equal(r.faults(), []string{"network.subnet"}) || !strings.Contains(r.text, subnet.ID) {
		t.Errorf("%s", r.text)
	}
	h.ready("school", given(subnet.ID))
	if h.get("school").str("state") != "ready" || h.get(academy).str("state") != "ready" {
		t.Errorf("%s", h.get("school").text)
	}
	all, err := h.client().Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range all {
		names[s.Name] = true
	}
	if len(all) != 2*len(before) || len(names) != len(all) {
		t.Errorf("servers %v", names)
	}
	h.put(academy, spec()).want(t, http.StatusOK, "unchanged")
	for id := range h.volumesOf("school") {
		if _, both := h.volumesOf(academy)[id]; both {
			t.Errorf("volume %s is of both", id)
		}
	}
}

// Row 7.1.11: of the data nodes the writer goes last, each only while the two others say that they are one cluster.
func TestRow7111QuorumAwareMaintenance(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.cloud.AddImage("debian-13")
	h.send(http.MethodPut, "/sites/academy?override=replaces-backend", spec("backend", `{"image": "debian-13"}`)).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	var order []string
	for range 3 {
		h.nodesSay("wait", map[int]int{0: 9, 1: 9, 2: 9})
		h.post(academy+"/roll?role=backend", "").want(t, http.StatusConflict, "no_quorum")
		h.nodesSay("join", map[int]int{0: 9, 1: 9, 2: 9})
		h.post(academy+"/roll?role=backend", "").want(t, http.StatusAccepted, "rolling")
		order = append(order, h.parameters()["backend_absent"])
		h.cloud.Settle()
		h.post(academy+"/roll?role=backend", "").want(t, http.StatusAccepted, "rolling")
		h.cloud.Settle()
	}
	if !slices.Equal(order, []string{"2", "1", "0"}) {
		t.Errorf("went in the order %v", order)
	}
	h.post(academy+"/roll?role=backend", "").want(t, http.StatusOK, "rolled")
}

// Row 7.1.14: made by Heat is not reached by the load balancer.
func TestRow7114ProofThatNodesAreServed(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	state := func(want string, online int) {
		t.Helper()
		r := h.get(academy)
		serving, _ := r.body["serving"].(map[string]any)
		if r.str("state") != want || serving["members"] != 2.0 || serving["online"] != float64(online) {
			t.Errorf("want %s: %s", want, r.text)
		}
	}
	state("ready", 2)
	members := h.cloud.Members()
	h.cloud.SetMemberStatus(members[0].ID, "ERROR")
	state("ready", 1)
	h.cloud.SetMemberStatus(members[1].ID, "ERROR")
	state("unserved", 0)
	if lines := h.send(http.MethodGet, "/sites/academy?follow=lines", ""); !strings.HasPrefix(lines.text, "academy unserved 99%\n") {
		t.Errorf("%s", lines.text)
	}
	// Nothing heard yet is no bad word, but it is said.
	for _, m := range members {
		h.cloud.SetMemberStatus(m.ID, "OFFLINE")
	}
	state("ready", 0)
	if r := h.get(academy); !strings.Contains(r.str("reason"), "has not said yet") {
		t.Errorf("%s", r.text)
	}
	// A load balancer that does not answer proves nothing.
	h.cloud.Inject(openstacktest.Fault{Service: "octavia", Status: http.StatusServiceUnavailable})
	if r := h.get(academy); r.str("state") != "ready" || r.body["serving"] != nil {
		t.Errorf("%s", r.text)
	}
}

// Row 7.0.18: where no zone is given, the names that somebody has to make are told, with what they have to lead to; with one, the
// records are made.
func TestRow7018NamesAreMadeOrTold(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec("hosts", `{"lms": "learn.example.org", "studio": "make.example.org"}`))
	names := []any{"learn.example.org", "make.example.org", "apps.learn.example.org", "search.learn.example.org"}
	r := h.get(academy)
	if got, _ := r.body["hosts"].([]any); !slices.Equal(got, names) || r.str("address") == "" {
		t.Errorf("%s", r.text)
	}
	if s, _ := h.cloud.Stack(academy); s.Resources["dns_lms"] != "" {
		t.Error("a record without a zone")
	}
	h.ready("school", spec("network", `{"external": "public", "zone": "learn.example.org."}`))
	s, _ := h.cloud.Stack("school")
	for _, record := range []string{"dns_lms", "dns_studio", "dns_mfe", "dns_search"} {
		if s.Resources[record] == "" {
			t.Errorf("no %s", record)
		}
	}
}
