package openstack_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// What Heat may say of a stack besides what it should, or what may become of it on its way.
func TestOddStacks(t *testing.T) {
	t.Parallel()
	plain := openstack.Stack{StackRef: lab}
	with := func(change func(*openstack.Stack)) openstack.Stack {
		s := plain
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		text string // after the id and the name
		want openstack.Stack
		code openstack.Code
	}{
		"nothing else": {``, plain, ""},
		"nulls":        {`, "stack_status": null, "creation_time": null, "tags": null, "parameters": null, "outputs": null`, plain, ""},
		"nothing in them": {`, "creation_time": "", "tags": [], "parameters": {}, "outputs": [ ]`, with(func(s *openstack.Stack) {
			s.Tags, s.Parameters, s.Outputs = []string{}, map[string]string{}, map[string]any{}
		}), ""},
		"no tag":         {`, "tags": ["", null, "a"]`, with(func(s *openstack.Stack) { s.Tags = []string{"a"} }), ""},
		"unknown fields": {`, "x": {"id": [{"a": "}]"}, -1.5e3]}, "y": true, "z": [], "parent": null, "timeout_mins": 15`, plain, ""},
		"parameters": {`, "parameters": {"n": 1.50, "b": true, "o": {"b": 1, "a": "<"}, "l": [], "z": null, "": ""}`, with(func(s *openstack.Stack) {
			s.Parameters = map[string]string{"n": "1.5", "b": "true", "o": `{"a":"\u003c","b":1}`, "l": "[]", "z": "", "": ""}
		}), ""},
		"huge numbers": {`, "parameters": {"n": 12345678901234567890}, "outputs": [{"output_key": "n", "output_value": 12345678901234567890}]`, with(func(s *openstack.Stack) {
			s.Parameters, s.Outputs = map[string]string{"n": "12345678901234567000"}, map[string]any{"n": 12345678901234567890.0}
		}), ""},
		"too huge a number": {`, "outputs": [{"output_key": "n", "output_value": 1e999}]`, plain, openstack.Broken},
		"huge and unknown":  {`, "x": 1e999`, plain, ""},
		"outputs": {
			`, "outputs": [{"output_value": {"a": ["b", {"c": null}]}, "description": "d", "output_key": "o"}, {"output_key": "e", "output_error": "no"}, {"output_key": "f", "output_value": false}, {"output_value": "x"}, null]`,
			with(func(s *openstack.Stack) {
				s.Outputs = map[string]any{"o": map[string]any{"a": []any{"b", map[string]any{"c": nil}}}, "e": nil, "f": false, "": nil}
			}), "",
		},
		"escapes": {`, "stack_status_reason": "\u00fc\n\"\\\/ \ud83d\ude00 ü", "\u0074ags": ["\u0061"], "parameters": {"\"": "\t"}`, with(func(s *openstack.Stack) {
			s.Reason, s.Tags, s.Parameters = "ü\n\"\\/ 😀 ü", []string{"a"}, map[string]string{`"`: "\t"}
		}), ""},
		"no UTF-8":                 {", \"stack_status_reason\": \"a\xffb\\ud800\"", with(func(s *openstack.Stack) { s.Reason = "a\ufffdb\ufffd" }), ""},
		"white space":              {" , \"tags\"\n:\t[ \"a\"\r, \"b\" ]  ", with(func(s *openstack.Stack) { s.Tags = []string{"a", "b"} }), ""},
		"no time":                  {`, "creation_time": "yesterday"`, plain, openstack.Broken},
		"id of a number":           {`, "id": 1`, plain, openstack.Broken},
		"tags of a text":           {`, "tags": "a,b"`, plain, openstack.Broken},
		"tag of a number":          {`, "tags": [1]`, plain, openstack.Broken},
		"parameters of a list":     {`, "parameters": []`, plain, openstack.Broken},
		"outputs of an object":     {`, "outputs": {}`, plain, openstack.Broken},
		"output of a text":         {`, "outputs": ["a"]`, plain, openstack.Broken},
		"key of a number":          {`, "outputs": [{"output_key": 1}]`, plain, openstack.Broken},
		"line break in a text":     {", \"stack_status_reason\": \"a\nb\"", plain, openstack.Broken},
		"no such escape":           {`, "stack_status_reason": "\q"`, plain, openstack.Broken},
		"no such escape, unknown":  {`, "x": "\q"`, plain, openstack.Broken},
		"no comma":                 {` "tags": []`, plain, openstack.Broken},
		"a comma too many":         {`, "tags": ["a",]`, plain, openstack.Broken},
		"and at the end":           {`,`, plain, openstack.Broken},
		"no colon":                 {`, "tags" []`, plain, openstack.Broken},
		"no name":                  {`, tags: []`, plain, openstack.Broken},
		"no value":                 {`, "tags": , "x": 1`, plain, openstack.Broken},
		"no such word":             {`, "x": nil`, plain, openstack.Broken},
		"no such number":           {`, "x": 01`, plain, openstack.Broken},
		"brackets that do not fit": {`, "x": [}`, plain, openstack.Broken},
		"nothing where a value is": {`, "x": {"a"}`, plain, openstack.Broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"stack_name": "lab-1", "id": "s1"` + c.text + `}`
			p := newPeer(t)
			p.handle("GET /heat/v1/p1/stacks/lab-1/s1", answers(http.StatusOK, `{"stack": `+text+`}`))
			p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, `{"count": 1, "stacks": [`+text+`], "links": []}`))
			cloud := p.cloud(t)
			got, err := cloud.Stack(t.Context(), lab)
			if openstack.CodeOf(err) != c.code || err == nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("stack:\n got %#v, %v\nwant %#v, %s", got, err, c.want, c.code)
			}
			got, err = cloud.FindStack(t.Context(), "lab-1")
			if openstack.CodeOf(err) != c.code || err == nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("in a list:\n got %#v, %v\nwant %#v, %s", got, err, c.want, c.code)
			}
		})
	}
}

func TestOddAnswersOfAStack(t *testing.T) {
	t.Parallel()
	const whole = `{"stack": {"id": "s1", "stack_name": "lab-1", "tags": ["a"], "parameters": {"n": ["b"]}, "outputs": [{"output_value": {"a": {}}}], "x": [[]]}} `
	// Half an answer is none, wherever it stops. Only within a word, a number or an escape encoding/json does not see it.
	cases := map[string]openstack.Code{
		whole: "", "": openstack.Broken, " ": openstack.Unavailable, "null": openstack.Broken, "{}": openstack.Broken, `{"stack": null}`: openstack.Broken,
		"[]": openstack.Broken, "7": openstack.Broken, `"stack"`: openstack.Broken, `{"stack": []}`: openstack.Broken, "<html>": openstack.Broken,
		whole + "{}": openstack.Broken, whole + "\x00": openstack.Broken, "\ufeff" + whole: openstack.Broken,
		`{"stack": {"id": 5, "x`: openstack.Unavailable, // half an answer, whatever the other half is
	}
	for n := 1; n < len(whole)-2; n++ {
		cases[whole[:n]] = openstack.Unavailable
	}
	p := newPeer(t)
	text := ""
	p.handle("GET /heat/v1/p1/stacks/lab-1/s1", func(w http.ResponseWriter, r *http.Request) { answers(http.StatusOK, text)(w, r) })
	cloud := p.cloud(t)
	for body, want := range cases {
		text = body
		if _, err := cloud.Stack(t.Context(), lab); openstack.CodeOf(err) != want {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}
