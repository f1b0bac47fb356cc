package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
)

// object is what the tests look at in a Kubernetes manifest. make test-deploy gives them to a real API server.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Replicas int
		Strategy struct{ Type string }
		Selector map[string]any
		Rules    []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Path    string
					Backend struct{ Service struct{ Name string } }
				}
			}
		}
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     pod
		}
		JobTemplate struct {
			Spec struct {
				Template struct{ Spec pod }
			}
		} `yaml:"jobTemplate"`
	}
}

type pod struct {
	Containers []struct {
		Name, Image    string
		Command, Args  []string
		Env            []struct{ Name, Value string }
		ReadinessProbe struct {
			HTTPGet struct{ Path string } `yaml:"httpGet"`
		} `yaml:"readinessProbe"`
		VolumeMounts []struct {
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
			SubPath   string `yaml:"subPath"`
		} `yaml:"volumeMounts"`
		SecurityContext map[string]any `yaml:"securityContext"`
	}
	Volumes []struct{ Secret map[string]any }
}

// objects are the documents of manifests, by kind and name.
func objects(t *testing.T, files ...string) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, file := range files {
		decoder := yaml.NewDecoder(strings.NewReader(read(t, file)))
		for {
			var o object
			err := decoder.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			name := o.Kind + " " + o.Metadata.Name
			if _, twice := all[name]; err != nil || twice || o.Metadata.Name == "" {
				t.Fatalf("%s: %q, twice or nameless, %v", file, name, err)
			}
			all[name] = o
		}
	}
	return all
}

func manifests(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return slices.DeleteFunc(files, func(name string) bool {
		return strings.HasSuffix(name, "kustomization.yaml") || strings.HasSuffix(name, "function.yaml")
	})
}

func TestKubernetesHasEveryFunction(t *testing.T) {
	t.Parallel()
	all := objects(t, manifests(t, "kubernetes/base/*.yaml")...)
	var base struct {
		Resources []string
		Images    []struct {
			Name    string
			NewName string `yaml:"newName"`
		}
	}
	decode(t, "kubernetes/base/kustomization.yaml", &base)
	for _, file := range manifests(t, "kubernetes/base/*.yaml") {
		if !slices.Contains(base.Resources, filepath.Base(file)) {
			t.Errorf("kustomization.yaml does not name %s", file)
		}
	}
	ingress := map[string]string{}
	for _, rule := range all["Ingress stackhook"].Spec.Rules {
		for _, path := range rule.HTTP.Paths {
			ingress[path.Path] = path.Backend.Service.Name
		}
	}
	images := map[string]string{}
	for _, image := range base.Images {
		images[image.Name] = image.NewName
	}
	names := functions(t)
	for _, name := range names {
		for _, kind := range []string{"Deployment", "Service", "PodDisruptionBudget"} {
			if _, there := all[kind+" "+name]; !there {
				t.Errorf("%s has no %s", name, kind)
			}
		}
		if containers := all["Deployment "+name].Spec.Template.Spec.Containers; len(containers) != 1 || containers[0].Image != "stackhook/"+name || containers[0].Name != "function" {
			t.Errorf("%s runs %+v", name, containers)
		}
		if all["Service "+name].Spec.Selector["app"] != name || ingress["/"+name] != name {
			t.Errorf("%s is not reached: %v, %v", name, all["Service "+name].Spec.Selector, ingress)
		}
		if images["stackhook/"+name] != "registry.example.org/stackhook/"+name {
			t.Errorf("kustomization.yaml has no image of %s", name)
		}
	}
	if len(ingress) != len(names) || len(images) != len(names) {
		t.Errorf("%d paths and %d images for %d functions", len(ingress), len(images), len(names))
	}
}

// TestKubernetesHostIsTheConfigurations: what is routed here is what public_url promises.
func TestKubernetesHostIsTheConfigurations(t *testing.T) {
	t.Parallel()
	c, err := config.Map(map[string]string{config.Variable: "example.yaml"}).Load()
	if err != nil {
		t.Fatal(err)
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		t.Fatal(err)
	}
	rules := objects(t, "kubernetes/base/ingress.yaml")["Ingress stackhook"].Spec.Rules
	if len(rules) != 1 || rules[0].Host != public.Host {
		t.Errorf("the ingress is for %+v, public_url for %s", rules, public.Host)
	}
}

// bounds of how a function may be run, wherever it is said.
func checkBounds(t *testing.T, where string, p pod) {
	t.Helper()
	if len(p.Containers) != 1 {
		t.Fatalf("%s: %d containers", where, len(p.Containers))
	}
	c := p.Containers[0]
	for key, want := range map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true} {
		if c.SecurityContext[key] != want {
			t.Errorf("%s: %s is %v, want %v", where, key, c.SecurityContext[key], want)
		}
	}
	if c.ReadinessProbe.HTTPGet.Path != "/healthz" {
		t.Errorf("%s: asked for readiness at %q", where, c.ReadinessProbe.HTTPGet.Path)
	}
	env := map[string]string{}
	for _, v := range c.Env {
		env[v.Name] = v.Value
	}
	if len(c.VolumeMounts) != 1 || c.VolumeMounts[0].SubPath != "" || !c.VolumeMounts[0].ReadOnly {
		t.Fatalf("%s: mounts %+v; only a whole folder sees a changed secret", where, c.VolumeMounts)
	}
	for _, name := range []string{config.Variable, "OS_CLIENT_CONFIG_FILE"} {
		if filepath.Dir(env[name]) != c.VolumeMounts[0].MountPath {
			t.Errorf("%s: %s is %q, outside of what is mounted", where, name, env[name])
		}
	}
	if len(p.Volumes) != 1 || p.Volumes[0].Secret["secretName"] != "stackhook" {
		t.Errorf("%s: volumes %+v", where, p.Volumes)
	}
}

func TestKubernetesBounds(t *testing.T) {
	t.Parallel()
	checkBounds(t, "function.yaml", objects(t, "kubernetes/base/function.yaml")["Deployment function"].Spec.Template.Spec)
	// With store: memory a second process of launch-lab would take a launch once more, also for the moment of a rollout.
	launch := objects(t, "kubernetes/base/launch-lab.yaml")["Deployment launch-lab"].Spec
	if launch.Replicas != 1 || launch.Strategy.Type != "Recreate" {
		t.Errorf("launch-lab: %d replicas, %s", launch.Replicas, launch.Strategy.Type)
	}
}

func TestKnativeServices(t *testing.T) {
	t.Parallel()
	all := objects(t, "knative/service.yaml")
	names := functions(t)
	for _, name := range names {
		service, there := all["Service "+name]
		if !there {
			t.Errorf("%s has no Service", name)
			continue
		}
		checkBounds(t, name, service.Spec.Template.Spec)
		if image := service.Spec.Template.Spec.Containers[0].Image; image != "registry.example.org/stackhook/"+name {
			t.Errorf("%s runs %s", name, image)
		}
		if most := service.Spec.Template.Metadata.Annotations["autoscaling.knative.dev/max-scale"]; (most == "1") != (name == "launch-lab") {
			t.Errorf("%s has at most %q processes", name, most)
		}
	}
	if len(all) != len(names) {
		t.Errorf("%d Services for %d functions", len(all), len(names))
	}
}

// decode reads a YAML or JSON file.
func decode(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// strictly is decode that knows every key.
func strictly(t *testing.T, file string, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file))))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
