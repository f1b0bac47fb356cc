package shim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

const clustersPath = "/dev/clusters"

// clusters are the pages from which operators see what scale-cluster did and would do. They ask scale-cluster, with a token
// that stays here.
type clusters struct {
	*player

	told board
}

// routes are the pages' own. A question changes nothing, so it is a link; what changes something is posted.
func (c *clusters) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+clustersPath, c.all)
	mux.HandleFunc("GET "+clustersPath+"/{name}", c.one)
	mux.HandleFunc("POST "+clustersPath+"/{name}/{act}", c.hold)
}

// clusterView is GET /scale-cluster/{cluster}, as far as it is shown.
type clusterView struct {
	Cluster, State, Halted, Schedule string
	Busy                             bool
	Nodes, Min, Max                  int
	Paused                           []string
	OutAfter                         *time.Time `json:"out_after"`
	InAfter                          *time.Time `json:"in_after"`
	NodeHours                        struct {
		Used, Saved, Limit float64
	} `json:"node_hours"`
	Strays []struct{ Kind, Node, Address, Advice string }
	List   []struct {
		Name, Server, Address, Zone, Health string
		Protected                           bool
		RemovedAt                           *time.Time `json:"removed_at"`
	}
	Decisions []struct {
		At       time.Time
		From, To int
		Code, By string
		Op       string `json:"direction"`
	}
}

// clusterAnswer is what scale-cluster would do.
type clusterAnswer struct {
	Code, Reason string
	From, To     int
	Victims      []string
	RetryAfter   int `json:"retry_after"`
	Plan         struct {
		OpenWork []struct {
			Node, Health   string
			Sessions       *int
			MigratingSince *time.Time `json:"migrating_since"`
			RemovedAt      *time.Time `json:"removed_at"`
			HookUntil      *time.Time `json:"hook_until"`
		} `json:"open_work"`
	}
}

// allClustersData fills clusters.html.
type allClustersData struct {
	frameData
	List []stackView
}

// all shows all clusters, one line each.
func (c *clusters) all(w http.ResponseWriter, r *http.Request) {
	_, stacks := c.shim.watch.look(r.Context(), time.Now())
	var list []stackView
	for _, s := range stacks {
		if s.Scales {
			s.Name = c.cluster(s.Name)
			list = append(list, s)
		}
	}
	c.shim.render(w, r, "clusters.html", operatorsPolicy, allClustersData{c.shim.frame(), list})
}

// clusterData fills cluster.html.
type clusterData struct {
	frameData
	Name, Notice, Fault string
	View                clusterView
	Chart               *chart
	Try, By             string
	Answer              *clusterAnswer
}

// one shows a cluster, and what scale-cluster would do if the query asks for that.
func (c *clusters) one(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	data := clusterData{
		frameData: c.shim.frame(), Name: r.PathValue("name"), Notice: c.told.take(query.Get("told")),
		Try: query.Get("try"), By: query.Get("by"),
	}
	var err error
	if data.Fault, err = c.ask(r.Context(), "clusters", http.MethodGet, c.address(data.Name)+"?nodes=1", nil, &data.View); err == nil && data.Fault == "" && data.Try != "" {
		data.Fault, err = c.try(r.Context(), &data)
	}
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if drawing, ok := drawn(data.View, time.Now()); ok {
		data.Chart = &drawing
	}
	c.shim.render(w, r, "cluster.html", operatorsPolicy, data)
}

func (c *clusters) address(name string) string { return "/scale-cluster/" + url.PathEscape(name) }

// try asks what would happen.
func (c *clusters) try(ctx context.Context, data *clusterData) (fault string, err error) {
	by, _ := strconv.Atoi(data.By) // what is no number is 0
	if by < 1 || !slices.Contains([]string{"out", "in"}, data.Try) {
		return "Say out or in, and how many nodes: 1 or more.", nil
	}
	body, err := json.Marshal(map[string]int{"by": by})
	if err != nil {
		return "", err
	}
	var answer clusterAnswer
	fault, err = c.ask(ctx, "clusters", http.MethodPost, c.address(data.Name)+"/"+data.Try+"?dry_run=1", body, &answer)
	if fault == "" && err == nil {
		data.Answer = &answer
	}
	return fault, err
}

// hold pauses a cluster or resumes it, and goes back to its page.
func (c *clusters) hold(w http.ResponseWriter, r *http.Request) {
	name, act := r.PathValue("name"), r.PathValue("act")
	if act != "pause" && act != "resume" {
		function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "There is no such order. Go back to the cluster and choose one there."})
		return
	}
	var answer clusterAnswer
	said, err := c.ask(r.Context(), "clusters", http.MethodPost, c.address(name)+"/"+act, nil, &answer)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if said == "" {
		said = answer.Reason
	}
	http.Redirect(w, r, clustersPath+"/"+url.PathEscape(name)+"?told="+c.told.put(said), http.StatusSeeOther) //nolint:gosec // to a page of ours, below its path
}
