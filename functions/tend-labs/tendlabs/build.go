package tendlabs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/checks"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/roster"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Build makes the function from its configuration. It asks nothing of the clouds yet.
func Build(ctx context.Context, src config.Source) (http.Handler, error) {
	c, err := src.Load()
	if err != nil {
		return nil, fmt.Errorf("load configuration: %w", err)
	}
	clouds, err := keeper.Open(c, src.Getenv)
	if err != nil {
		return nil, fmt.Errorf("set up clouds: %w", err)
	}
	return New(c, Parts{Clouds: clouds, Now: time.Now, Metrics: observe.Metrics(ctx)})
}

// Parts are what the function works with, so that tests can turn the clock and put something in a part's place.
type Parts struct {
	Clouds keeper.Clouds
	Client *http.Client // for course sites; nil: one that calls public addresses alone
	Run    Run          // nil: over SSH
	Now    function.Clock
	Ticks  tender.Ticks // nil: the clock on the wall
	// Metrics is where the function counts; nil: nobody reads it.
	Metrics *metrics.Registry
}

// Run runs a check's script on a machine. checks.Run is one.
type Run func(ctx context.Context, t checks.Target, script string) (lab.Result, error)

// tending is the function.
type tending struct {
	tender  *tender.Tender
	planner *roster.Planner
	may     []caller.Credential
	counts  counts
}

// New makes the function from its parts.
func New(c *config.Config, parts Parts) (http.Handler, error) {
	k, err := keeper.New(c, parts.Clouds, parts.Now)
	if err != nil {
		return nil, fmt.Errorf("set up labs: %w", err)
	}
	sender, err := grades.New(c, grades.Options{Client: parts.Client, Now: parts.Now})
	if err != nil {
		return nil, fmt.Errorf("set up grades: %w", err)
	}
	texts, err := scripts(c)
	if err != nil {
		return nil, err
	}
	tended, planned, err := sites(parts.Clouds)
	if err != nil {
		return nil, err
	}
	if parts.Metrics == nil {
		parts.Metrics = metrics.NewRegistry()
	}
	t := &tending{counts: newCounts(parts.Metrics), may: caller.Holders(c.API, "labs")}
	work := tender.Parts{
		Sites: tended, Catalogue: catalogue{slices.Sorted(maps.Keys(c.Labs)), k}, Tend: c.Tend, Grades: grading{sender}, Now: parts.Now, Ticks: parts.Ticks,
		NewStack: func(name, key string, tags []string) openstack.NewStack {
			return k.NewStack(name, key, tags, "") // whose grade it will be is known when somebody takes it
		},
	}
	if parts.Run == nil {
		parts.Run = checks.Run
	}
	if len(texts) > 0 {
		work.Examiner = &examiner{scripts: texts, keeper: k, grades: sender, now: parts.Now, run: parts.Run}
	}
	t.tender = tender.New(work)
	t.planner = roster.New(roster.Parts{Sites: planned, Catalogue: k, NamingKey: []byte(c.NamingKey.Reveal()), Rate: c.Tend.Rate, Now: parts.Now})
	return t.routes(), nil
}

// sites are the clouds as those know them who work with them.
func sites(clouds keeper.Clouds) ([]tender.Site, []roster.Site, error) {
	tended, planned := make([]tender.Site, len(clouds)), make([]roster.Site, len(clouds))
	for i, c := range clouds {
		cloud, ok := c.Cloud.(interface {
			tender.Cloud
			roster.Cloud
		})
		if !ok {
			return nil, nil, fmt.Errorf("cloud %s cannot be tended", c.Name)
		}
		tended[i] = tender.Site{Name: c.Name, Cloud: cloud, Capacity: c.Capacity, MaxBuilds: c.MaxBuilds}
		planned[i] = roster.Site{Name: c.Name, Cloud: cloud, Capacity: c.Capacity, MaxBuilds: c.MaxBuilds, MaxStacks: c.MaxStacks}
	}
	return tended, planned, nil
}

// catalogue is the keeper's.
type catalogue struct {
	keys   []string
	keeper *keeper.Keeper
}

// Keys are those of all labs.
func (c catalogue) Keys() []string { return c.keys }

// Entry is the lab of that key.
func (c catalogue) Entry(key string) (lab.Entry, bool) {
	shelf, known := c.keeper.Shelf(key)
	return shelf.Entry, known
}

func (t *tending) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", t.only(http.MethodPost, t.pass))
	mux.HandleFunc("/doctor", t.only(http.MethodPost, t.doctor))
	mux.HandleFunc("/labs", t.only(http.MethodGet, t.fleet))
	mux.HandleFunc("/labs/{act}", t.only(http.MethodPost, t.order))
	mux.HandleFunc("/preflight", t.only(http.MethodPost, t.preflight))
	mux.HandleFunc("/prebuild", t.only(http.MethodPost, t.prebuild))
	mux.HandleFunc("/", notFound)
	return mux
}

func notFound(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{
		Code: "not_found", Status: http.StatusNotFound,
		Public: "There is nothing here. Post to /, /doctor, /preflight or /prebuild, get /labs, or post to /labs/suspend, extend, end or undo.",
	})
}
