package shim

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// cloudView is the cloud as the page shows it.
type cloudView struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// stackView is a stack as the page shows it. Heat's reasons are not in it: they are for the log.
type stackView struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Kind    string     `json:"kind"`
	State   string     `json:"state"`
	Word    string     `json:"word"`
	Tone    string     `json:"tone"`
	Since   time.Time  `json:"since"`
	Tags    []string   `json:"tags"`
	Address string     `json:"address,omitempty"`
	Scales  bool       `json:"scales"`
	Count   int        `json:"count"`
	Min     int        `json:"min"`
	Max     int        `json:"max"`
	Nodes   []nodeView `json:"nodes"`
}

// nodeView is a member of a cluster's pool.
type nodeView struct {
	Address string `json:"address"`
	Text    string `json:"text"`
	Tone    string `json:"tone"`
}

// tagOurs is on every stack of Stackhook.
const tagOurs = "stackhook"

// detailLife is how long a quiet cluster's members are not asked for again: health may change without Heat knowing.
const detailLife = 8 * time.Second

// patience bounds one look at the cloud.
const patience = 10 * time.Second

// watcher looks at the cloud for all open pages at once, and not at all while nobody looks at a page.
type watcher struct {
	cloud *openstack.Cloud
	name  string
	fresh time.Duration

	mu      sync.Mutex // held during a look, so that pages share it
	at      time.Time
	view    cloudView
	stacks  []stackView
	details map[string]detail
}

// detail is a cluster read in full, good as long as the list says the same of it.
type detail struct {
	at   time.Time
	seen string
	view stackView
}

// look is the present state, at most fresh old.
func (w *watcher) look(ctx context.Context, now time.Time) (cloudView, []stackView) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.at) < w.fresh {
		return w.view, w.stacks
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	stacks, err := w.read(ctx, now)
	w.at = time.Now()
	w.view = cloudView{OK: err == nil, Text: w.name}
	if err != nil {
		w.view.Text += " (no answer)"
		return w.view, w.stacks // what was known is better than nothing
	}
	w.stacks = stacks
	return w.view, w.stacks
}

// outdated makes the next look a fresh one: something was just changed.
func (w *watcher) outdated() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = time.Time{}
}

func (w *watcher) read(ctx context.Context, now time.Time) ([]stackView, error) {
	list := []stackView{}
	known := map[string]detail{}
	for stack, err := range w.cloud.Stacks(ctx, tagOurs) {
		if err != nil {
			return nil, err
		}
		if stack.Action == "DELETE" && stack.Status == "COMPLETE" { // Heat lists it for a moment more
			continue
		}
		v := viewOf(stack)
		if v.Kind != kindLab {
			d, err := w.detail(ctx, stack, v, now)
			if err != nil {
				return nil, err
			}
			known[stack.ID], v = d, d.view
		}
		list = append(list, v)
	}
	w.details = known
	slices.SortFunc(list, func(a, b stackView) int {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// detail reads a cluster's numbers and members unless they are known.
func (w *watcher) detail(ctx context.Context, stack openstack.Stack, v stackView, now time.Time) (detail, error) {
	seen := stack.State() + stack.Updated.String()
	if d, ok := w.details[stack.ID]; ok && d.seen == seen && !stack.Busy() && now.Sub(d.at) < detailLife {
		return d, nil
	}
	full, err := w.cloud.Stack(ctx, stack.StackRef)
	if openstack.CodeOf(err) == openstack.Gone { // between the list and now
		return detail{at: now, seen: seen, view: v}, nil
	}
	if err != nil {
		return detail{}, err
	}
	if full.Tags == nil {
		full.Tags = stack.Tags
	}
	v = viewOf(full)
	if v.Scales {
		v.Nodes, err = w.nodes(ctx, full)
	}
	return detail{at: now, seen: seen, view: v}, err
}

// nodes are the members of the cluster's pool; before there is a pool, none.
func (w *watcher) nodes(ctx context.Context, stack openstack.Stack) ([]nodeView, error) {
	list := []nodeView{}
	pool, _ := stack.Outputs["pool_id"].(string)
	if pool == "" {
		return list, nil
	}
	members, err := w.cloud.Members(ctx, pool)
	if openstack.CodeOf(err) == openstack.Gone {
		return list, nil
	}
	for _, m := range members {
		list = append(list, viewOfMember(m))
	}
	slices.SortFunc(list, func(a, b nodeView) int { return cmp.Compare(a.Address, b.Address) })
	return list, err
}

// Kinds of stacks.
const (
	kindLab     = "lab"
	kindSite    = "site"
	kindCluster = "cluster"
	kindStack   = "stack"
)

func viewOf(s openstack.Stack) stackView {
	v := stackView{ID: s.ID, Name: s.Name, State: s.State(), Since: s.Created, Tags: s.Tags, Kind: kindStack}
	v.Word, v.Tone = wording(s)
	count, scales := s.Parameters["app_count"]
	switch {
	case slices.ContainsFunc(s.Tags, func(t string) bool { return strings.HasPrefix(t, "lab=") }):
		v.Kind = kindLab
	case slices.Contains(s.Tags, "site"):
		v.Kind = kindSite
	case scales:
		v.Kind = kindCluster
	}
	if scales {
		v.Scales = true
		v.Nodes = []nodeView{}
		v.Count, v.Min, v.Max = number(count), number(s.Parameters["app_min"]), number(s.Parameters["app_max"])
	}
	v.Address, _ = s.Outputs["address"].(string)
	return v
}

// number reads a number as Heat prints it; what is none counts as 0.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// wording says a stack's state in a word, and how it should look.
func wording(s openstack.Stack) (word, tone string) {
	under := map[string]string{
		"CREATE": "creating", "UPDATE": "updating", "DELETE": "deleting", "SUSPEND": "suspending",
		"RESUME": "resuming", "CHECK": "checking", "ROLLBACK": "rolling back",
	}
	switch {
	case s.Busy():
		return cmp.Or(under[s.Action], "working"), "busy"
	case s.Status == "FAILED":
		return "failed", "bad"
	case s.Action == "SUSPEND":
		return "suspended", "wait"
	case s.Action == "DELETE":
		return "deleted", "wait"
	}
	return "ready", "good"
}

func viewOfMember(m openstack.Member) nodeView {
	v := nodeView{Address: m.Address + ":" + strconv.Itoa(m.Port), Tone: "wait", Text: strings.ToLower(strings.ReplaceAll(m.OperatingStatus, "_", " "))}
	switch {
	case strings.HasPrefix(m.ProvisioningStatus, "PENDING"):
		v.Text = "joining the pool"
	case !m.AdminUp || m.Weight == 0:
		v.Text = "draining"
	case m.OperatingStatus == "ONLINE" || m.OperatingStatus == "NO_MONITOR":
		v.Tone = "good"
	case m.OperatingStatus == "ERROR":
		v.Tone = "bad"
	}
	return v
}
