package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/load/traffic"
)

func report(row traffic.Row) traffic.Report { return traffic.Report{Rows: []traffic.Row{row}} }

func TestVerdict(t *testing.T) {
	t.Parallel()
	good := func() row {
		return row{Fault: "hail", Before: report(traffic.Row{}), During: report(traffic.Row{Later: 7, Told: 1}), After: report(traffic.Row{})}
	}
	for want, spoil := range map[string]func(*row){
		"":                        func(*row) {},
		"hail: 1 wrong":           func(r *row) { r.Before = report(traffic.Row{Wrong: 1}) },
		"hail: 2 wrong":           func(r *row) { r.During = report(traffic.Row{Wrong: 2}) },
		"hail: 3 wrong":           func(r *row) { r.After = report(traffic.Row{Wrong: 3}) },
		"hail: 4 lost":            func(r *row) { r.Account.Lost = 4 },
		"hail: 5 doubled":         func(r *row) { r.Account.Doubled = 5 },
		"hail: 6 untrue":          func(r *row) { r.Account.Untrue = 6 },
		"hail: 7 open":            func(r *row) { r.Open = 7 },
		"hail: never right again": func(r *row) { r.First = -1 },
	} {
		r := good()
		spoil(&r)
		if err := verdict([]row{good(), r}); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-only", "reset|rabbit", "-rate", "2"}, io.Discard)
	if err != nil || !o.only.MatchString("answers reset") || o.only.MatchString("nothing") || o.pace.Rate != 2 || o.daemons {
		t.Errorf("%+v %v", o, err)
	}
	if _, err := parse([]string{"-only", "("}, io.Discard); err == nil {
		t.Error("a pattern that is none is taken")
	}
	var help strings.Builder
	if _, err := parse([]string{"--help"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-daemons") {
		t.Errorf("%v %s", err, help.String())
	}
}

// Every fault has a name of its own, and what is a state can be ended.
func TestScenes(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, s := range scenes() {
		if names[s.name] || s.begin == nil || s.kind == daemons && s.end == nil {
			t.Errorf("%+v", s)
		}
		names[s.name] = true
	}
}

func TestReadCloud(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	text := "clouds:\n  one:\n    region_name: R\n    auth: {auth_url: http://127.0.0.1:5000/v3, username: demo, password: hunter2, project_name: p, user_domain_name: D}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := readCloud("one", path)
	if err != nil || env["OS_AUTH_URL"] != "http://127.0.0.1:5000/v3" || env["OS_USERNAME"] != "demo" || env["OS_REGION_NAME"] != "R" || env["OS_USER_DOMAIN_NAME"] != "D" {
		t.Errorf("%v", err)
	}
	if _, err := readCloud("two", path); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a cloud that is not there: %v", err)
	}
}
