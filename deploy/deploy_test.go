package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func asJSON(t *testing.T, name string) []byte {
	t.Helper()
	var content any
	if err := yaml.Unmarshal([]byte(read(t, name)), &content); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return text
}

// functions are what can be deployed: every folder of functions but the shim.
func functions(t *testing.T) []string {
	t.Helper()
	mains, err := filepath.Glob("../functions/*/main.go")
	if err != nil || len(mains) < 2 {
		t.Fatalf("functions: %v, %v", mains, err)
	}
	var names []string
	for _, main := range mains {
		if name := filepath.Base(filepath.Dir(main)); name != "shim" {
			names = append(names, name)
		}
	}
	return names
}

var variable = regexp.MustCompile(`\b(?:STACKHOOK|OS|AWS_LAMBDA|LISTEN)_[A-Z_]+\b|\bPORT\b|\bRUNTIME\b`)

// Every variable that a recipe names is one that the code reads.
func TestVariablesAreRead(t *testing.T) {
	t.Parallel()
	inCode := map[string]bool{}
	literal := regexp.MustCompile(`"(` + variable.String() + `)"`)
	err := filepath.WalkDir("../shared", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.Contains(path, "test") {
			return err
		}
		for _, found := range literal.FindAllStringSubmatch(read(t, path), -1) {
			inCode[found[1]] = true
		}
		return nil
	})
	if err != nil || !inCode["STACKHOOK_CONFIG"] || !inCode["PORT"] {
		t.Fatalf("variables of the code: %v, %v", inCode, err)
	}
	for _, file := range recipes(t) {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			if !inCode[name] && name != "OS_" {
				t.Errorf("%s names %s, which nothing reads", file, name)
			}
		}
	}
}

func recipes(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 7 {
		t.Fatalf("recipes: %v, %v", files, err)
	}
	return files
}

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

func TestEveryFunctionIsInTheReadme(t *testing.T) {
	t.Parallel()
	readme := read(t, "README.md")
	for _, name := range functions(t) {
		if strings.Count(readme, "bin/"+name) < 2 {
			t.Errorf("README.md does not build and install %s", name)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(link[1]); err != nil {
			t.Errorf("README.md links to %s, which is not there", link[1])
		}
	}
}

func TestBuildFlagsAreTheMakefiles(t *testing.T) {
	t.Parallel()
	makefile, container := read(t, "../Makefile"), read(t, "container/Containerfile")
	for _, flag := range []string{"CGO_ENABLED=0", "-trimpath", "-tags lambda.norpc,validator_novalidatefn", "-s -w -X github.com/stackhook/stackhook/shared/serve.version="} {
		if !strings.Contains(makefile, flag) || !strings.Contains(container, flag) {
			t.Errorf("the Makefile and the Containerfile do not both build with %s", flag)
		}
	}
}

func TestExampleIsValidAndComplete(t *testing.T) {
	t.Parallel()
	c, err := config.Map(map[string]string{config.Variable: "example.yaml"}).Load()
	if err != nil {
		t.Fatal(err)
	}
	var described bytes.Buffer
	c.Describe(&described)
	if strings.Contains(described.String(), "change-me") {
		t.Error("a secret is printed")
	}
	text := read(t, "example.yaml")
	for _, key := range keys(reflect.TypeFor[config.Config]()) {
		if !regexp.MustCompile(`\b` + key + `(_file)?:`).MatchString(text) {
			t.Errorf("example.yaml does not have the key %s", key)
		}
	}
}

// keys are all yaml names below a type.
func keys(t reflect.Type) []string {
	switch t.Kind() { //nolint:exhaustive // the kinds that Config has
	case reflect.Map, reflect.Slice:
		return keys(t.Elem())
	case reflect.Struct:
		var all []string
		for field := range t.Fields() {
			all = append(all, field.Tag.Get("yaml"))
			all = append(all, keys(field.Type)...)
		}
		return all
	}
	return nil
}

// Somebody who deploys the example as it is must be told, for every secret in it.
func TestExamplesSecretsAreRefusedElsewhere(t *testing.T) {
	t.Parallel()
	text := strings.Replace(read(t, "example.yaml"), "hooks.example.org", "hooks.academy.net", 1)
	_, err := config.Map(map[string]string{config.Variable: text}).Load()
	faults, _ := errors.AsType[config.Faults](err)
	if want := strings.Count(text, " change-me-"); len(faults) != want {
		t.Errorf("%d faults for %d secrets: %v", len(faults), want, err)
	}
}

// Every timer posts to its function, with a token, and leaves a pass the time it may take.
func TestTimersReachTheFunction(t *testing.T) {
	t.Parallel()
	for file, parts := range map[string][]string{
		"systemd/stackhook-tend.service": {"--unix-socket /run/stackhook/tend-labs.sock", "--header @%d/tend-token", "--request POST", "--max-time 40"},
		"knative/tend.yaml":              {"http://tend-labs/", "Authorization: Bearer $TOKEN", "--request POST", "--max-time 40"},
		"systemd/stackhook-reconcile.service": {
			"--unix-socket /run/stackhook/scale-cluster.sock", "--header @%d/reconcile-token", "--request POST http://scale-cluster/reconcile", "--max-time 40",
		},
		"knative/reconcile.yaml": {"--request POST http://scale-cluster/reconcile", "Authorization: Bearer $TOKEN", "--max-time 40"},
	} {
		for _, part := range parts {
			if !strings.Contains(read(t, file), part) {
				t.Errorf("%s does not have %q", file, part)
			}
		}
	}
	if !strings.Contains(read(t, "systemd/stackhook@.socket"), "/run/stackhook/%i.sock") {
		t.Error("the timer's socket is not the functions'")
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

func TestKnativeService(t *testing.T) {
	t.Parallel()
	text := asJSON(t, "knative/service.yaml")
	var service struct{ Metadata struct{ Name string } }
	if err := json.Unmarshal(text, &service); err != nil {
		t.Fatal(err)
	}
	name := service.Metadata.Name
	if !slices.Contains(functions(t), name) || !bytes.Contains(text, []byte(`"path":"/healthz"`)) {
		t.Errorf("the service %s is no function, or has no probe", name)
	}
}
