package openstack

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// StackFilter picks stacks of a list; all that is set must hold.
type StackFilter struct {
	Tags    []string // the stack has each of them
	AnyTags []string // the stack has one of them
	// Action and Status are the halves of a stack's state, e.g. CREATE and IN_PROGRESS.
	Action, Status string
	Name           string
	Limit          int // how many at most; zero is all
}

// query is the filter in Heat's words, and what of it has to be looked at here.
//
// It is tags_any with an underscore, whatever the API's reference says: "tags-any" is a parameter that Heat does not know,
// and what it does not know it ignores. And tags cannot be asked for together with another filter: Heat joins a table for
// each tag, looks for the column in the last table joined, and answers 500. tags_any joins nothing, and two values of a
// filter are looked up otherwise; only those of status are made one again (heat/db/sqlalchemy/api.py
// _query_stack_get_all, filters.py exact_filter, engine/api.py translate_filters; all seen on Zed).
func (f StackFilter) query(op string) (query url.Values, here StackFilter, err error) {
	tags, anyTags := f.Tags, f.AnyTags
	if len(tags) == 1 && len(anyTags) == 0 {
		tags, anyTags = nil, tags
	}
	query = url.Values{}
	for key, wanted := range map[string][]string{"tags": tags, "tags_any": anyTags} {
		joined, err := joinTags(op, wanted)
		if err != nil {
			return nil, here, err
		}
		if joined != "" {
			query.Set(key, joined)
		}
	}
	for key, value := range map[string]string{"action": f.Action, "name": f.Name, "status": f.Status} {
		switch {
		case value == "":
		case len(tags) == 0:
			query.Set(key, value)
		case key == "status":
			here.Status = value
		default:
			query[key] = []string{value, value}
		}
	}
	return query, here, nil
}

// pageSize is what a list asks for at once. Heat's own bound is 512 stacks a project by default (max_stacks_per_tenant).
const pageSize = 200

// Stacks are the project's stacks that carry all the tags: StacksWhere by tags alone.
func (c *Cloud) Stacks(ctx context.Context, tags ...string) iter.Seq2[Stack, error] {
	return c.StacksWhere(ctx, StackFilter{Tags: tags})
}

// StacksWhere are the project's stacks that f picks, oldest first, without parameters and outputs: one request for each
// page of 200. The sequence ends after an error.
func (c *Cloud) StacksWhere(ctx context.Context, f StackFilter) iter.Seq2[Stack, error] {
	return func(yield func(Stack, error) bool) {
		const op = "list stacks"
		query, here, err := f.query(op)
		if err != nil {
			yield(Stack{}, err)
			return
		}
		// Oldest first: what is made while we page comes after us and is not missed.
		query.Set("sort_keys", "creation_time")
		query.Set("sort_dir", "asc")
		size := pageSize
		if f.Limit > 0 && here.Status == "" {
			size = min(size, f.Limit)
		}
		query.Set("limit", strconv.Itoa(size))
		left := f.Limit
		c.pages(ctx, op, query, size, func(s Stack, err error) bool {
			if err == nil && here.Status != "" && s.Status != here.Status {
				return true
			}
			if !yield(s, err) {
				return false
			}
			left--
			return left != 0 // without a limit it starts below zero and never is
		})
	}
}

// CountStacks is how many stacks f picks, in one request, however many they are: Heat counts in its database and sends one
// stack along. Only a status together with several tags has to be counted here, page by page: Heat cannot. The limit of f
// does not matter.
func (c *Cloud) CountStacks(ctx context.Context, f StackFilter) (int, error) {
	const op = "count stacks"
	query, here, err := f.query(op)
	if err != nil {
		return 0, err
	}
	if here.Status != "" {
		return c.countPages(ctx, f)
	}
	query.Set("with_count", "true")
	query.Set("limit", "1")
	page, err := c.list(ctx, op, query)
	if err != nil {
		return 0, err
	}
	if page.count == nil {
		return 0, broken(op, "Heat's answer has no count")
	}
	return *page.count, nil
}

func (c *Cloud) countPages(ctx context.Context, f StackFilter) (int, error) {
	f.Limit = 0
	n := 0
	for _, err := range c.StacksWhere(ctx, f) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// pages yields each stack once: a marker that Heat no longer knows starts the list anew (heat/db/api.py _paginate_query),
// and that must not go on for ever.
func (c *Cloud) pages(ctx context.Context, op string, query url.Values, size int, yield func(Stack, error) bool) {
	seen := map[string]bool{}
	for {
		page, err := c.list(ctx, op, query)
		if err != nil {
			yield(Stack{}, err)
			return
		}
		before := len(seen)
		for _, s := range page.stacks {
			if seen[s.ID] {
				continue
			}
			seen[s.ID] = true
			if !yield(s, nil) {
				return
			}
		}
		if len(page.stacks) < size || len(seen) == before {
			return
		}
		query.Set("marker", page.stacks[len(page.stacks)-1].ID)
	}
}

// page is one answer of a list; count is nil unless it was asked for.
type page struct {
	stacks []Stack
	count  *int
}

func (c *Cloud) list(ctx context.Context, op string, query url.Values) (page, error) {
	var reply struct {
		Stacks []stackWire `json:"stacks"`
		Count  *int        `json:"count"`
	}
	err := c.do(ctx, request{
		op: op, service: heat(), method: http.MethodGet, path: "/stacks", query: query, into: &reply,
	})
	if err != nil {
		return page{}, err
	}
	out := page{stacks: make([]Stack, len(reply.Stacks)), count: reply.Count}
	for i, w := range reply.Stacks {
		out.stacks[i] = w.stack()
	}
	return out, nil
}
