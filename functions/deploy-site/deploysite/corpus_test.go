package deploysite_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// Acceptance 8: each of these is refused with the path of the field that is wrong, and the cloud hears of none of them.
func TestRow7022ValidateRefusesEachWrongSpec(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/wrong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	specs := strings.Split(string(text), "---\n")[1:]
	if len(specs) < 60 {
		t.Fatalf("%d wrong specs", len(specs))
	}
	h := start(t)
	for _, spec := range specs {
		first, _, _ := strings.Cut(spec, "\n")
		want := strings.Fields(strings.TrimPrefix(first, "# "))
		slices.Sort(want)
		for _, path := range []string{"/sites/academy", "/sites/academy/preview"} {
			method := http.MethodPut
			if strings.HasSuffix(path, "preview") {
				method = http.MethodPost
			}
			r := h.send(method, path, spec)
			r.want(t, http.StatusUnprocessableEntity, "invalid")
			// Keys of an object store are needed by a new site alone, so whether there is one is asked first.
			calls := h.calls()
			if slices.Equal(want, []string{"storage.access_key", "storage.secret_key"}) && slices.Equal(calls, []string{find}) {
				calls = nil
			}
			if len(calls) > 0 {
				t.Errorf("%s: asked the cloud: %v", spec, calls)
			}
			if got := r.faults(); !slices.Equal(got, want) {
				t.Errorf("%s: faults of %v, want %v: %s", spec, got, want, r.text)
			}
		}
	}
}

// faults are the fields of a problem document, each once.
func (r reply) faults() []string {
	list, _ := r.body["errors"].([]any)
	var out []string
	for _, raw := range list {
		m, _ := raw.(map[string]any)
		field, _ := m["field"].(string)
		message, _ := m["message"].(string)
		if !strings.HasSuffix(message, ".") {
			out = append(out, field+" without a sentence")
		}
		out = append(out, field)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
