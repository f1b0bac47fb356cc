package deploy_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/serve"
)

func TestEveryFunctionIsOnLambda(t *testing.T) {
	t.Parallel()
	var template struct {
		Globals struct {
			Function struct {
				Runtime, Handler string
				Timeout          int
			}
		}
		Resources map[string]struct {
			Type       string
			Properties struct {
				CodeURI string
				Events  map[string]struct {
					Properties struct{ Path, Method string }
				}
			}
		}
	}
	if err := json.Unmarshal(asJSON(t, "lambda/template.yaml"), &template); err != nil {
		t.Fatal(err)
	}
	if f := template.Globals.Function; f.Runtime != "provided.al2023" || f.Handler != "bootstrap" || f.Timeout < 26 {
		t.Errorf("a function's runtime is %+v; our own limit of 25 s must fit in", f)
	}
	got := map[string]string{}
	for _, r := range template.Resources {
		if r.Type == "AWS::Serverless::Function" {
			e := r.Properties.Events["Any"].Properties
			got[r.Properties.CodeURI] = e.Path + " " + e.Method
		}
	}
	for _, name := range functions(t) {
		zip, route := "../../dist/"+name+".zip", "/"+name+"/{proxy+} ANY"
		if got[zip] != route {
			t.Errorf("%s is routed as %q, want %q", zip, got[zip], route)
		}
		delete(got, zip)
	}
	if len(got) > 0 {
		t.Errorf("these are no functions: %v", got)
	}
}

// The schedules on Lambda arrive as requests with the token in them.
func TestScheduleIsARequest(t *testing.T) {
	t.Parallel()
	var template struct {
		Resources map[string]struct {
			Properties struct {
				Events map[string]struct{ Properties struct{ Input string } }
			}
		}
	}
	if err := json.Unmarshal(asJSON(t, "lambda/template.yaml"), &template); err != nil {
		t.Fatal(err)
	}
	for function, want := range map[string]string{"TendLabs": "/", "ScaleCluster": "/reconcile"} {
		var method, path, token string
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			method, path, token = r.Method, r.URL.Path, r.Header.Get("Authorization")
		})
		input := template.Resources[function].Properties.Events["Pass"].Properties.Input
		if _, err := serve.Lambda(handler, zerolog.Nop()).Invoke(t.Context(), []byte(input)); err != nil {
			t.Fatal(err)
		}
		if method != http.MethodPost || path != want || !strings.HasPrefix(token, "Bearer ") {
			t.Errorf("the schedule of %s arrives as %s %s with %q", function, method, path, token)
		}
	}
}

// TestOpenTofuIsTheTemplate: both recipes make the same. make test-deploy parses the file whole.
func TestOpenTofuIsTheTemplate(t *testing.T) {
	t.Parallel()
	text, template := read(t, "lambda/main.tf"), read(t, "lambda/template.yaml")
	functions := functions(t)
	concurrency := regexp.MustCompile(`(?m)^    ([a-z-]+) += (-?1)$`).FindAllStringSubmatch(text, -1)
	if len(concurrency) != len(functions) {
		t.Errorf("%d functions of %d", len(concurrency), len(functions))
	}
	for _, found := range concurrency {
		if !strings.Contains(strings.Join(functions, " "), found[1]) || (found[2] == "1") != (found[1] == "launch-lab") {
			t.Errorf("%s is no function, or runs %s at a time", found[1], found[2])
		}
	}
	for _, variable := range regexp.MustCompile(`(?m)^        ([A-Z_]+):`).FindAllStringSubmatch(template, -1) {
		if !regexp.MustCompile(`(?m)^      ` + variable[1] + ` += `).MatchString(text) {
			t.Errorf("main.tf does not set %s", variable[1])
		}
	}
	for _, same := range []string{"provided.al2023", "bootstrap", "x86_64", "rate(1 minute)", "/../../dist/", "/{proxy+}", "stackhook/config", "stackhook/credential"} {
		if !strings.Contains(text, same) || !strings.Contains(template, strings.TrimPrefix(same, "/..")) {
			t.Errorf("not both recipes have %s", same)
		}
	}
	for name, pass := range map[string]string{"tend-labs": "/", "scale-cluster": "/reconcile"} {
		token := map[string]string{"tend-labs": "tend", "scale-cluster": "reconcile"}[name]
		want := regexp.MustCompile(name + ` += \{ path = "` + pass + `", secret = "stackhook/` + token + `-token" \}`)
		if !want.MatchString(text) {
			t.Errorf("main.tf does not ask %s for %s", name, pass)
		}
	}
}
