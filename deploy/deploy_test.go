package deploy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
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
		if filepath.Dir(file) == "tutor" {
			continue // its variables are Tutor's
		}
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

func TestBuildFlagsAreTheMakefiles(t *testing.T) {
	t.Parallel()
	makefile, container := read(t, "../Makefile"), read(t, "container/Containerfile")
	for _, flag := range []string{"CGO_ENABLED=0", "-trimpath", "-tags lambda.norpc,validator_novalidatefn,nethttpomithttp2", "-s -w -X github.com/stackhook/stackhook/shared/serve.version="} {
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
