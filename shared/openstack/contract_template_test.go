package openstack_test

import (
	"reflect"
	"strings"

	"github.com/stackhook/stackhook/shared/openstack"
)

func templateRows() []row {
	return []row{
		{"functions", templateFunctions},
		{"functions at their edges", functionEdges},
		{"parameters as printed", printedParameters},
		{"conditions", templateConditions},
		{"nested templates and files", nestedTemplates},
		{"validate", validateTemplates},
	}
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

func templateFunctions(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters:
  list: {type: comma_delimited_list, default: "a,b,c"}
  map: {type: json, default: {k: {n: [1, 2]}, t: x}}
  number: {type: number, default: 3}
  flag: {type: boolean, default: true}
conditions:
  three: {equals: [{get_param: number}, 3]}
  never: {and: [three, {not: three}]}
  either: {or: [never, {get_param: flag}]}
resources:
  value: {type: OS::Heat::Value, properties: {value: {k: [1, {z: two}], s: text}}}
  chosen: {type: OS::Heat::Value, properties: {value: {if: [either, yes, no]}}}
outputs:
  param_list: {value: {get_param: [list, 1]}}
  param_map: {value: {get_param: [map, k, n, 1]}}
  param_whole: {value: {get_param: map}}
  param_missing: {value: {get_param: [map, nothing]}}
  number: {value: {get_param: number}}
  flag: {value: {get_param: flag}}
  attr: {value: {get_attr: [value, value, k, 1, z]}}
  attr_whole: {value: {get_attr: [value, value]}}
  replaced: {value: {str_replace: {template: "$a$ab-$n", params: {$a: one, $ab: two, $n: {get_param: number}}}}}
  replaced_json: {value: {str_replace: {template: "<x>", params: {x: {get_param: map}}}}}
  joined: {value: {list_join: ["-", {get_param: list}, [d, {e: 4}]]}}
  joined_json: {value: {list_join: [",", [{a: 1}, [2]]]}}
  concat: {value: {list_concat: [[1], [2, 3]]}}
  merged: {value: {map_merge: [{a: 1, b: 1}, {b: 2}]}}
  split: {value: {str_split: [".", "10.0.0.1", 3]}}
  split_all: {value: {str_split: [",", "a,b"]}}
  if_yes: {value: {if: [three, [1], 2]}}
  chosen: {value: {get_attr: [chosen, value]}}
  repeated: {value: {repeat: {for_each: {$i: {get_param: list}}, template: {name: n-$i, rule: $i}}}}
  digest: {value: {digest: [sha256, abc]}}
  url: {value: {make_url: {scheme: https, host: "::1", port: 8443, path: /x}}}
  contains: {value: {contains: [b, {get_param: list}]}}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	got := h.read(t, ref).Outputs
	for name, want := range map[string]any{
		"param_list": "b", "param_map": 2.0, "param_whole": map[string]any{"k": map[string]any{"n": []any{1.0, 2.0}}, "t": "x"}, "param_missing": "",
		"number": 3.0, "flag": true, "attr": "two", "attr_whole": map[string]any{"k": []any{1.0, map[string]any{"z": "two"}}, "s": "text"},
		"replaced": "onetwo-3", "replaced_json": `<{"k": {"n": [1, 2]}, "t": "x"}>`, "joined": `a-b-c-d-{"e": 4}`, "joined_json": `{"a": 1},[2]`,
		"concat": []any{1.0, 2.0, 3.0}, "merged": map[string]any{"a": 1.0, "b": 2.0}, "split": "1", "split_all": []any{"a", "b"},
		"if_yes": []any{1.0}, "chosen": true, "digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"repeated": []any{map[string]any{"name": "n-a", "rule": "a"}, map[string]any{"name": "n-b", "rule": "b"}, map[string]any{"name": "n-c", "rule": "c"}},
		"url":      "https://[::1]:8443/x", "contains": true,
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %#v, want %#v", name, got[name], want)
		}
	}
}

// functionEdges are answers a person would not guess. An output that cannot be resolved is null, not an error.
func functionEdges(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters:
  n: {type: number, default: 3}
  f: {type: number, default: 1.50}
  seven: {type: number, default: "007"}
  list: {type: comma_delimited_list, default: "a, b,,c"}
  empty: {type: comma_delimited_list, default: ""}
  map: {type: json, default: {k: 1, z: null}}
  b: {type: boolean, default: "on"}
resources:
  value: {type: OS::Heat::Value, properties: {value: {k: [1, {z: two}], s: text}}}
  none: {type: OS::Heat::None}
outputs:
  attr_missing: {value: {get_attr: [value, value, nothing]}}
  attr_beyond: {value: {get_attr: [value, value, k, 9]}}
  attr_text_index: {value: {get_attr: [value, value, k, "1"]}}
  attr_negative: {value: {get_attr: [value, value, k, -1]}}
  attr_into_text: {value: {get_attr: [value, value, s, more]}}
  attr_none: {value: {get_attr: [none, anything]}}
  f: {value: {get_param: f}}
  seven: {value: {get_param: seven}}
  list: {value: {get_param: list}}
  empty: {value: {get_param: empty}}
  replaced: {value: {str_replace: {template: "n f b z/t", params: {n: {get_param: n}, f: {get_param: f}, b: {get_param: b}, z: null, t: true}}}}
  replaced_null: {value: {str_replace: {template: aXb, params: {X: {get_attr: [value, value, nothing]}}}}}
  join_null: {value: {list_join: [",", [a, null, b], null]}}
  join_number: {value: {list_join: [",", [a, 1]]}}
  equals: {value: [{if: [{equals: ["3", 3]}, 1, 0]}, {if: [{equals: [1.0, 1]}, 1, 0]}, {if: [{get_param: b}, 1, 0]}, {if: [{equals: [{get_param: b}, "true"]}, 1, 0]}]}
  concat_null: {value: {list_concat: [[1], null, [2]]}}
  unique: {value: {list_concat_unique: [[1, 2], [2, 3]]}}
  merge_null: {value: {map_merge: [{a: 1}, null]}}
  split_beyond: {value: {str_split: [",", "a,b", 5]}}
  repeat_number: {value: {repeat: {for_each: {"%x%": [1]}, template: "p%x%"}}}
  repeat_map: {value: {repeat: {for_each: {"%x%": {k1: 1, k2: 2}}, template: "%x%"}}}
  filter: {value: {filter: [[null, ""], [a, "", null, b]]}}
  url: {value: {make_url: {scheme: http, host: 10.0.0.1, path: a, query: {a: b}}}}
  yaml: {value: [12:30, 0644, yes, off, 2018-03-02]}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	got := h.read(t, ref).Outputs
	for name, want := range map[string]any{
		"attr_missing": nil, "attr_beyond": nil, "attr_text_index": nil, "attr_negative": map[string]any{"z": "two"}, "attr_into_text": nil, "attr_none": nil,
		"f": 1.5, "seven": 7.0, "list": []any{"a", " b", "", "c"}, "empty": []any{}, "replaced": "3 1.5 True /True", "replaced_null": "ab",
		"join_null": "a,,b", "join_number": nil, "equals": []any{0.0, 1.0, 1.0, 0.0}, "concat_null": []any{1.0, 2.0}, "unique": []any{1.0, 2.0, 3.0},
		"merge_null": map[string]any{"a": 1.0}, "split_beyond": nil, "repeat_number": nil, "repeat_map": []any{"k1", "k2"}, "filter": []any{"a", "b"},
		"url": "http://10.0.0.1/a?a=b", "yaml": []any{750.0, 420.0, true, false, "2018-03-02"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %#v, want %#v", name, got[name], want)
		}
	}
}

func printedParameters(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters:
  string: {type: string, default: ""}
  hidden: {type: string, hidden: true, default: secret}
  list: {type: comma_delimited_list, default: []}
  json: {type: json, default: {}}
  flag: {type: boolean, default: off}
  number: {type: number, default: 1.5}
`
	ref := h.built(t, openstack.NewStack{Template: text, Parameters: params(
		"hidden", "also", "list", []string{"a", "b"}, "json", map[string]any{"a": []int{1}}, "flag", "on", "number", "7",
	)})
	s := h.read(t, ref)
	for name, want := range map[string]string{
		"string": "", "hidden": "******", "list": "a,b", "json": `{"a": [1]}`, "flag": "True", "number": "7",
		"OS::stack_id": ref.ID, "OS::stack_name": ref.Name,
	} {
		if got, there := s.Parameters[name]; got != want || !there {
			t.Errorf("%s is printed %q, want %q", name, got, want)
		}
	}
	if project, err := h.cloud.Project(t.Context()); err != nil || s.Parameters["OS::project_id"] != project {
		t.Errorf("project is %q, %v, want %q", s.Parameters["OS::project_id"], err, project)
	}
}

func templateConditions(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters: {more: {type: boolean, default: false}}
conditions: {extra: {equals: [{get_param: more}, true]}}
resources:
  base: {type: OS::Heat::RandomString}
  extra: {type: OS::Heat::RandomString, condition: extra}
  user: {type: OS::Heat::Value, properties: {value: {if: [extra, {get_resource: extra}, none]}}}
outputs:
  user: {value: {get_attr: [user, value]}}
  extra: {condition: extra, value: {get_resource: extra}}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	if s, got := h.read(t, ref), h.physical(t, ref, 0); len(got) != 2 || s.Outputs["user"] != "none" || s.Outputs["extra"] != nil {
		t.Errorf("without: %v, %v", got, s.Outputs)
	}
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("more", true)})
	got := h.physical(t, ref, 0)
	if len(got) != 3 || s.Outputs["user"] == "none" || s.Outputs["extra"] != s.Outputs["user"] {
		t.Errorf("with: %v, %v", got, s.Outputs)
	}
	h.patched(t, ref, openstack.StackChange{Parameters: params("more", false)})
	if got := h.physical(t, ref, 0); len(got) != 2 {
		t.Errorf("without again: %v", got)
	}
}

func nestedTemplates(h *harness) {
	t := h.t
	const outer = `
heat_template_version: 2018-03-02
resources:
  inner: {type: inner.yaml, properties: {text: {get_file: script.sh}}}
  plain: {type: plain.yaml}
outputs:
  text: {value: {get_attr: [inner, text]}}
  inner: {value: {get_resource: inner}}
  word: {value: {get_attr: [inner, word]}}
  plain: {value: {get_resource: plain}}
`
	const inner = `
heat_template_version: 2018-03-02
parameters: {text: {type: string}}
resources:
  word: {type: OS::Heat::RandomString}
outputs:
  text: {value: {get_param: text}}
  word: {value: {get_attr: [word, value]}}
  OS::stack_id: {value: {get_resource: word}}
`
	ref := h.built(t, openstack.NewStack{Template: outer, Files: map[string]string{
		"inner.yaml": inner, "script.sh": "#!/bin/sh\n", "plain.yaml": "heat_template_version: 2018-03-02\nresources: {word: {type: OS::Heat::RandomString}}\n",
	}})
	s, ids := h.read(t, ref), h.physical(t, ref, 1)
	if s.Outputs["text"] != "#!/bin/sh\n" || s.Outputs["inner"] != s.Outputs["word"] {
		t.Errorf("outputs are %v, resources %v", s.Outputs, ids)
	}
	if plain, _ := s.Outputs["plain"].(string); !strings.HasPrefix(plain, "arn:openstack:heat::") || !strings.HasSuffix(plain, "/"+ids["plain"]) {
		t.Errorf("a nested stack without OS::stack_id is referred to as %q, its id is %s", plain, ids["plain"])
	}
}

func validateTemplates(h *harness) {
	t := h.t
	files := map[string]string{"member.yaml": member}
	if err := h.cloud.ValidateTemplate(t.Context(), group, files); err != nil {
		t.Errorf("a good template: %v", err)
	}
	wantCode(t, h.cloud.ValidateTemplate(t.Context(), strings.Replace(tiny, "RandomString", "Nonsense", 1), nil), openstack.Refused)
	wantCode(t, h.cloud.ValidateTemplate(t.Context(), "nonsense", nil), openstack.Refused)
}
