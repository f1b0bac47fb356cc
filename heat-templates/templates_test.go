package heattemplates_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// tree is this folder as it is on disk: every template that is here must be embedded, and load.
func tree(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "site/boot" || name == "testdata"): // what is there is no template, or no good one
			return fs.SkipDir
		case path.Ext(name) == ".yaml":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestEveryTemplateLoads(t *testing.T) {
	t.Parallel()
	names := tree(t)
	if !slices.Contains(names, "cluster.yaml") {
		t.Fatalf("no cluster.yaml in %v", names)
	}
	for _, name := range names {
		tmpl, err := heattemplates.Load(name)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, text := range append([]string{tmpl.Text}, values(tmpl.Files)...) {
			if strings.Contains(text, "get_file: http") || strings.Contains(text, "type: http") {
				t.Errorf("%s refers to a URL", name)
			}
		}
	}
}

func values(m map[string]string) []string {
	var list []string
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// The parameters and outputs that the functions use, as README.md promises them.
func TestClusterContract(t *testing.T) {
	t.Parallel()
	tmpl, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"app_count", "app_removal", "scale_state", "app_min", "app_max", "cooldown_out", "cooldown_in", "site_state",
		"image", "flavor", "key_name", "user_data", "app_port", "health_path",
		"network", "subnet", "cidr", "external_network", "listen_port", "scale_out_url", "scale_in_url",
		"alarm_metric", "alarm_aggregation", "alarm_granularity", "alarm_periods", "alarm_high", "alarm_low",
		"alarm_ticks", "replace_url", "alarm_second_metric", "alarm_second_aggregation", "alarm_second_high",
	} {
		if !tmpl.Has(name) {
			t.Errorf("no parameter %s", name)
		}
	}
	for _, p := range tmpl.Parameters {
		if !strings.Contains(string(readme), "`"+p.Name+"`") {
			t.Errorf("README.md does not tell of parameter %s", p.Name)
		}
		if want := p.Name == "image" || p.Name == "flavor"; p.Required != want || (p.Default == nil) != want {
			t.Errorf("%s: required %v, default %v", p.Name, p.Required, p.Default)
		}
		if want := strings.HasSuffix(p.Name, "_url"); p.Hidden != want {
			t.Errorf("%s: hidden %v", p.Name, p.Hidden)
		}
		if p.Type == "" {
			t.Errorf("%s has no type", p.Name)
		}
	}
	for _, name := range []string{"address", "pool_id", "loadbalancer_id", "nodes"} {
		if !slices.Contains(tmpl.Outputs, name) {
			t.Errorf("no output %s", name)
		}
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README.md does not tell of output %s", name)
		}
	}
	if got := tmpl.Files["cluster-node.yaml"]; !strings.HasPrefix(got, "heat_template_version") {
		t.Errorf("cluster-node.yaml is %.20q", got)
	}
}

// What a nested template is given, it must take, and what it needs, it must be given.
func TestNodeTakesWhatClusterGives(t *testing.T) {
	t.Parallel()
	node, err := heattemplates.Load("cluster-node.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, def, _ := strings.Cut(cluster.Text, "type: cluster-node.yaml\n        properties:\n")
	var given []string
	for line := range strings.Lines(def) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || !strings.HasPrefix(line, "          ") {
			break
		}
		given = append(given, name)
	}
	for _, name := range given {
		if !node.Has(name) {
			t.Errorf("cluster.yaml gives %s, which cluster-node.yaml does not take", name)
		}
	}
	for _, p := range node.Parameters {
		if !slices.Contains(given, p.Name) {
			t.Errorf("cluster-node.yaml wants %s, which cluster.yaml does not give", p.Name)
		}
	}
}

const head = "heat_template_version: 2018-08-31\n"

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestLoadFromResolvesRelativeToTheFile(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"a/top.yaml":        file(head + "resources:\n  s: {type: OS::X, properties: {user_data: {get_file: boot.sh}}}\n  n: {type: sub/node.yaml}\n"),
		"a/boot.sh":         file("boot"),
		"a/sub/node.yaml":   file(head + "resources:\n  g:\n    type: OS::Heat::ResourceGroup\n    properties: {resource_def: {type: leaf.yaml}}\n"),
		"a/sub/leaf.yaml":   file(head + "resources: {r: {type: OS::Y, properties: {c: {list_join: ['', [{get_file: ../boot2.sh}]]}}}}\n"),
		"a/boot2.sh":        file("boot2"),
		"cluster-node.yaml": file(head + "description: mine\n"),
	}
	tmpl, err := heattemplates.LoadFrom(dir, "a/top.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"boot.sh": "boot", "../boot2.sh": "boot2", "sub/node.yaml": "", "leaf.yaml": ""}
	if len(tmpl.Files) != len(want) {
		t.Errorf("files %v", tmpl.Files)
	}
	for name, text := range want {
		if got, ok := tmpl.Files[name]; !ok || text != "" && got != text {
			t.Errorf("%s is %q", name, got)
		}
	}
	// An operator's file goes before the built-in one of its name, and the rest stays built in.
	if tmpl, err = heattemplates.LoadFrom(dir, "cluster.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := tmpl.Files["cluster-node.yaml"]; !strings.Contains(got, "mine") {
		t.Errorf("cluster-node.yaml is %q", got)
	}
}

func TestLoadFromRefuses(t *testing.T) {
	t.Parallel()
	with := func(resources string) fstest.MapFS {
		return fstest.MapFS{
			"d/x.yaml": file(head + "resources:\n" + resources), "d/other/boot.sh": file("o"), "d/boot.sh": file("b"), "up.sh": file("u"),
			"d/self.yaml":      file(head + "resources: {r: {type: self.yaml}}\n"),
			"d/other/sub.yaml": file(head + "resources: {r: {type: OS::X, properties: {u: {get_file: boot.sh}}}}\n"),
			"d/big":            file(strings.Repeat("x", 600<<10)),
		}
	}
	get := func(name string) string {
		return "  r: {type: OS::X, properties: {u: {get_file: '" + name + "'}}}\n"
	}
	for name, row := range map[string]struct {
		dir  fstest.MapFS
		name string
	}{
		"absolute":          {with(get("/etc/passwd")), "d/x.yaml"},
		"climbs out":        {with(get("../../etc/passwd")), "d/x.yaml"},
		"http URL":          {with(get("http://169.254.169.254/")), "d/x.yaml"},
		"file URL":          {with(get("file:///etc/passwd")), "d/x.yaml"},
		"backslash":         {with(get(`..\x`)), "d/x.yaml"},
		"not there":         {with(get("nothing.sh")), "d/x.yaml"},
		"the tree itself":   {with(get("..")), "d/x.yaml"},
		"nested URL":        {with("  r: {type: 'http://evil/x.yaml'}\n"), "d/x.yaml"},
		"nested, not there": {with("  r: {type: nothing.yaml}\n"), "d/x.yaml"},
		"nests itself":      {with("  r: {type: self.yaml}\n"), "d/x.yaml"},
		"two of one name":   {with(get("boot.sh") + "  n: {type: other/sub.yaml}\n"), "d/x.yaml"},
		"too large":         {with(get("big")), "d/x.yaml"},
		"no such template":  {with(""), "d/y.yaml"},
		"name climbs":       {with(""), "../d/x.yaml"},
		"name is absolute":  {with(""), "/d/x.yaml"},
		"name is a URL":     {with(""), "http://x/y.yaml"},
		"name is empty":     {with(""), ""},
		"not YAML":          {fstest.MapFS{"d/x.yaml": file("a: [")}, "d/x.yaml"},
		"not a mapping":     {fstest.MapFS{"d/x.yaml": file("- a")}, "d/x.yaml"},
		"not a template":    {fstest.MapFS{"d/x.yaml": file("a: b")}, "d/x.yaml"},
		"bad parameter":     {fstest.MapFS{"d/x.yaml": file(head + "parameters: {p: [1]}")}, "d/x.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := heattemplates.LoadFrom(row.dir, row.name); err == nil {
				t.Error("was taken")
			}
		})
	}
	if _, err := heattemplates.Load("nothing.yaml"); !errors.Is(err, heattemplates.ErrNotFound) {
		t.Errorf("Load(nothing.yaml): %v", err)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"x.yaml": file(head + "parameters:\n  b: {type: string}\n  a: {type: number, default: 3}\n  s: {type: string, hidden: true, default: ''}\noutputs: {z: {value: 1}, y: {value: 2}}\n")}
	tmpl, err := heattemplates.LoadFrom(dir, "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []heattemplates.Parameter{
		{Name: "b", Type: "string", Required: true},
		{Name: "a", Type: "number", Default: 3},
		{Name: "s", Type: "string", Default: "", Hidden: true},
	}
	if !slices.Equal(tmpl.Parameters, want) || !slices.Equal(tmpl.Outputs, []string{"z", "y"}) {
		t.Errorf("got %+v %v", tmpl.Parameters, tmpl.Outputs)
	}
	if !tmpl.Has("a") || tmpl.Has("z") {
		t.Error("Has")
	}
}
