package openstacktest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// stackQuery is what GET /stacks asks for. It is tags_any with an underscore: what Heat does not know it ignores, and
// "tags-any", as its reference writes, it does not know (seen on Zed).
type stackQuery struct {
	tags, tagsAny               []string
	ids, names, actions, states []string
	limit                       int
	limited                     bool
}

func readStackQuery(query url.Values) (stackQuery, reply, bool) {
	w := stackQuery{
		tags: splitList(query["tags"]), tagsAny: splitList(query["tags_any"]),
		ids: query["id"], names: query["name"], actions: query["action"], states: query["status"],
	}
	if l := query.Get("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 0 {
			return w, heatError(http.StatusBadRequest, "HTTPBadRequest", "Only integer is allowed for limit"), false
		}
		w.limit, w.limited = n, true
	}
	if len(w.tags) > 0 && (len(w.ids) == 1 || len(w.names) == 1 || len(w.actions) == 1 || len(w.states) > 0) {
		// Heat joins the tags' table and then filters the last table joined by a column that it does not have. Two values
		// of a filter are another kind of filter, but those of status are made one again (seen on Zed).
		return w, heatError(http.StatusInternalServerError, "RemoteError", ""), false
	}
	return w, reply{}, true
}

func (w stackQuery) holds(s *stack) bool {
	one := func(wanted []string, have string) bool { return len(wanted) == 0 || slices.Contains(wanted, have) }
	return hasAll(s.tags, w.tags) && (len(w.tagsAny) == 0 || hasAny(s.tags, w.tagsAny)) &&
		one(w.ids, s.id) && one(w.names, s.name) && one(w.actions, s.action) && (one(w.states, s.status) || one(w.states, s.state()))
}

func (c *Cloud) listStacks(q *request) reply {
	query := q.URL.Query()
	wanted, rep, ok := readStackQuery(query)
	if !ok {
		return rep
	}
	fits := func(s *stack) bool { return s.project == q.token.project && wanted.holds(s) }
	from := c.stacks.after(query.Get("marker"), query.Get("sort_dir") == "asc")
	if len(wanted.names) == 1 && query.Get("marker") == "" {
		from = slices.SortedFunc(slices.Values(c.stacks.byName[wanted.names[0]]), func(a, b *stack) int { return older(b, a) })
	}
	out := []any{}
	for _, s := range from {
		if wanted.limited && len(out) == wanted.limit {
			break
		}
		if fits(s) {
			out = append(out, c.stackListView(s))
		}
	}
	body := map[string]any{"stacks": out}
	if strings.EqualFold(query.Get("with_count"), "true") {
		count := 0 // of all pages
		for _, s := range c.stacks.listed {
			if fits(s) {
				count++
			}
		}
		body["count"] = count
	}
	return reply{status: http.StatusOK, body: body}
}

func splitList(values []string) []string {
	var out []string
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}

func hasAll(have, wanted []string) bool {
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

func hasAny(have, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(have, w) })
}
