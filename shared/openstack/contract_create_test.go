package openstack_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/stackhook/stackhook/shared/openstack"
)

// tiny is the cheapest stack there is.
const tiny = `
heat_template_version: 2018-03-02
parameters:
  length: {type: number, default: 8}
  note: {type: string, default: none}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: length}}}
outputs:
  word: {value: {get_attr: [word, value]}}
  note: {value: {get_param: note}}
`

// slow takes some seconds to create, and may fail.
const slow = `
heat_template_version: 2018-03-02
parameters:
  fail: {type: boolean, default: false}
  seconds: {type: number, default: 5}
  value: {type: string, default: a}
resources:
  first: {type: OS::Heat::RandomString}
  test:
    type: OS::Heat::TestResource
    depends_on: first
    properties: {value: {get_param: value}, fail: {get_param: fail}, wait_secs: {get_param: seconds}, action_wait_secs: {delete: 4, update: {get_param: seconds}}}
outputs:
  test: {value: {get_attr: [test, output]}}
`

func createRows() []row {
	return []row{
		{"create answers before it builds, outputs are null until then", createIsAsynchronous},
		{"an output has its value as soon as its resource is begun", outputsWhileMade},
		{"what failed has the outputs it got, what is being deleted has none", outputsOfFailedAndDeleted},
		{"a name is taken while the stack is made and when it is", nameTakenWhenMade},
		{"a name is taken by a failed stack", nameTakenByFailed},
		{"a name is taken by a stack being deleted, and free soon after", nameTakenUntilDeleted},
		{"eight creates of one name at once: at least one wins, and all find the same", createsRace},
		{"ensure adopts what is there", ensureAdopts},
		{"ensure finds its stack when the answer was lost", func(h *harness) { ensureInTrouble(h, lost) }},
		{"ensure tries again when the cloud was down", func(h *harness) { ensureInTrouble(h, down) }},
		{"ensure refuses to adopt a stack being deleted", ensureRefusesDeleting},
		{"create refuses what does not fit the template", createRefuses},
		{"find by name", findByName},
		{"list by tags, all of them", listByTags},
		{"list and count by any of several tags, together with tags, action, status and name", listByAnyTag},
		{"a stack of one value is changed, sleeps, refuses a change, wakes and is changed again", valueLife},
		{"a page of a list and the count of all of it", listInPages},
		{"tags together with one more filter: an error of Heat's own, which the client goes round", listTrouble},
		{"a tag may have 80 characters", longTags},
		{"a bare name or id is answered by a redirect", bareName},
		{"an unknown stack is gone", unknownIsGone},
		{"a failed resource fails the stack and names itself", failureIsNamed},
		{"outputs are left out on request", outputsOnRequest},
		{"error bodies have Heat's shape", errorShape},
	}
}

func createIsAsynchronous(h *harness) {
	t := h.t
	// A TestResource has its output as soon as it begins: this one waits for another.
	const behind = `
heat_template_version: 2018-03-02
resources:
  before: {type: OS::Heat::TestResource, properties: {wait_secs: 10}}
  test: {type: OS::Heat::TestResource, depends_on: before, properties: {value: a}}
outputs:
  test: {value: {get_attr: [test, output]}}
`
	ref := h.make(t, openstack.NewStack{Template: behind})
	s := h.read(t, ref)
	wantState(t, s, "CREATE_IN_PROGRESS")
	if v, there := s.Outputs["test"]; v != nil || !there {
		t.Errorf("output is %v (there: %v), want nil", v, there)
	}
	if s.Created.IsZero() || !s.Updated.IsZero() {
		t.Errorf("created %v, updated %v", s.Created, s.Updated)
	}
	s = h.settled(t, ref)
	wantState(t, s, "CREATE_COMPLETE")
	if s.Outputs["test"] != "a" {
		t.Errorf("output is %v, want a", s.Outputs["test"])
	}
}

// outputsWhileMade: Heat reads an attribute whatever the status of a resource (heat/engine/hot/functions.py _result_ready).
func outputsWhileMade(h *harness) {
	t := h.t
	const inside = `
heat_template_version: 2018-03-02
parameters: {value: {type: string}}
resources:
  test: {type: OS::Heat::TestResource, properties: {value: {get_param: value}, action_wait_secs: {create: 60}}}
outputs:
  value: {value: {get_attr: [test, output]}}
`
	const begun = `
heat_template_version: 2018-03-02
resources:
  test: {type: OS::Heat::TestResource, properties: {value: a, action_wait_secs: {create: 60}}}
  plain: {type: OS::Heat::TestResource, properties: {action_wait_secs: {create: 60}}}
  nested: {type: inside.yaml, properties: {value: b}}
  group: {type: OS::Heat::ResourceGroup, properties: {count: 2, resource_def: {type: inside.yaml, properties: {value: "c%index%"}}}}
  handle: {type: OS::Heat::WaitConditionHandle}
  wait: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: handle}, timeout: 300, count: 2}}
  behind: {type: OS::Heat::TestResource, depends_on: wait, properties: {value: d}}
outputs:
  test: {value: {get_attr: [test, output]}}
  plain: {value: {get_attr: [plain, output]}}
  nested: {value: {get_attr: [nested, value]}}
  group: {value: {get_attr: [group, value]}}
  map: {value: {get_attr: [group, attributes, value]}}
  first: {value: {get_attr: [group, resource.0.value]}}
  wait: {value: {get_attr: [wait, data]}}
  behind: {value: {get_attr: [behind, output]}}
`
	ref := h.make(t, openstack.NewStack{Template: begun, Files: map[string]string{"inside.yaml": inside}})
	for _, name := range []string{"test", "plain", "wait"} {
		h.waitingFor(t, ref, name)
	}
	want := map[string]any{
		"test": "a", "plain": "test_string", "nested": "b", "group": []any{"c0", "c1"}, "map": map[string]any{"0": "c0", "1": "c1"}, "first": "c0",
		"wait": "{}", "behind": nil,
	}
	var s openstack.Stack
	defer func() {
		if t.Failed() {
			t.Logf("outputs were %v", s.Outputs)
		}
	}()
	h.eventually(t, func() bool { s = h.read(t, ref); return reflect.DeepEqual(s.Outputs, want) }, "the outputs are never as wanted")
	list, err := h.cloud.Resources(t.Context(), ref, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		state, want, without := r.Action+"_"+r.Status, "CREATE_IN_PROGRESS", r.Name == "wait"
		switch r.Name {
		case "handle":
			want = "CREATE_COMPLETE"
		case "behind":
			want, without = "INIT_COMPLETE", true
		}
		if state != want || (r.PhysicalID == "") != without {
			t.Errorf("%s in %q is %s by then, want %s; its physical id is %q", r.Name, r.Parent, state, want, r.PhysicalID)
		}
	}
	if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "one", Status: "SUCCESS", Data: "x"}); err != nil {
		t.Fatal(err)
	}
	h.signalled(t, ref, "one")
	s = h.read(t, ref)
	wantState(t, s, "CREATE_IN_PROGRESS")
	if s.Outputs["wait"] != `{"one": "x"}` {
		t.Errorf("data of a condition that waits is %v, want the signal so far", s.Outputs["wait"])
	}
}

func outputsOfFailedAndDeleted(h *harness) {
	t := h.t
	const broken = `
heat_template_version: 2018-03-02
resources:
  test: {type: OS::Heat::TestResource, properties: {value: a, action_wait_secs: {delete: 15}}}
  broken: {type: OS::Heat::TestResource, depends_on: test, properties: {value: b, fail: true}}
outputs:
  test: {value: {get_attr: [test, output]}}
  broken: {value: {get_attr: [broken, output]}}
`
	ref := h.make(t, openstack.NewStack{Template: broken})
	s := h.settled(t, ref)
	wantState(t, s, "CREATE_FAILED")
	if want := map[string]any{"test": "a", "broken": nil}; !reflect.DeepEqual(s.Outputs, want) {
		t.Errorf("outputs of a failed stack are %v, want %v", s.Outputs, want)
	}
	if ids := h.physical(t, ref, 0); ids["test"] == "" || ids["broken"] != "" {
		t.Errorf("physical ids are %v, want one of test alone", ids)
	}
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.eventually(t, func() bool {
		list, err := h.cloud.Resources(t.Context(), ref, 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(r openstack.Resource) bool { return r.Name == "test" && r.Action == "DELETE" })
	}, "the resource is never deleted")
	s = h.read(t, ref)
	wantState(t, s, "DELETE_IN_PROGRESS")
	if v, there := s.Outputs["test"]; v != nil || !there {
		t.Errorf("output of what is being deleted is %v (there: %v), want nil", v, there)
	}
}

func nameTakenWhenMade(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow})
	_, err := h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
	wantCode(t, err, openstack.Conflict)
	h.settled(t, ref)
	_, err = h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
	wantCode(t, err, openstack.Conflict)
}

func nameTakenByFailed(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow, Parameters: map[string]any{"fail": true, "seconds": 0}})
	wantState(t, h.settled(t, ref), "CREATE_FAILED")
	_, err := h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
	wantCode(t, err, openstack.Conflict)
}

func nameTakenUntilDeleted(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: map[string]any{"seconds": 0}})
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	_, err := h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
	wantCode(t, err, openstack.Conflict)
	h.eventually(t, func() bool {
		_, err := h.cloud.Stack(t.Context(), ref)
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack does not go")
	var again openstack.StackRef
	tries := 0
	h.eventually(t, func() bool {
		tries++
		again, err = h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
		return err == nil
	}, "the name stays taken")
	h.remove(again)
	t.Logf("the name was free at try %d", tries)
}

// createsRace: Heat looks for the name before and after its insert, but has no index on it. On Zed two or three of eight
// won in 5 of 6 rounds, with the same creation time; so whoever creates must look again and agree on one.
func createsRace(h *harness) {
	t := h.t
	name := fresh()
	refs := make([]openstack.StackRef, 8)
	var all sync.WaitGroup
	for i := range refs {
		cloud := h.another(t, nil) // as from another process: one client does not race with itself
		all.Go(func() {
			ref, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: name, Template: tiny})
			if err != nil {
				wantCode(t, err, openstack.Conflict)
			}
			refs[i] = ref
		})
	}
	all.Wait()
	found, err := h.cloud.FindStack(t.Context(), name)
	if err != nil || !slices.Contains(refs, found.StackRef) {
		t.Errorf("found %v, %v; made %v", found.StackRef, err, refs)
	}
	won := 0
	for _, ref := range refs {
		if ref.ID != "" {
			won++
			h.remove(ref)
		}
	}
	t.Logf("%d of 8 creates won", won)
	if won == 0 {
		t.Error("no create won")
	}
}

func ensureAdopts(h *harness) {
	t := h.t
	s := openstack.NewStack{Name: fresh(), Template: slow}
	first, created, err := h.cloud.EnsureStack(t.Context(), s)
	if err != nil || !created {
		t.Fatalf("first: created %v, %v", created, err)
	}
	t.Cleanup(func() { h.remove(first) })
	second, created, err := h.cloud.EnsureStack(t.Context(), s)
	if err != nil || created || second != first {
		t.Errorf("second: %v, created %v, %v; want %v adopted", second, created, err, first)
	}
}

func ensureRefusesDeleting(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: map[string]any{"seconds": 0}})
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	_, created, err := h.cloud.EnsureStack(t.Context(), openstack.NewStack{Name: ref.Name, Template: tiny})
	wantCode(t, err, openstack.Busy)
	if created {
		t.Error("it was created")
	}
}

func createRefuses(h *harness) {
	t := h.t
	const constrained = `
heat_template_version: 2018-03-02
parameters:
  size: {type: number, constraints: [{range: {min: 1, max: 3}}]}
  kind: {type: string, default: a, constraints: [{allowed_values: [a, b]}]}
  code: {type: string, default: x1, constraints: [{allowed_pattern: "[a-z][0-9]"}]}
  long: {type: string, default: abc, constraints: [{length: {max: 3}}]}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: size}}}
`
	resource := func(text string) string { return "heat_template_version: 2018-03-02\nresources: {r: " + text + "}\n" }
	with := func(template string, params map[string]any) openstack.NewStack {
		return openstack.NewStack{Name: fresh(), Template: template, Parameters: params}
	}
	for name, s := range map[string]openstack.NewStack{
		"one name twice":        with("heat_template_version: 2018-03-02\nparameters: {r: {type: string, default: a}}\nresources: {r: {type: OS::Heat::None}}\n", nil),
		"missing parameter":     with(constrained, nil),
		"unknown parameter":     with(tiny, map[string]any{"nonsense": 1}),
		"no number":             with(tiny, map[string]any{"length": "many"}),
		"out of range":          with(constrained, map[string]any{"size": 4}),
		"not allowed":           with(constrained, map[string]any{"size": 1, "kind": "c"}),
		"pattern":               with(constrained, map[string]any{"size": 1, "code": "xx"}),
		"too long":              with(constrained, map[string]any{"size": 1, "long": "abcd"}),
		"unknown type":          with(resource("{type: OS::Heat::Nonsense}"), nil),
		"unknown property":      with(resource("{type: OS::Heat::RandomString, properties: {nonsense: 1}}"), nil),
		"property missing":      with(resource("{type: OS::Heat::Value}"), nil),
		"unknown reference":     with(resource("{type: OS::Heat::Value, properties: {value: {get_resource: other}}}"), nil),
		"unknown get_param":     with(resource("{type: OS::Heat::Value, properties: {value: {get_param: other}}}"), nil),
		"file not sent":         with(resource("{type: OS::Heat::Value, properties: {value: {get_file: other.txt}}}"), nil),
		"unknown version":       with("heat_template_version: 1999-01-01\n", nil),
		"no version":            with("resources: {}\n", nil),
		"no YAML":               with("heat_template_version: [", nil),
		"unknown section":       with("heat_template_version: 2018-03-02\nnonsense: {}\n", nil),
		"unknown resource key":  with(resource("{type: OS::Heat::None, nonsense: 1}"), nil),
		"output without value":  with("heat_template_version: 2018-03-02\noutputs: {a: {description: b}}\n", nil),
		"nested property":       {Name: fresh(), Template: resource("{type: n.yaml, properties: {nonsense: 1}}"), Files: map[string]string{"n.yaml": tiny}},
		"nested missing":        {Name: fresh(), Template: resource("{type: n.yaml}"), Files: map[string]string{"n.yaml": constrained}},
		"nested broken":         {Name: fresh(), Template: resource("{type: n.yaml}"), Files: map[string]string{"n.yaml": "nonsense"}},
		"nested in a group":     {Name: fresh(), Template: resource("{type: OS::Heat::ResourceGroup, properties: {resource_def: {type: n.yaml, properties: {nonsense: 1}}}}"), Files: map[string]string{"n.yaml": tiny}},
		"condition not defined": with(resource("{type: OS::Heat::None, condition: other}"), nil),
		"name with a space":     {Name: "a b", Template: tiny},
		"name with a digit":     {Name: "1a", Template: tiny},
	} {
		ref, err := h.cloud.CreateStack(t.Context(), s)
		if openstack.CodeOf(err) != openstack.Refused {
			t.Errorf("%s: error %v, want refused", name, err)
		}
		if err == nil {
			h.remove(ref)
		}
	}
}

func findByName(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: tiny, Tags: []string{"stackhook", "lab=web"}})
	s, err := h.cloud.FindStack(t.Context(), ref.Name)
	if err != nil || s.StackRef != ref || !slices.Equal(s.Tags, []string{"stackhook", "lab=web"}) || s.Action != "CREATE" {
		t.Errorf("found %+v, %v", s, err)
	}
	_, err = h.cloud.FindStack(t.Context(), ref.Name+"x")
	wantCode(t, err, openstack.Gone)
}

func listByTags(h *harness) {
	t := h.t
	tag := fresh()
	a := h.make(t, openstack.NewStack{Template: tiny, Tags: []string{tag, "red"}})
	b := h.make(t, openstack.NewStack{Template: tiny, Tags: []string{"blue", tag}})
	list := func(tags ...string) []string {
		var names []string
		for s, err := range h.cloud.Stacks(t.Context(), tags...) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, s.Name)
		}
		slices.Sort(names)
		return names
	}
	both := []string{a.Name, b.Name}
	slices.Sort(both)
	if got := list(tag); !slices.Equal(got, both) {
		t.Errorf("with %s: %v, want %v", tag, got, both)
	}
	if got := list(tag, "blue"); !slices.Equal(got, []string{b.Name}) {
		t.Errorf("blue: %v, want %s", got, b.Name)
	}
	if got := list(tag + "x"); len(got) != 0 {
		t.Errorf("unknown tag: %v", got)
	}
}

func longTags(h *harness) {
	t := h.t
	h.make(t, openstack.NewStack{Template: tiny, Tags: []string{strings.Repeat("x", 80)}})
	ref, err := h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: fresh(), Template: tiny, Tags: []string{strings.Repeat("x", 81)}})
	wantCode(t, err, openstack.Refused)
	if err == nil {
		h.remove(ref)
	}
}

func bareName(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: tiny})
	for _, path := range []string{"/stacks/" + ref.Name, "/stacks/" + ref.ID} {
		got := h.raw(t, "heat", http.MethodGet, path, nil)
		if got.status != http.StatusFound || !strings.HasSuffix(got.header.Get("Location"), "/stacks/"+ref.Name+"/"+ref.ID) {
			t.Errorf("GET %s: %d to %s", path, got.status, got.header.Get("Location"))
		}
	}
}

func unknownIsGone(h *harness) {
	t := h.t
	unknown := openstack.StackRef{Name: fresh(), ID: "00000000-0000-4000-8000-000000000000"}
	_, err := h.cloud.Stack(t.Context(), unknown)
	wantCode(t, err, openstack.Gone)
	wantCode(t, h.cloud.DeleteStack(t.Context(), unknown), openstack.Gone)
	wantCode(t, h.cloud.PatchStack(t.Context(), unknown, openstack.StackChange{}), openstack.Gone)
	ref := h.make(t, openstack.NewStack{Template: tiny})
	_, err = h.cloud.Stack(t.Context(), openstack.StackRef{Name: "other", ID: ref.ID})
	wantCode(t, err, openstack.Gone)
	_, err = h.cloud.Metadata(t.Context(), ref, "nonsense")
	wantCode(t, err, openstack.Gone)
}

func failureIsNamed(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow, Parameters: map[string]any{"fail": true, "seconds": 0}})
	s := h.settled(t, ref)
	wantState(t, s, "CREATE_FAILED")
	if !strings.HasPrefix(s.Reason, "Resource CREATE failed: ") || !strings.Contains(s.Reason, "resources.test: ") {
		t.Errorf("reason is %q", s.Reason)
	}
	list, err := h.cloud.Resources(t.Context(), ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if want := map[string]string{"first": "COMPLETE", "test": "FAILED"}[r.Name]; r.Status != want {
			t.Errorf("resource %s is %s_%s (%s), want %s", r.Name, r.Action, r.Status, r.Reason, want)
		}
	}
}

func outputsOnRequest(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	s, err := h.cloud.StackParameters(t.Context(), ref)
	if err != nil || s.Outputs != nil || s.Parameters["length"] != "8" {
		t.Errorf("without outputs: %+v, %v", s, err)
	}
	full := h.read(t, ref)
	if word, _ := full.Outputs["word"].(string); len(word) != 8 {
		t.Errorf("outputs are %v", full.Outputs)
	}
}

func errorShape(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: tiny})
	stack := func(more map[string]any) map[string]any {
		body := map[string]any{"stack_name": ref.Name, "template": tiny}
		maps.Copy(body, more)
		return body
	}
	h.raw(t, "heat", http.MethodPost, "/stacks", stack(nil)).wantError(t, 409, "StackExists")
	h.raw(t, "heat", http.MethodPost, "/stacks", stack(map[string]any{"stack_name": fresh(), "parameters": map[string]any{"x": 1}})).wantError(t, 400, "UnknownUserParameter")
	h.raw(t, "heat", http.MethodPost, "/stacks", stack(map[string]any{"stack_name": fresh(), "parameters": map[string]any{"length": "x"}})).wantError(t, 400, "StackValidationFailed")
	h.raw(t, "heat", http.MethodPost, "/stacks", map[string]any{"stack_name": fresh(), "template": "heat_template_version: 2018-03-02\nparameters: {a: {type: string}}\n"}).wantError(t, 400, "UserParameterMissing")
	h.raw(t, "heat", http.MethodGet, "/stacks/nonsense", nil).wantError(t, 404, "EntityNotFound")
	h.settled(t, ref)
}
