package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/serve"
	"github.com/stackhook/stackhook/shared/serve/servetest"
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
			p := serve.Program{Name: "probe", Build: servetest.Probe, Source: config.Map(c.env), Out: &stdout, Err: &stderr}
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
	if _, out, _ := run(t, nil, servetest.Probe, "-help"); strings.Contains(out, "doctor") {
		t.Error("a function without a doctor offers one")
	}
	if status, _, errs := run(t, good, servetest.Probe, "-doctor"); status != 2 || !strings.Contains(errs, "-doctor") {
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
		"version":              {nil, servetest.Probe, []string{"-version"}, 0, "probe ", ""},
		"help":                 {nil, servetest.Probe, []string{"-help"}, 0, "probe: shows requests", ""},
		"help, environment":    {nil, servetest.Probe, []string{"--help"}, 0, "STACKHOOK_CONFIG", ""},
		"help, runtimes":       {nil, servetest.Probe, []string{"-help"}, 0, "AWS_LAMBDA_RUNTIME_API", ""},
		"short help":           {nil, servetest.Probe, []string{"-h"}, 0, "", "Usage: probe"},
		"check":                {good, servetest.Probe, []string{"-check"}, 0, "secret: (set)", ""},
		"check without":        {nil, servetest.Probe, []string{"-check"}, 1, "", "STACKHOOK_CONFIG is not set; set it to"},
		"check, first fault":   {map[string]string{config.Variable: "a: b\nc: d\n"}, servetest.Probe, []string{"-check"}, 1, "", "line 1: a is not a known key"},
		"check, second fault":  {map[string]string{config.Variable: "a: b\nc: d\n"}, servetest.Probe, []string{"-check"}, 1, "", "line 2: c is not a known key"},
		"check of the build":   {good, broken, []string{"-check"}, 1, "", "nowhere.yaml"},
		"unknown flag":         {good, servetest.Probe, []string{"-verbose"}, 2, "", "verbose"},
		"an argument":          {good, servetest.Probe, []string{"start"}, 2, "", `got "start"`},
		"no configuration":     {nil, servetest.Probe, nil, 1, "", "is not set"},
		"a build that fails":   {good, broken, nil, 1, "", "build probe: template nowhere.yaml"},
		"unknown runtime":      {map[string]string{config.Variable: testConfig, "RUNTIME": "azur"}, servetest.Probe, nil, 1, "", "must be one of http, lambda, cgi, openwhisk, systemd, fn, azure, or unset"},
		"lambda without one":   {map[string]string{config.Variable: testConfig, "RUNTIME": "lambda"}, servetest.Probe, nil, 1, "", "AWS_LAMBDA_RUNTIME_API is not set"},
		"systemd without one":  {map[string]string{config.Variable: testConfig, "RUNTIME": "systemd"}, servetest.Probe, nil, 1, "", "LISTEN_FDS is"},
		"fn without one":       {map[string]string{config.Variable: testConfig, "RUNTIME": "fn"}, servetest.Probe, nil, 1, "", "FN_LISTENER is"},
		"fn, not a socket":     {map[string]string{config.Variable: testConfig, "FN_LISTENER": "tcp:1"}, servetest.Probe, nil, 1, "", "must be unix: and an absolute path"},
		"azure's port":         {map[string]string{config.Variable: testConfig, "FUNCTIONS_CUSTOMHANDLER_PORT": "x"}, servetest.Probe, nil, 1, "", "FUNCTIONS_CUSTOMHANDLER_PORT is"},
		"port that is none":    {map[string]string{config.Variable: testConfig, "PORT": "http"}, servetest.Probe, nil, 1, "", "must be a port number"},
		"port out of range":    {map[string]string{config.Variable: testConfig, "PORT": "70000"}, servetest.Probe, nil, 1, "", "must be a port number"},
		"drain that is none":   {map[string]string{config.Variable: testConfig, "STACKHOOK_DRAIN_DELAY": "long"}, servetest.Probe, nil, 1, "", "STACKHOOK_DRAIN_DELAY is"},
		"drain that is before": {map[string]string{config.Variable: testConfig, "STACKHOOK_DRAIN_DELAY": "-1s"}, servetest.Probe, nil, 1, "", "STACKHOOK_DRAIN_DELAY is"},
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

// TestDetectionOrder: what one runtime sets beside its own mark does not make it another one.
func TestDetectionOrder(t *testing.T) {
	t.Parallel()
	pid := strconv.Itoa(os.Getpid())
	for want, sets := range map[string][]string{
		"lambda":    {"AWS_LAMBDA_RUNTIME_API", "GATEWAY_INTERFACE", "__OW_API_HOST", "FN_LISTENER", "PORT"},
		"cgi":       {"GATEWAY_INTERFACE", "__OW_API_HOST", "FN_LISTENER", "PORT"},
		"openwhisk": {"__OW_API_HOST", "LISTEN_FDS", "LISTEN_PID", "FN_LISTENER", "PORT"},
		"systemd":   {"LISTEN_FDS", "LISTEN_PID", "FN_LISTENER", "FUNCTIONS_CUSTOMHANDLER_PORT", "PORT"},
		"fn":        {"LISTEN_FDS", "FN_LISTENER", "FUNCTIONS_CUSTOMHANDLER_PORT", "PORT"},
		"azure":     {"FUNCTIONS_CUSTOMHANDLER_PORT", "PORT"},
		"http":      {"PORT", "LISTEN_FDS"},
	} {
		env := map[string]string{}
		for _, name := range sets {
			env[name] = pid
		}
		if got, err := serve.Choose(func(name string) string { return env[name] }); got != want || err != nil {
			t.Errorf("%v is %s (%v), want %s", sets, got, err, want)
		}
		env["RUNTIME"] = "http"
		if got, _ := serve.Choose(func(name string) string { return env[name] }); got != "http" {
			t.Errorf("%v with RUNTIME=http is %s", sets, got)
		}
		env["RUNTIME"] = want
		if got, _ := serve.Choose(func(name string) string { return map[string]string{"RUNTIME": want}[name] }); got != want {
			t.Errorf("RUNTIME=%s alone is %s", want, got)
		}
	}
}
