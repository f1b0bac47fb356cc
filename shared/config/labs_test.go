package config_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
)

// inLab is a configuration with one lab and this in its entry.
func inLab(rest string) string {
	return minimal + "naming_key: " + key32 + "\nlabs: {web: {title: W, template: t.yaml" + rest + "}}\n"
}

// A key that is set takes nothing from the others: each keeps its own default, at every depth. What is explicitly 0 stays
// 0, and means never.
func TestW14DefaultsSurviveWhateverIsSet(t *testing.T) {
	t.Parallel()
	whole := load(t, inLab("")).Labs["web"]
	for _, c := range []struct {
		set  string
		want func(l *config.Lab)
	}{
		{"build_timeout: 20m", func(l *config.Lab) { l.BuildTimeout = 20 * time.Minute }},
		{"idle_timeout: 0", func(l *config.Lab) { l.IdleTimeout = 0 }},
		{"lifetime: 0", func(l *config.Lab) { l.Lifetime = 0 }},
		{"max_age: 0", func(l *config.Lab) { l.MaxAge = 0 }},
		{"reset_grace: 0", func(l *config.Lab) { l.Grace = 0 }},
		{"warm: 3", func(l *config.Lab) { l.Warm = 3 }},
		{"extend: {by: 2h}", func(l *config.Lab) { l.Extend.By = 2 * time.Hour }},
		{"budget: {time: 10h}", func(l *config.Lab) { l.Budget.Time = 10 * time.Hour }},
		{"budget: {action: block}", func(l *config.Lab) { l.Budget.Action = "block" }},
		{"ready: {kind: tcp, output: public_ip, port: 22}", func(l *config.Lab) { l.Ready = config.Ready{Kind: "tcp", Output: "public_ip", Port: 22} }},
		{"checks: [{name: up}]", func(l *config.Lab) { l.Checks = []config.Check{{Name: "up", Kind: "report", Weight: 1}} }},
	} {
		want := whole
		c.want(&want)
		if got := load(t, inLab(", "+c.set)).Labs["web"]; !same(got, want) {
			t.Errorf("with %s the lab is\n%+v, want\n%+v", c.set, got, want)
		}
	}
	if got := load(t, minimal+"tend: {rate: 3}\n").Tend; got != (config.Tend{Rate: 3, Parallel: 8}) {
		t.Errorf("with a rate alone, tend is %+v", got)
	}
}

// same compares two entries by what -check prints of them.
func same(a, b config.Lab) bool {
	text := func(l config.Lab) string {
		var out describer
		(&config.Config{Labs: map[string]config.Lab{"web": l}}).Describe(&out)
		return string(out)
	}
	return text(a) == text(b)
}

type describer []byte

func (d *describer) Write(p []byte) (int, error) {
	*d = append(*d, p...)
	return len(p), nil
}

func TestFaultsOfALabsLife(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, words string }{
		"probe without an output":   {inLab(", ready: {kind: http}"), "labs.web.ready.output", "missing"},
		"probe of a kind unknown":   {inLab(", ready: {kind: icmp, output: a}"), "labs.web.ready.kind", "tcp, http"},
		"probe without a port":      {inLab(", ready: {kind: tcp, output: a}"), "labs.web.ready.port", "kind is tcp"},
		"window without its course": {inLab(", windows: [{tenant: academy}]"), "labs.web.windows[0].context", "missing"},
		"window at no time":         {inLab(", windows: [{tenant: a, context: c, start: tomorrow}]"), "labs.web.windows[0].start", "2026"},
		"window that ends first": {
			inLab(`, windows: [{tenant: a, context: c, start: "2026-11-22T10:00:00Z", end: "2026-11-22T10:00:00+01:00"}]`), "labs.web.windows[0].end", "after start",
		},
		"budget that does neither": {inLab(", budget: {action: beg}"), "labs.web.budget.action", "warn, block"},
		"check without a name":     {inLab(", checks: [{title: T}]"), "labs.web.checks[0].name", "missing"},
		"check twice":              {inLab(", checks: [{name: a}, {name: a}]"), "labs.web.checks", "name"},
		"check without weight":     {inLab(", checks: [{name: a, weight: 0}]"), "labs.web.checks[0].weight", "at least 1"},
		"ssh without a host key":   {inLab(", checks: [{name: a, kind: ssh, script: s, host: h, user: u}]"), "labs.web.checks[0].host_key", "kind is ssh"},
		"a rate of none":           {minimal + "tend: {rate: 0}\n", "tend.rate", "at least 1"},
		"negative builds":          {minimal + "clouds: [{name: a, max_builds: -1}]\n", "clouds[0].max_builds", "at least 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, faults(t, c.text), c.path, c.words)
		})
	}
}
