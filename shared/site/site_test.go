package site_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/site"
)

func start() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

func spec(t *testing.T, text string) site.Spec {
	t.Helper()
	var s site.Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s.Fill(site.Defaults{Image: "img", Flavor: "fla"})
}

func fields(faults []site.Fault) []string {
	var list []string
	for _, f := range faults {
		list = append(list, f.Field)
	}
	slices.Sort(list)
	return list
}

func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for _, row := range []struct {
		spec   string
		faults []string
	}{
		{`{}`, nil},
		{`{"nodes": 7}`, nil}, // max follows, where none is given
		{`{"nodes": 2, "min": 2, "max": 2}`, nil},
		{`{"min": 6}`, nil},
		{`{"network": "n", "subnet": "s", "external_network": "e"}`, nil},
		{`{"cidr": "192.168.7.0/24", "app_port": 8000, "health_path": "/heartbeat?all=1"}`, nil},
		{`{"cooldown_out": "90s", "cooldown_in": "1h30m", "alarm": {"high": 2, "low": 1, "granularity": 60}}`, nil},
		{`{"alarm": {"metric": "lb.rate", "aggregation": "mean", "high": 2, "low": 1}}`, nil},
		{`{"image": "", "flavor": "` + long + `"}`, []string{"flavor"}},
		{`{"image": "a\nb"}`, []string{"image"}},
		{`{"nodes": 0}`, []string{"nodes"}},
		{`{"nodes": 201}`, []string{"max", "nodes"}},
		{`{"min": 0, "max": 500}`, []string{"max", "min"}},
		{`{"min": 3, "max": 2}`, []string{"max"}},
		{`{"nodes": 5, "max": 4}`, []string{"nodes"}},
		{`{"nodes": 1, "min": 2}`, []string{"nodes"}},
		{`{"network": "n"}`, []string{"subnet"}},
		{`{"subnet": "s"}`, []string{"network"}},
		{`{"network": "n", "subnet": "s", "cidr": "10.0.0.0/24"}`, []string{"cidr"}},
		{`{"cidr": "10.0.0.1/24"}`, []string{"cidr"}},
		{`{"cidr": "10.0.0.0/30"}`, []string{"cidr"}},
		{`{"cidr": "fd00::/64"}`, []string{"cidr"}},
		{`{"cidr": "all"}`, []string{"cidr"}},
		{`{"app_port": 0, "listen_port": 70000}`, []string{"app_port", "listen_port"}},
		{`{"health_path": "heartbeat"}`, []string{"health_path"}},
		{`{"health_path": "/a b"}`, []string{"health_path"}},
		{`{"cooldown_out": "soon", "cooldown_in": "-1s"}`, []string{"cooldown_in", "cooldown_out"}},
		{`{"cooldown_out": "25h"}`, []string{"cooldown_out"}},
		{`{"alarm": {"high": 1, "low": 1}}`, []string{"alarm.low"}},
		{`{"alarm": {"metric": "lb.rate"}}`, []string{"alarm.metric"}},
		{`{"alarm": {"granularity": 0, "periods": 1000}}`, []string{"alarm.granularity", "alarm.periods"}},
		{`{"user_data": "` + strings.Repeat("x", 50000) + `"}`, []string{"user_data"}},
	} {
		faults := site.Check(spec(t, row.spec))
		if got := fields(faults); !slices.Equal(got, row.faults) {
			t.Errorf("%.80s: %v, want %v", row.spec, got, row.faults)
		}
		for _, f := range faults {
			if !strings.HasSuffix(f.Message, ".") {
				t.Errorf("%s: %q", f.Field, f.Message)
			}
		}
	}
	if got := fields(site.Check(site.Spec{})); !slices.Equal(got, []string{"flavor", "image"}) {
		t.Errorf("without defaults: %v", got)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "academy", "a-1", strings.Repeat("a", 40)} {
		if f := site.CheckName(name); f != nil {
			t.Errorf("%s: %v", name, f)
		}
	}
	for _, name := range []string{"", "A", "1a", "-a", "a-", "a_b", "a.b", "a/b", "ä", "lab-x", strings.Repeat("a", 41)} {
		if f := site.CheckName(name); len(f) != 1 {
			t.Errorf("%s was taken", name)
		}
	}
}

// template is a small one; what it does not have, it does not default.
func template() site.Template {
	return site.Template{Digest: "d1", Defaults: map[string]any{
		"cidr": "10.90.0.0/24", "app_port": 80, "alarm_high": 240000000000, "cooldown_out": 180,
	}}
}

func want(t *testing.T, text string) site.Want {
	t.Helper()
	return site.Want{Spec: spec(t, text), Template: template(), URLs: site.URLs{Out: "o", In: "i"}}
}

// made is the stack of a want, as Heat prints it.
func made(w site.Want) site.Have {
	h := site.Have{Action: "CREATE", Status: "COMPLETE", Tags: []string{"stackhook", "site"}, Parameters: map[string]string{}}
	for name, value := range w.Parameters() {
		switch v := value.(type) {
		case string:
			h.Parameters[name] = v
		case nil:
			h.Parameters[name] = ""
		default:
			b, _ := json.Marshal(v)
			h.Parameters[name] = string(b)
		}
	}
	h.Parameters["scale_out_url"], h.Parameters["scale_in_url"] = "******", "******"
	return h
}

func TestPlan(t *testing.T) {
	t.Parallel()
	state := func(h site.Have, action, status string) site.Have {
		h.Action, h.Status = action, status
		return h
	}
	with := func(h site.Have, name, value string) site.Have {
		h.Parameters = maps.Clone(h.Parameters)
		h.Parameters[name] = value
		return h
	}
	two := `{"nodes": 2, "max": 5}`
	for name, row := range map[string]struct {
		want   string
		have   site.Have
		code   site.Code
		fields []string
		count  any
	}{
		"the same":                {two, made(want(t, two)), site.Unchanged, nil, nil},
		"the same, scaled":        {two, with(made(want(t, two)), "app_count", "4"), site.Unchanged, nil, nil},
		"numbers print otherwise": {two, with(made(want(t, two)), "alarm_high", "240000000000.0"), site.Unchanged, nil, nil},
		"the same, being made":    {two, state(made(want(t, two)), "CREATE", "IN_PROGRESS"), site.Unchanged, nil, nil},
		"the same, suspended":     {two, state(made(want(t, two)), "SUSPEND", "COMPLETE"), site.Unchanged, nil, nil},
		"the same, failed":        {two, state(made(want(t, two)), "UPDATE", "FAILED"), site.Changed, nil, nil},
		"suspend failed":          {two, state(made(want(t, two)), "SUSPEND", "FAILED"), site.Stopped, nil, nil},
		"deleting":                {two, state(made(want(t, two)), "DELETE", "IN_PROGRESS"), site.Busy, nil, nil},
		"not ours":                {two, site.Have{Tags: []string{"stackhook"}}, site.NotOurs, nil, nil},
		"other nodes":             {`{"nodes": 3, "max": 5}`, made(want(t, two)), site.Changed, []string{"app_count", "app_removal"}, 3},
		"other nodes, busy":       {`{"nodes": 3, "max": 5}`, state(made(want(t, two)), "UPDATE", "IN_PROGRESS"), site.Busy, []string{"app_count", "app_removal"}, nil},
		"other nodes, suspended":  {`{"nodes": 3, "max": 5}`, state(made(want(t, two)), "SUSPEND", "COMPLETE"), site.Stopped, []string{"app_count", "app_removal"}, nil},
		"higher min":              {`{"nodes": 2, "min": 2, "max": 5}`, with(made(want(t, two)), "app_count", "1"), site.Changed, []string{"app_count", "app_min", "app_removal"}, 2},
		"no nodes any more":       {`{"max": 5}`, with(made(want(t, two)), "app_count", "4"), site.Changed, nil, nil},
		"another image":           {`{"nodes": 2, "max": 5, "image": "other"}`, made(want(t, two)), site.Changed, []string{"image"}, nil},
		"another network":         {`{"nodes": 2, "max": 5, "network": "n", "subnet": "s"}`, made(want(t, two)), site.Immutable, []string{"network", "subnet"}, nil},
		"operator reset":          {two, with(with(made(want(t, two)), "app_count", "1"), "site_state", ""), site.Changed, []string{"app_count", "app_removal", "scale_in_url", "scale_out_url", "template"}, 2},
		"another template":        {two, with(made(want(t, two)), "site_state", `{"nodes":2,"urls":"`+site.Digest("o", "i")+`","template":"d0"}`), site.Changed, []string{"template"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := site.Plan(want(t, row.want), row.have, "me", "token", start())
			if c.Code != row.code || !slices.Equal(c.Fields, row.fields) {
				t.Fatalf("got %s %v, want %s %v", c.Code, c.Fields, row.code, row.fields)
			}
			if c.Code != site.Changed {
				if c.Parameters != nil {
					t.Errorf("writes %v", c.Parameters)
				}
				return
			}
			if c.Parameters["app_count"] != row.count {
				t.Errorf("count %v, want %v", c.Parameters["app_count"], row.count)
			}
			text, _ := c.Parameters["scale_state"].(string)
			if m, ok := cluster.Remember(text); !ok || m.Token != "token" || m.Op != cluster.OpSite {
				t.Errorf("memory %s", text)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	done := func(names ...string) []site.Event {
		var list []site.Event
		for _, n := range names {
			list = append(list, site.Event{Resource: n, Action: "CREATE", Status: "IN_PROGRESS"}, site.Event{Resource: n, Action: "CREATE", Status: "COMPLETE"})
		}
		return list
	}
	h := made(want(t, `{"external_network": "public"}`))
	h.Status = "IN_PROGRESS"
	network := done("security_group", "net", "net_subnet", "router", "router_interface")
	for name, row := range map[string]struct {
		action, status string
		events         []site.Event
		state, steps   string
		percent        int
	}{
		"nothing yet":   {"CREATE", "IN_PROGRESS", nil, site.Creating, "pppp", 0},
		"network":       {"CREATE", "IN_PROGRESS", network, site.Creating, "dppp", 38},
		"load balancer": {"CREATE", "IN_PROGRESS", append(slices.Clone(network), site.Event{Resource: "loadbalancer", Action: "CREATE", Status: "IN_PROGRESS"}), site.Creating, "dapp", 38},
		"failed":        {"CREATE", "FAILED", append(slices.Clone(network), site.Event{Resource: "nodes", Action: "CREATE", Status: "FAILED"}), site.Failed, "dpfp", 38},
		"no events":     {"CREATE", "COMPLETE", nil, site.Ready, "dddd", 100},
		"update": {
			"UPDATE", "IN_PROGRESS", append(slices.Clone(network), site.Event{Stack: true, Action: "UPDATE", Status: "IN_PROGRESS"}, site.Event{Resource: "nodes", Action: "UPDATE", Status: "IN_PROGRESS"}),
			site.Updating, "ddad", 92,
		},
		"signals say nothing": {"CREATE", "IN_PROGRESS", []site.Event{{Resource: "nodes", Action: "SIGNAL", Status: "COMPLETE"}}, site.Creating, "pppp", 0},
		"deleting":            {"DELETE", "IN_PROGRESS", network, site.Deleting, "", 0},
		"suspended":           {"SUSPEND", "COMPLETE", network, site.Suspended, "dddd", 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h
			h.Action, h.Status = row.action, row.status
			p := site.Follow(h, row.events)
			var steps []byte // by first letters: pending, active, done, failed
			for _, s := range p.Steps {
				steps = append(steps, s.State[0])
			}
			if p.State != row.state || string(steps) != row.steps || p.Percent != row.percent {
				t.Errorf("got %s %s %d", p.State, steps, p.Percent)
			}
		})
	}
	// A step that a site does not have is not waited for.
	quiet := want(t, `{"network": "n", "subnet": "s", "external_network": ""}`)
	quiet.URLs = site.URLs{}
	if n := len(site.Follow(made(quiet), nil).Steps); n != 3 {
		t.Errorf("%d steps without alarms", n)
	}
}
