package deploysite

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

const (
	// within is how far a request looks back if it does not say.
	within = 5 * time.Minute
	// withinMost bounds what a request may ask for.
	withinMost = 24 * time.Hour
	// notifyTimeout is how long somebody who is told may take.
	notifyTimeout = 3 * time.Second
)

// bulletin is what became of the sites.
type bulletin struct {
	Notices []site.Notice `json:"notices"`
	// Told and Untold count the requests to those who are to be told, by how they ended.
	Told   int    `json:"told"`
	Untold int    `json:"untold"`
	Reason string `json:"reason"`
}

// notices tells what became of the sites lately: a POST those who are named in the configuration, too. Nothing remembers
// what was told before: Heat's events are what there is, and a timer that looks back a little further than to its last
// turn tells each at least once, under the same id.
func (d *deployer) notices(ctx context.Context, r *http.Request, v visit) (any, error) {
	back, states, err := lookBack(r)
	if err != nil {
		return nil, err
	}
	now := d.now()
	out := bulletin{Notices: []site.Notice{}}
	for stack, err := range v.door.Stacks(ctx, site.TagOurs, site.TagSite) {
		if err != nil {
			return nil, fmt.Errorf("list sites: %w", err)
		}
		if quiet(stack, now.Add(-back)) {
			continue
		}
		list, err := v.door.Events(ctx, stack.StackRef, "")
		if openstack.CodeOf(err) == openstack.Gone {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read events of site %s: %w", stack.Name, err)
		}
		out.Notices = append(out.Notices, site.Notices(stack.Name, d.address(stack.Name), noted(stack, list), now.Add(-back), now)...)
	}
	out.Notices = slices.DeleteFunc(out.Notices, func(n site.Notice) bool { return len(states) > 0 && !slices.Contains(states, n.State) })
	slices.SortStableFunc(out.Notices, func(a, b site.Notice) int { return a.At.Compare(b.At) })
	if r.Method == http.MethodPost {
		d.tell(ctx, &out, now)
	}
	out.Reason = fmt.Sprintf("%d things became of sites in the last %s.", len(out.Notices), back)
	return out, nil
}

// lookBack is how far back a request asks for, and for which states.
func lookBack(r *http.Request) (time.Duration, []string, error) {
	query, back := r.URL.Query(), within
	if text := query.Get("within"); text != "" {
		var err error
		if back, err = time.ParseDuration(text); err != nil || back <= 0 || back > withinMost {
			return 0, nil, function.Invalid(function.Fault{Field: "within", Message: "must be a time such as 5m, and not more than 24h."})
		}
	}
	var states []string
	if text := query.Get("states"); text != "" {
		states = strings.Split(text, ",")
	}
	known := []string{site.Creating, site.Updating, site.Ready, site.Failed, site.Suspended, site.Deleting}
	for _, s := range states {
		if !slices.Contains(known, s) {
			return 0, nil, function.Invalid(function.Fault{Field: "states", Message: "must be some of " + strings.Join(known, ", ") + ", with commas between."})
		}
	}
	return back, states, nil
}

// quiet says that nothing became of a site since: its last change began so long ago that it must have ended before.
func quiet(stack openstack.Stack, since time.Time) bool {
	begun := stack.Created
	if stack.Updated.After(begun) {
		begun = stack.Updated
	}
	return resting(stack) && begun.Add(createTimeout).Before(since)
}

func noted(stack openstack.Stack, events []openstack.Event) []site.Noted {
	var list []site.Noted
	for i, e := range history(stack, events) {
		if e.Stack {
			list = append(list, site.Noted{ID: events[i].ID, At: events[i].Time, Action: e.Action, Status: e.Status})
		}
	}
	return list
}

// tell posts each notice to each of those who are to be told.
func (d *deployer) tell(ctx context.Context, out *bulletin, now time.Time) {
	client := dial.Own(notifyTimeout)
	for _, n := range out.Notices {
		body, err := json.Marshal(n)
		if err != nil {
			continue // no field of a notice can fail to encode
		}
		for i, to := range d.told {
			if err := dial.PostSigned(ctx, client, to.URL, to.Secret.Reveal(), body, now); err != nil {
				out.Untold++
				logging.From(ctx).Warn().Err(err).Int("notify", i).Str("site", n.Site).Str("id", n.ID).Msg("a notice did not arrive")
				continue
			}
			out.Told++
		}
	}
}
