package site_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/site"
)

func start() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// base is a good Spec without its last brace.
const base = `{"hosts": {"lms": "learn.example.org"}, "contact_email": "ops@example.org"`

func defaults() site.Defaults {
	return site.Defaults{AppImage: "img", AppFlavor: "fla", BackendFlavor: "big"}
}

// spec is a good one with more keys.
func spec(t *testing.T, more string) site.Spec {
	t.Helper()
	text := base
	if more != "" {
		text += ", " + more
	}
	s, faults, err := site.ReadJSON([]byte(text + "}"))
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return s.Fill(defaults())
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

// What is good is taken, in either language, to the same effect.
func TestGoodSpecs(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		``, `"app": {"nodes": 7}`, `"app": {"nodes": 2, "min": 2, "max": 2}`, `"app": {"min": 6}`, `"app": {"nodes": null}`,
		`"network": {"id": "n", "subnet": "s", "external": "e"}`, `"network": {"cidr": "192.168.7.0/24", "admin_cidr": "192.0.2.7/32", "zone": "example.org."}`,
		`"cooldowns": {"out": "90s", "in": "1h30m"}, "alarm": {"high": 2, "low": 1, "granularity": 60}`,
		`"alarm": {"metric": "lb.rate", "aggregation": "mean", "high": 2.5, "low": 1}`,
		`"backend": {"nodes": 3, "affinity": "soft", "volumes": "retained"}`,
		`"settings": {"SMTP_PORT": 25, "SMTP_USE_TLS": true, "LANGUAGE_CODE": "fr"}`,
		`"platform_name": "L'école 2026", "release": "teak"`,
		`"storage": {"endpoint": "http://s3.example.org", "bucket": "uploads", "public_bucket": "faces", "make": true}`,
		`"storage": {"endpoint": "http://s3.example.org", "bucket": "uploads", "public_bucket": "faces"}, "settings": {"S3_PROFILE_IMAGE_CUSTOM_DOMAIN": "cdn.example.org"}`,
		`"storage": {"endpoint": "https://s3.example.org", "bucket": "uploads", "access_key": "AKIA", "secret_key": "0123456789"}, "backup": {"bucket": "dumps", "hour": 0, "restore": "other/2026-11-23T02"}`,
	} {
		s := spec(t, more)
		if faults := site.Check(s); len(faults) > 0 {
			t.Errorf("%s: %v", more, faults)
		}
		text := base + ", " + more + "}"
		if more == "" {
			text = base + "}"
		}
		same, faults, err := site.ReadYAML([]byte(text)) // JSON is YAML
		if err != nil || len(faults) > 0 || !reflect.DeepEqual(same.Fill(defaults()), s) {
			t.Errorf("%s as YAML: %v %v", more, faults, err)
		}
	}
}

// A document that is none, is too deep or refers to itself is refused as a whole.
func TestWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "7", "[a]", "a: [", "a: &x 1\nb: *x", strings.Repeat("[", 5000), strings.Repeat("{\"a\":", 40) + "1" + strings.Repeat("}", 40)} {
		if _, _, err := site.ReadYAML([]byte(text)); err == nil {
			t.Errorf("YAML %.20q was read", text)
		}
		if _, _, err := site.ReadJSON([]byte(text)); err == nil {
			t.Errorf("JSON %.20q was read", text)
		}
	}
	if _, _, err := site.ReadJSON([]byte(base + "} {}")); err == nil {
		t.Error("two documents were read")
	}
	for _, text := range []string{`{"app": {"nodes": 1, "nodes": 2}}`, `{"app": {}, "app": {}}`, `{"settings": {"SMTP_HOST": "a", "SMTP_HOST": "b"}}`} {
		if _, faults, err := site.ReadJSON([]byte(text)); err != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, "twice") {
			t.Errorf("%s: %v, %v", text, faults, err)
		}
	}
}

func FuzzReadYAML(f *testing.F) {
	f.Add(base + "}")
	f.Add("hosts: {lms: a.b}\napp: {nodes: 0x3}\nbackend: {volumes: {mysql-0: x}}\nsettings: {A: .nan}")
	f.Fuzz(func(t *testing.T, text string) {
		s, faults, err := site.ReadYAML([]byte(text))
		if err == nil && len(faults) == 0 && len(site.Check(s.Fill(defaults()))) == 0 {
			w := site.Want{Spec: s.Fill(defaults()), Template: template()}
			if _, err := json.Marshal(w.Create(site.KindOctavia, nil, site.NoSecrets())); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// template is a small one; what it does not have, it does not default.
func template() site.Template {
	return site.Template{Digest: "d1", Defaults: map[string]any{
		"cidr": "10.90.0.0/24", "listen_port": 80, "alarm_high": 240000000000, "cooldown_out": 180,
	}}
}

func want(t *testing.T, more string) site.Want {
	t.Helper()
	return site.Want{Spec: spec(t, more), Template: template(), URLs: site.URLs{Out: "o", In: "i"}}
}

// made is the stack of a want, as Heat prints it.
func made(w site.Want) site.Have {
	h := site.Have{Action: "CREATE", Status: "COMPLETE", Tags: []string{"stackhook", "site"}, Parameters: map[string]string{}, Nodes: []string{"0", "1"}}
	for name, value := range w.Create(site.KindOctavia, nil, site.NoSecrets()) {
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
	for name, value := range w.Template.Defaults { // what was not sent
		if _, there := h.Parameters[name]; !there {
			h.Parameters[name] = fmt.Sprint(value)
		}
	}
	for _, hidden := range []string{"scale_out_url", "scale_in_url", "secrets"} {
		h.Parameters[hidden] = "******"
	}
	return h
}

func with(h site.Have, pairs ...string) site.Have {
	h.Parameters = maps.Clone(h.Parameters)
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Parameters[pairs[i]] = pairs[i+1]
	}
	return h
}

func TestPlan(t *testing.T) {
	t.Parallel()
	state := func(h site.Have, action, status string) site.Have {
		h.Action, h.Status = action, status
		return h
	}
	app := func(text string) string { return `"app": {` + text + `}` }
	two, three := app(`"nodes": 2, "max": 5`), app(`"nodes": 3, "max": 5`)
	size := []string{"app_count", "app_removal"}
	for name, row := range map[string]struct {
		want    string
		have    site.Have
		code    site.Code
		verdict site.Verdict
		fields  []string
		count   any
	}{
		"the same":                {two, made(want(t, two)), site.Unchanged, site.Nothing, nil, nil},
		"the same, scaled":        {two, with(made(want(t, two)), "app_count", "4"), site.Unchanged, site.Nothing, nil, nil},
		"numbers print otherwise": {two, with(made(want(t, two)), "alarm_high", "240000000000.0"), site.Unchanged, site.Nothing, nil, nil},
		"the same, being made":    {two, state(made(want(t, two)), "CREATE", "IN_PROGRESS"), site.Unchanged, site.Nothing, nil, nil},
		"the same, suspended":     {two, state(made(want(t, two)), "SUSPEND", "COMPLETE"), site.Unchanged, site.Nothing, nil, nil},
		"the same, failed":        {two, state(made(want(t, two)), "UPDATE", "FAILED"), site.Changed, site.Nothing, nil, nil},
		"suspend failed":          {two, state(made(want(t, two)), "SUSPEND", "FAILED"), site.Stopped, site.Nothing, nil, nil},
		"deleting":                {two, state(made(want(t, two)), "DELETE", "IN_PROGRESS"), site.Busy, site.Nothing, nil, nil},
		"not ours":                {two, site.Have{Tags: []string{"stackhook"}}, site.NotOurs, site.Nothing, nil, nil},
		"other nodes":             {three, made(want(t, two)), site.Changed, site.Safe, size, 3},
		"other nodes, busy":       {three, state(made(want(t, two)), "UPDATE", "IN_PROGRESS"), site.Busy, site.Safe, size, nil},
		"other nodes, suspended":  {three, state(made(want(t, two)), "SUSPEND", "COMPLETE"), site.Stopped, site.Safe, size, nil},
		"higher min": {
			app(`"nodes": 2, "min": 2, "max": 5`), with(made(want(t, two)), "app_count", "1"), site.Changed, site.Safe, []string{"app_count", "app_min", "app_removal"}, 2,
		},
		"no nodes any more": {app(`"max": 5`), with(made(want(t, two)), "app_count", "4"), site.Changed, site.Nothing, nil, nil},
		"another image":     {app(`"nodes": 2, "max": 5, "image": "other"`), made(want(t, two)), site.Changed, site.RestartsApps, []string{"app_image"}, nil},
		"a setting":         {two + `, "settings": {"SMTP_PORT": 25}`, made(want(t, two)), site.Changed, site.RestartsApps, []string{"settings"}, nil},
		"backend image":     {two + `, "backend": {"image": "other"}`, made(want(t, two)), site.Guarded, site.ReplacesBackend, []string{"backend_image"}, nil},
		"another network":   {two + `, "network": {"id": "n", "subnet": "s"}`, made(want(t, two)), site.Immutable, site.RestartsApps, []string{"network", "subnet"}, nil},
		"another size":      {two + `, "backend": {"mysql_gb": 50}`, made(want(t, two)), site.Immutable, site.RestartsApps, []string{"mysql_size"}, nil},
		"size of volumes that were taken over": {
			two + `, "backend": {"mysql_gb": 50}`, with(made(want(t, two)), "volumes", `{"mysql-0": "x"}`), site.Unchanged, site.Nothing, nil, nil,
		},
		"restore is for the first start": {
			two + `, "storage": {"endpoint": "https://s3", "bucket": "b-b"}, "backup": {"bucket": "d-d", "restore": "x"}`,
			made(want(t, two+`, "storage": {"endpoint": "https://s3", "bucket": "b-b"}, "backup": {"bucket": "d-d"}`)), site.Unchanged, site.Nothing, nil, nil,
		},
		"another kind":   {two + `, "load_balancer": {"kind": "lbaasv2"}`, made(want(t, two)), site.Immutable, site.Nothing, nil, nil},
		"the same kind":  {two + `, "load_balancer": {"kind": "octavia"}`, made(want(t, two)), site.Unchanged, site.Nothing, nil, nil},
		"operator reset": {two, with(made(want(t, two)), "app_count", "1", "site_state", ""), site.Changed, site.Safe, []string{"app_count", "app_removal", "scale_in_url", "scale_out_url", "template"}, 2},
		"another template": {
			two, with(made(want(t, two)), "site_state", `{"nodes":2,"urls":"`+site.Digest("o", "i")+`","template":"d0"}`), site.Changed, site.Safe, []string{"template"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := site.Ask{Who: "me", Token: "token", Now: start()}
			c := site.Plan(want(t, row.want), row.have, ask)
			if c.Code != row.code || c.Verdict != row.verdict || !slices.Equal(c.Fields, row.fields) {
				t.Fatalf("got %s, %s, %v, want %s, %s, %v", c.Code, c.Verdict, c.Fields, row.code, row.verdict, row.fields)
			}
			if (c.Code == site.Immutable) != (len(c.Faults) > 0) {
				t.Errorf("faults %v", c.Faults)
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
			if kept, _ := c.Parameters["app_kept"].(site.Kept); c.NeedsNodes != (c.Verdict == site.RestartsApps) || c.NeedsNodes && (kept["0"]["image"] != "img" || kept["1"]["flavor"] != "fla") {
				t.Errorf("needs nodes %v, keeps %v", c.NeedsNodes, kept)
			}
			for _, never := range []string{"secrets", "volumes", "bootstrap", "lb_kind", "backend_restore"} {
				if _, there := c.Parameters[never]; there {
					t.Errorf("writes %s", never)
				}
			}
			text, _ := c.Parameters["scale_state"].(string)
			if m, ok := cluster.Remember(text); !ok || m.Token != "token" || m.Op != cluster.OpSite {
				t.Errorf("memory %s", text)
			}
		})
	}
	// With the override nothing but what nodes keep stands between the wish and the parameters.
	c := site.Plan(want(t, two+`, "backend": {"flavor": "huge"}`), made(want(t, two)), site.Ask{Token: "x", Override: true, Now: start()})
	if kept, _ := c.Parameters["backend_kept"].(site.Kept); c.Code != site.Changed || len(kept) != 3 || kept["2"]["flavor"] != "big" {
		t.Errorf("%s, %v", c.Code, c.Parameters)
	}
}

// An empty text is sent where the template has no such default alone: Heat asks other services about what is sent.
func TestDefaultsAreNotSent(t *testing.T) {
	t.Parallel()
	w := want(t, "")
	w.Template.Defaults = maps.Clone(w.Template.Defaults)
	w.Template.Defaults["volume_type"] = ""
	p := w.Create(site.KindOctavia, nil, site.NoSecrets())
	if _, there := p["volume_type"]; there || p["network"] != "" {
		t.Errorf("%v", p)
	}
}

// Keys that a request gives must be the site's; those it leaves out stay.
func TestRow7020KeysOfTheObjectStore(t *testing.T) {
	t.Parallel()
	w := want(t, "")
	w.Keys = "k1"
	h := made(w)
	ask := site.Ask{Token: "x", Now: start()}
	if c := site.Plan(w, h, ask); c.Code != site.Unchanged {
		t.Errorf("the same: %s", c.Code)
	}
	if c := site.Plan(want(t, ""), h, ask); c.Code != site.Unchanged {
		t.Errorf("none: %s", c.Code)
	}
	w.Keys = "k2"
	if c := site.Plan(w, h, ask); c.Code != site.NewKeys {
		t.Errorf("others: %s", c.Code)
	}
}

// The buckets of a Spec as the template gets them: those that are made have a public one, and those that are given only if it is given.
func TestRow7020BucketsOfASpec(t *testing.T) {
	t.Parallel()
	for more, row := range map[string]struct {
		public string
		make   bool
	}{
		``: {"", false},
		`"storage": {"endpoint": "https://s3", "bucket": "b-b"}`:                                       {"", false},
		`"storage": {"endpoint": "https://s3", "bucket": "b-b", "public_bucket": "p-p"}`:               {"p-p", false},
		`"storage": {"endpoint": "https://s3", "bucket": "b-b", "make": true}`:                         {"b-b-public", true},
		`"storage": {"endpoint": "https://s3", "bucket": "b-b", "public_bucket": "p-p", "make": true}`: {"p-p", true},
	} {
		w := want(t, more)
		p := w.Create(site.KindOctavia, nil, site.NoSecrets())
		if p["s3_public_bucket"] != row.public || p["makes_buckets"] != row.make {
			t.Errorf("%s: %v, %v", more, p["s3_public_bucket"], p["makes_buckets"])
		}
		have := made(w)
		have.Parameters["makes_buckets"] = map[bool]string{true: "True", false: "False"}[row.make] // as Heat prints it
		if c := site.Plan(w, have, site.Ask{Token: "x", Now: start()}); c.Code != site.Unchanged {
			t.Errorf("%s: the same again is %s, %v", more, c.Code, c.Fields)
		}
		have.Parameters["makes_buckets"] = map[bool]string{true: "False", false: "True"}[row.make]
		if c := site.Plan(w, have, site.Ask{Token: "x", Now: start()}); !slices.Equal(c.Fields, []string{"makes_buckets"}) {
			t.Errorf("%s: otherwise %v differ", more, c.Fields)
		}
	}
}

func TestWeighWhatHeatSaysOfAnotherTemplate(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		touched site.Touched
		want    site.Verdict
	}{
		"a group always reads as changed": {site.Touched{Name: "nodes", Type: "OS::Heat::ResourceGroup"}, site.Safe},
		"an alarm goes":                   {site.Touched{Name: "alarm_in", Type: "OS::Aodh::Alarm", Gone: true}, site.Safe},
		"an application server goes":      {site.Touched{Name: "server", Type: "OS::Nova::Server", Parent: "0", Gone: true}, site.RestartsApps},
		"a data node's server goes":       {site.Touched{Name: "server", Type: "OS::Nova::Server", Parent: "node_1", Gone: true}, site.ReplacesBackend},
		"a volume goes":                   {site.Touched{Name: "mysql_0", Type: "OS::Cinder::Volume", Parent: "made", Gone: true}, site.ReplacesBackend},
		"a port of the backend goes":      {site.Touched{Name: "port_1", Type: "OS::Neutron::Port", Parent: "backend", Gone: true}, site.ReplacesBackend},
		"the pool goes":                   {site.Touched{Name: "pool", Type: "OS::Octavia::Pool", Parent: "lb_octavia", Gone: true}, site.RestartsApps},
	} {
		if got := site.Weigh(site.Safe, []site.Touched{row.touched}); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// say is a data node's word.
func say(index, unix int, mode, uuid string, seqno int) site.Signal {
	return site.Signal{
		ID: fmt.Sprintf("backend-%d-%d", index, unix), Status: "SUCCESS", Reason: "r",
		Data: fmt.Sprintf(`{"role":"backend","index":%d,"step":"mysql","mode":%q,"uuid":%q,"seqno":%d}`, index, mode, uuid, seqno),
	}
}

// Row 7.1.11 and 7.1.12: who may go, and who goes on.
func TestQuorumAndPositions(t *testing.T) {
	t.Parallel()
	later := site.Signal{ID: "backend-1-1767600900", Status: "SUCCESS", Reason: "mongodb", Data: `{"step":"mongodb"}`}
	for name, row := range map[string]struct {
		signals  []site.Signal
		quorum   string // the nodes that may go
		advanced int    // -1: cannot be told
	}{
		"nobody spoke":       {nil, "", -1},
		"all three":          {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(1, 1767600000, "join", "u", 5), say(2, 1767600000, "join", "u", 6)}, "012", 2},
		"two":                {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(1, 1767600000, "join", "u", 5)}, "2", -1},
		"two clusters":       {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(1, 1767600000, "join", "v", 5), say(2, 1767600000, "join", "u", 5)}, "1", -1},
		"all wait":           {[]site.Signal{say(0, 1767600000, "wait", "u", 5), say(1, 1767600000, "wait", "u", 9), say(2, 1767600000, "wait", "u", 7)}, "", 1},
		"the last word":      {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(1, 1767600800, "wait", "u", 9), say(1, 1767600000, "join", "u", 7), say(2, 1767600000, "join", "u", 1)}, "1", 1},
		"milliseconds":       {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(2, 1767600000, "join", "u", 5), say(1, 1767600000, "join", "u", 1), {ID: "backend-1-1767600000500", Data: `{"mode":"wait","uuid":"u","seqno":8}`}}, "1", 1},
		"another step since": {[]site.Signal{say(0, 1767600000, "join", "u", 5), say(1, 1767600000, "join", "u", 9), say(2, 1767600000, "join", "u", 5), later}, "012", 1},
		"one failed": {
			[]site.Signal{say(0, 1767600000, "join", "u", 5), {ID: "backend-1-1767600000", Status: "FAILURE", Data: `{"uuid":"u","seqno":5}`}, say(2, 1767600000, "join", "u", 5)},
			"1", 0,
		},
		"nonsense": {[]site.Signal{{ID: "ready"}, {ID: "backend-x"}, {ID: "backend-1-1767600000", Data: 7}}, "", -1},
	} {
		reports := site.ReportsOf(row.signals)
		var free []byte
		for i := range 3 {
			if site.Quorate(reports, i) {
				free = append(free, "012"[i])
			}
		}
		may := string(free)
		index, ok := site.MostAdvanced(reports)
		if !ok {
			index = -1
		}
		if may != row.quorum || index != row.advanced {
			t.Errorf("%s: %q may go, %d has the most; want %q, %d", name, may, index, row.quorum, row.advanced)
		}
	}
}

func TestRetainedVolumes(t *testing.T) {
	t.Parallel()
	var six []site.Volume
	for i, key := range site.VolumeKeys() {
		role, index, _ := strings.Cut(key, "-")
		six = append(six, site.Volume{ID: fmt.Sprintf("v%d", i), Site: "a", Role: role, Index: index, Status: "available"})
	}
	busy := slices.Clone(six)
	busy[3].Status = "in-use"
	for name, row := range map[string]struct {
		all    []site.Volume
		faults int
	}{
		"complete": {six, 0}, "none": {nil, 1}, "five": {six[:5], 1}, "three": {six[:3], 3}, "in use": {busy, 1},
		"twice":                 {append(slices.Clone(six), six[2]), 1},
		"another site's beside": {append(slices.Clone(six), site.Volume{ID: "x", Site: "b", Role: "mysql", Index: "0", Status: "available"}), 0},
		"without a place":       {append(slices.Clone(six), site.Volume{ID: "x", Site: "a", Role: "logs", Index: "0"}), 0},
	} {
		ids, faults := site.Retained("a", row.all)
		if len(faults) != row.faults || (row.faults == 0) != (len(ids) == 6) {
			t.Errorf("%s: %v, %v", name, ids, faults)
		}
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
	h := made(want(t, `"network": {"external": "public"}`))
	h.Status = "IN_PROGRESS"
	network := done("app_group", "backend_group", "net", "net_subnet", "router", "router_interface")
	for name, row := range map[string]struct {
		action, status string
		events         []site.Event
		state, steps   string
		percent        int
	}{
		"nothing yet": {"CREATE", "IN_PROGRESS", nil, site.Creating, "ppppp", 0},
		"network":     {"CREATE", "IN_PROGRESS", network, site.Creating, "dpppp", 50},
		"data nodes":  {"CREATE", "IN_PROGRESS", append(slices.Clone(network), site.Event{Resource: "backend", Action: "CREATE", Status: "IN_PROGRESS"}), site.Creating, "dappp", 50},
		"failed":      {"CREATE", "FAILED", append(slices.Clone(network), site.Event{Resource: "nodes", Action: "CREATE", Status: "FAILED"}), site.Failed, "dppfp", 50},
		"no events":   {"CREATE", "COMPLETE", nil, site.Ready, "ddddd", 100},
		"update": {
			"UPDATE", "IN_PROGRESS", append(slices.Clone(network), site.Event{Stack: true, Action: "UPDATE", Status: "IN_PROGRESS"}, site.Event{Resource: "nodes", Action: "UPDATE", Status: "IN_PROGRESS"}),
			site.Updating, "dddad", 91,
		},
		"signals say nothing": {"CREATE", "IN_PROGRESS", []site.Event{{Resource: "nodes", Action: "SIGNAL", Status: "COMPLETE"}}, site.Creating, "ppppp", 0},
		"deleting":            {"DELETE", "IN_PROGRESS", network, site.Deleting, "", 0},
		"delete failed":       {"DELETE", "FAILED", network, site.Failed, "dpppp", 50},
		"suspended":           {"SUSPEND", "COMPLETE", network, site.Suspended, "ddddd", 100},
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
	// A step that a site does not have is not waited for; a zone adds one.
	quiet := want(t, `"network": {"id": "n", "subnet": "s", "external": "", "zone": "example.org."}`)
	quiet.URLs = site.URLs{}
	if n := len(site.Follow(made(quiet), nil).Steps); n != 5 {
		t.Errorf("%d steps without alarms, with names", n)
	}
}

// Secrets are stars wherever they are printed.
func TestSecretsAreStars(t *testing.T) {
	t.Parallel()
	s := spec(t, `"storage": {"endpoint": "https://s3", "bucket": "b-b", "access_key": "hunter2-a", "secret_key": "hunter2-secret"}`)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v", s, s, s), string(text), fmt.Sprint(site.NoSecrets()), fmt.Sprintf("%#v", site.NoSecrets())} {
		if strings.Contains(printed, "hunter2") || strings.Contains(printed, "none") {
			t.Error("a secret is printed")
		}
	}
}
