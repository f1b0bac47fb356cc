package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
)

func run(t *testing.T, env map[string]string, build serve.Build, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := serve.Program{Name: "probe", About: "shows requests", Build: build, Source: config.Map(env), Out: &stdout, Err: &stderr}
	status = p.Run(t.Context(), args)
	return status, stdout.String(), stderr.String()
}

func TestDoctorFlag(t *testing.T) {
	t.Parallel()
	good := map[string]string{config.Variable: testConfig}
	for name, c := range map[string]struct {
		env    map[string]string
		faults int
		args   []string
		status int
		out    string
		errs   string
	}{
		"well":                {good, 0, []string{"-doctor"}, 0, "looked at https://hooks.example.org/hooks", ""},
		"ill":                 {good, 2, []string{"-doctor"}, 1, "looked at", ""},
		"help":                {nil, 0, []string{"-help"}, 0, "-doctor", ""},
		"without a whole one": {map[string]string{config.Variable: "a: b\n"}, 0, []string{"-doctor"}, 1, "", "a is not a known key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			p := serve.Program{Name: "probe", Build: probe, Source: config.Map(c.env), Out: &stdout, Err: &stderr}
			p.Doctor = func(_ context.Context, src config.Source, out io.Writer) int {
				cfg, err := src.Load()
				if err != nil {
					t.Error(err)
					return 1
				}
				io.WriteString(out, "looked at "+cfg.PublicURL+"\n")
				return c.faults
			}
			if status := p.Run(t.Context(), c.args); status != c.status || !strings.Contains(stdout.String(), c.out) || !strings.Contains(stderr.String(), c.errs) {
				t.Errorf("%d\nout: %s\nerr: %s", status, stdout.String(), stderr.String())
			}
		})
	}
	if _, out, _ := run(t, nil, probe, "-help"); strings.Contains(out, "doctor") {
		t.Error("a function without a doctor offers one")
	}
	if status, _, errs := run(t, good, probe, "-doctor"); status != 2 || !strings.Contains(errs, "-doctor") {
		t.Errorf("a function without a doctor: %d %s", status, errs)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	good := map[string]string{config.Variable: testConfig}
	broken := func(context.Context, config.Source) (http.Handler, error) {
		return nil, errors.New("template nowhere.yaml is not there")
	}
	for name, c := range map[string]struct {
		env    map[string]string
		build  serve.Build
		args   []string
		status int
		out    string
		errs   string
	}{
		"version":              {nil, probe, []string{"-version"}, 0, "probe ", ""},
		"help":                 {nil, probe, []string{"-help"}, 0, "probe: shows requests", ""},
		"help, environment":    {nil, probe, []string{"--help"}, 0, "STACKHOOK_CONFIG", ""},
		"help, runtimes":       {nil, probe, []string{"-help"}, 0, "AWS_LAMBDA_RUNTIME_API", ""},
		"short help":           {nil, probe, []string{"-h"}, 0, "", "Usage: probe"},
		"check":                {good, probe, []string{"-check"}, 0, "secret: (set)", ""},
		"check without":        {nil, probe, []string{"-check"}, 1, "", "STACKHOOK_CONFIG is not set; set it to"},
		"check, first fault":   {map[string]string{config.Variable: "a: b\nc: d\n"}, probe, []string{"-check"}, 1, "", "line 1: a is not a known key"},
		"check, second fault":  {map[string]string{config.Variable: "a: b\nc: d\n"}, probe, []string{"-check"}, 1, "", "line 2: c is not a known key"},
		"check of the build":   {good, broken, []string{"-check"}, 1, "", "nowhere.yaml"},
		"unknown flag":         {good, probe, []string{"-verbose"}, 2, "", "verbose"},
		"an argument":          {good, probe, []string{"start"}, 2, "", `got "start"`},
		"no configuration":     {nil, probe, nil, 1, "", "is not set"},
		"a build that fails":   {good, broken, nil, 1, "", "build probe: template nowhere.yaml"},
		"unknown runtime":      {map[string]string{config.Variable: testConfig, "RUNTIME": "fn"}, probe, nil, 1, "", "must be http, systemd or lambda"},
		"lambda without one":   {map[string]string{config.Variable: testConfig, "RUNTIME": "lambda"}, probe, nil, 1, "", "AWS_LAMBDA_RUNTIME_API is not set"},
		"systemd without one":  {map[string]string{config.Variable: testConfig, "RUNTIME": "systemd"}, probe, nil, 1, "", "LISTEN_FDS is"},
		"port that is none":    {map[string]string{config.Variable: testConfig, "PORT": "http"}, probe, nil, 1, "", "must be a port number"},
		"port out of range":    {map[string]string{config.Variable: testConfig, "PORT": "70000"}, probe, nil, 1, "", "must be a port number"},
		"drain that is none":   {map[string]string{config.Variable: testConfig, "STACKHOOK_DRAIN_DELAY": "long"}, probe, nil, 1, "", "STACKHOOK_DRAIN_DELAY is"},
		"drain that is before": {map[string]string{config.Variable: testConfig, "STACKHOOK_DRAIN_DELAY": "-1s"}, probe, nil, 1, "", "STACKHOOK_DRAIN_DELAY is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := run(t, c.env, c.build, c.args...)
			if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("%d\nout: %s\nerr: %s\nwant %d with %q and %q", status, out, errs, c.status, c.out, c.errs)
			}
			if strings.Contains(out+errs, "0123456789abcdef") {
				t.Error("a secret is printed")
			}
		})
	}
}
