package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
)

const key32 = "hunter2-hunter2-hunter2-hunter2-"

// minimal is what every function needs.
const minimal = `public_url: https://hooks.example.org
seal_keys: [{id: "2026-11", secret: ` + key32 + `}]
`

// full is every section, written as the documentation does.
const full = `public_url: https://hooks.example.org/stackhook/
naming_key: naming-` + key32 + `
seal_keys:
  - {id: "2026-11", secret: new-` + key32 + `}
  - {id: "2026-05", secret: old-` + key32 + `}
clouds: [{name: mycloud, capacity: 200}]
lti:
  consumers:
    - key: academy
      secret: lti-` + key32 + `
      labs: [web]
      frame_ancestors: [https://lms.example.org, "https://apps.lms.example.org:8443"]
      outcome_hosts: [lms.example.org]
      instructors: true
      tenant: academy-2025
      signature_methods: [HMAC-SHA256]
  platforms:
    - issuer: https://lms.example.org
      client_id: 3f2c
      deployments: ["1", 2]
      auth_url: https://lms.example.org/api/lti_consumer/v1/launch/
      token_url: https://lms.example.org/api/lti_consumer/v1/token/lti
      jwks_url: https://lms.example.org/api/lti_consumer/v1/public_keysets/lti
      labs: [web]
      frame_ancestors: [https://lms.example.org]
      instructors: true
  registration: [{issuer: https://moodle.example.org, labs: [web]}]
labs:
  web:
    title: Web server basics
    template: labs/web.yaml
    parameters: {flavor: m1.small, count: 2, public: true}
    idle_timeout: 0
    max_age: 14d
    lifetime: 1d12h
    extend: {by: 1h, times: 3}
    access:
      - {kind: url, output: lab_url, title: Open the lab}
      - {kind: console, server: web}
      - {kind: ssh, host: public_ip, key: private_key, user: learner, password: lab_password}
    description: A server
    picture: pictures/web.svg
    expected_time: 4m
    cost: 0.04 EUR an hour
store: rediss://redis.example.org:6379/1
store_password: store-` + key32 + `
replicas: 3
clusters:
  academy: {min: 1, max: 12, cooldown_in: 20m, auth: [{kind: basic, user: alarm, password: pass-` + key32 + `}, {kind: bearer, token: tok-` + key32 + `}]}
sites: {defaults: {image: debian-12}}
api: {tokens: [{name: ci, token: api-` + key32 + `, may: [sites, clusters, metrics]}]}
`

// clustered is a configuration with one cluster and this in its entry.
func clustered(rest string) string {
	return minimal + "clusters: {a: {min: 1, max: 2, " + rest + "}}\n"
}

func source(text string) config.Source {
	return config.Map(map[string]string{config.Variable: text})
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := source(text).Load()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func faults(t *testing.T, text string) config.Faults {
	t.Helper()
	_, err := source(text).Load()
	f, ok := errors.AsType[config.Faults](err)
	if !ok {
		t.Fatalf("Load gave %v, want faults", err)
	}
	return f
}

func TestFull(t *testing.T) {
	t.Parallel()
	c := load(t, full)
	lab, cluster := c.Labs["web"], c.Clusters["academy"]
	for name, ok := range map[string]bool{
		"public_url loses its slash": c.PublicURL == "https://hooks.example.org/stackhook",
		"naming key":                 c.NamingKey.Reveal() == "naming-"+key32,
		"two seal keys":              len(c.SealKeys) == 2 && c.SealKeys[0].ID == "2026-11",
		"cloud":                      c.Clouds[0] == config.Cloud{Name: "mycloud", Capacity: 200},
		"consumer":                   c.LTI.Consumers[0].Instructors && c.LTI.Consumers[0].Labs[0] == "web",
		"numbers and bools as text":  lab.Parameters["count"] == "2" && lab.Parameters["public"] == "true",
		"an explicit zero stays":     lab.IdleTimeout == 0,
		"days":                       lab.MaxAge == 14*24*time.Hour && lab.Lifetime == 36*time.Hour,
		"default build_timeout":      lab.BuildTimeout == 15*time.Minute,
		"three ways in":              len(lab.Access) == 3 && lab.Access[2].User == "learner",
		"default stack":              cluster.Stack == "academy",
		"drain defaults":             cluster.Drain.Min == 30*time.Second && cluster.Drain.Hook.Timeout == 2*time.Second && cluster.Drain.Hook.Deadline == 5*time.Minute,
		"default cooldown_out":       cluster.CooldownOut == 3*time.Minute && cluster.CooldownIn == 20*time.Minute,
		"store":                      c.Store == "rediss://redis.example.org:6379/1" && c.StorePassword.Reveal() == "store-"+key32 && c.Replicas == 3,
		"tenant, HMAC-SHA256":        c.LTI.Consumers[0].Tenant == "academy-2025" && slices.Equal(c.LTI.Consumers[0].SignatureMethods, []string{"HMAC-SHA256"}),
		"platform":                   c.LTI.Platforms[0].Issuer == "https://lms.example.org" && c.LTI.Platforms[0].Instructors,
		"deployments are text":       slices.Equal(c.LTI.Platforms[0].Deployments, []string{"1", "2"}),
		"default algorithm":          slices.Equal(c.LTI.Platforms[0].Algorithms, []string{"RS256"}),
		"registration":               c.LTI.Registration[0].Issuer == "https://moodle.example.org" && !c.LTI.Registration[0].Instructors,
		"password of a way in":       lab.Access[2].Password == "lab_password",
		"what a picker shows":        lab.Description == "A server" && lab.Picture == "pictures/web.svg" && lab.ExpectedTime == 4*time.Minute && lab.Cost == "0.04 EUR an hour",
		"api":                        c.API.Tokens[0].Token.Reveal() == "api-"+key32 && slices.Contains(c.API.Tokens[0].May, "metrics"),
	} {
		if !ok {
			t.Errorf("%s: not so in %+v", name, c)
		}
	}
}

func TestWhatOneFunctionNeedsIsEnough(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing but the base":  minimal,
		"clusters alone":        minimal + "clusters: {academy: {min: 1, max: 3}}\n",
		"empty sections":        minimal + "labs:\nlti:\nclusters:\n",
		"loopback without TLS":  strings.Replace(minimal, "https://hooks.example.org", "http://127.0.0.1:8080", 1),
		"defaults":              minimal,
		"Redis on this machine": minimal + "store: redis://127.0.0.1\n",
		"anchors":               minimal + "clusters: {a: &c {min: 1, max: 3}, b: *c}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load(t, text)
		})
	}
}

func TestDefaultsOfAnEmptyLab(t *testing.T) {
	t.Parallel()
	c := load(t, minimal+"naming_key: "+key32+"\nlabs: {web: {title: W, template: t.yaml}}\n")
	got := c.Labs["web"]
	if got.BuildTimeout != 15*time.Minute || got.IdleTimeout != 30*time.Minute || got.Lifetime != 8*time.Hour || got.MaxAge != 14*24*time.Hour {
		t.Errorf("defaults are %+v", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	lab := "naming_key: " + key32 + "\nlabs: {web: {title: W, template: t.yaml}}\n"
	consumer := func(rest string) string {
		return minimal + lab + "lti: {consumers: [{key: a, secret: " + key32 + ", labs: [web]" + rest + "}]}\n"
	}
	for name, c := range map[string]struct{ text, path, words string }{
		"unset":                {"", "STACKHOOK_CONFIG", "is not set; set it to"},
		"no such file":         {"/no/such/file.yaml", "STACKHOOK_CONFIG", "cannot be read"},
		"not YAML":             {"a: [\n", "STACKHOOK_CONFIG", "is not YAML"},
		"a list":               {"- a\n- b\n", "STACKHOOK_CONFIG", "must hold keys"},
		"two documents":        {minimal + "---\na: b\n", "STACKHOOK_CONFIG", "more than one"},
		"no public_url":        {"seal_keys: [{id: a, secret: " + key32 + "}]\n", "public_url", "is missing"},
		"public_url no URL":    {"public_url: hooks\n", "public_url", "full URL"},
		"public_url plain":     {strings.Replace(minimal, "https", "http", 1), "public_url", "https://"},
		"public_url query":     {strings.Replace(minimal, ".org", ".org/?a=b", 1), "public_url", "without"},
		"unknown key":          {minimal + "clustres: {}\n", "clustres", "not a known key"},
		"unknown key below":    {minimal + lab + "lti: {consumers: [{kye: a}]}\n", "lti.consumers[0].kye", "known here: key, secret"},
		"unknown key of a lab": {minimal + "naming_key: " + key32 + "\nlabs: {web: {titel: W}}\n", "labs.web.titel", "not a known key"},
		"file of no secret":    {minimal + "public_url_file: x\n", "public_url_file", "not a known key"},
		"twice":                {minimal + "public_url: https://b.example.org\n", "public_url", "stands twice"},
		"short secret":         {"public_url: https://a.example\nseal_keys: [{id: a, secret: short}]\n", "seal_keys[0].secret", "at least 32 characters"},
		"three seal keys":      {"public_url: https://a.example\nseal_keys: [{id: a, secret: " + key32 + "},{id: b, secret: " + key32 + "},{id: c, secret: " + key32 + "}]\n", "seal_keys", "at most 2 entries"},
		"same seal key":        {"public_url: https://a.example\nseal_keys: [{id: a, secret: " + key32 + "},{id: a, secret: " + key32 + "}]\n", "seal_keys", "same id twice"},
		"list expected":        {minimal + "clouds: mycloud\n", "clouds", "must be a list"},
		"value expected":       {minimal + "store: [memory]\n", "store", "single value"},
		"keys expected":        {minimal + "lti: yes\n", "lti", "must hold keys"},
		"number expected":      {minimal + "clouds: [{name: a, capacity: many}]\n", "clouds[0].capacity", "whole number"},
		"bool expected":        {consumer(", instructors: 3"), "lti.consumers[0].instructors", "true or false"},
		"duration expected":    {minimal + "clusters: {a: {min: 1, max: 2, cooldown_in: soon}}\n", "clusters.a.cooldown_in", "90s, 30m, 8h or 14d"},
		"negative duration":    {minimal + "clusters: {a: {min: 1, max: 2, cooldown_in: -3m}}\n", "clusters.a.cooldown_in", "at least 0"},
		"store":                {minimal + "store: disk\n", "store", "must be memory or the address of a Redis"},
		"replicas":             {minimal + "replicas: 3\n", "replicas", "must be 1 with store: memory"},
		"max below min":        {minimal + "clusters: {a: {min: 3, max: 2}}\n", "clusters.a.max", "not be less than min"},
		"schedule's length":    {clustered(`schedules: [{name: a, start: "0 8 * * *"}]`), "clusters.a.schedules[0].length", "more than 0"},
		"long schedule":        {clustered(`schedules: [{name: a, start: "0 8 * * *", length: 40d}]`), "clusters.a.schedules[0].length", "at most 31d"},
		"schedule's bounds":    {clustered(`schedules: [{name: a, start: "0 8 * * *", length: 1h, min: 3, max: 2}]`), "clusters.a.schedules[0].max", "not be less than min"},
		"two steps at one":     {clustered("steps_out: [{at: 80, by: 1}, {at: 80, by: 2}]"), "clusters.a.steps_out", "the same at twice"},
		"step of nothing":      {clustered("steps_in: [{at: 80}]"), "clusters.a.steps_in[0].by", "at least 1"},
		"steps an hour":        {clustered("steps_per_hour: 99"), "clusters.a.steps_per_hour", "at most 15"},
		"an unknown may":       {minimal + "api: {tokens: [{name: a, token: " + key32 + ", may: [launches]}]}\n", "api.tokens[0].may[0]", "sites, clusters, labs, metrics"},
		"sticky too long":      {clustered("drain: {timeout: 5m, sticky: 6m}"), "clusters.a.drain.sticky", "not be longer than timeout"},
		"sessions, no drain":   {clustered(`drain: {sessions_url: "http://10.0.0.9:8088/metrics"}`), "clusters.a.drain.sessions_url", "without timeout"},
		"sessions of a host":   {clustered("drain: {timeout: 5m, sessions_url: lb.example.org}"), "clusters.a.drain.sessions_url", "a full URL"},
		"hook, no drain":       {clustered("drain: {hook: {url: https://a.example.org, secret: " + key32 + "}}"), "clusters.a.drain.hook.url", "without timeout"},
		"hook unsigned":        {clustered("drain: {timeout: 5m, hook: {url: https://a.example.org}}"), "clusters.a.drain.hook.secret", ""},
		"hook's short secret":  {clustered("drain: {timeout: 5m, hook: {url: https://a.example.org, secret: hunter2}}"), "clusters.a.drain.hook.secret", "at least 32"},
		"a slow hook":          {clustered("drain: {timeout: 5m, hook: {url: https://a.example.org, secret: " + key32 + ", timeout: 1m}}"), "clusters.a.drain.hook.timeout", "at most 10s"},
		"victims":              {clustered("victims: random"), "clusters.a.victims", "oldest, newest"},
		"certificate":          {clustered("auth: [{kind: mtls, header: X-Subject}]"), "clusters.a.auth[0].subject", "kind is mtls"},
		"certificate's header": {clustered("auth: [{kind: mtls, header: authorization, subject: a}]"), "clusters.a.auth[0].header", "only the proxy sets"},
		"cluster name":         {minimal + "clusters: {1a: {min: 1, max: 2}}\n", "clusters.1a", "begin with a letter"},
		"cluster of our own":   {minimal + "clusters: {metrics: {min: 1, max: 2}}\n", "clusters.metrics", "choose another name"},
		"one stack twice":      {minimal + "clusters: {a: {min: 1, max: 2, stack: s}, b: {min: 1, max: 2, stack: s}}\n", "clusters.b.stack", "also the stack of cluster a"},
		"naming key":           {minimal + "labs: {web: {title: W, template: t.yaml}}\n", "naming_key", "never change it"},
		"lab of a consumer":    {consumer("") + "x: y\n", "x", "not a known key"},
		"missing lab":          {strings.Replace(consumer(""), "labs: [web]", "labs: [web, db]", 1), "lti.consumers[0].labs[1]", `"db"`},
		"consumer key":         {strings.Replace(consumer(""), "key: a", "key: a b", 1), "lti.consumers[0].key", "letters, digits"},
		"ancestor with a path": {consumer(", frame_ancestors: [https://lms.example.org/course]"), "lti.consumers[0].frame_ancestors[0]", "nothing after it"},
		"ancestor with a policy": {
			consumer(`, frame_ancestors: ["https://lms.example.org;script-src"]`), "lti.consumers[0].frame_ancestors[0]", "nothing after it",
		},
		"lab key":           {minimal + "naming_key: " + key32 + "\nlabs: {Web: {title: W, template: t}}\n", "labs.Web", "lower-case"},
		"lifetime":          {strings.Replace(minimal+lab, "t.yaml", "t.yaml, lifetime: 20d", 1), "labs.web.lifetime", "max_age"},
		"extension of none": {strings.Replace(minimal+lab, "t.yaml", "t.yaml, extend: {times: 3}", 1), "labs.web.extend.by", "is missing"},
		"way in": {
			strings.Replace(minimal+lab, "t.yaml", "t.yaml, access: [{kind: ssh, host: ip}]", 1), "labs.web.access[0].user", "needed when kind is ssh",
		},
		"a secret of the example": {
			strings.NewReplacer("hooks.example.org", "hooks.academy.net", key32, "change-me-"+key32).Replace(minimal), "seal_keys[0].secret", "still the example's",
		},
		"store with a password":    {minimal + "store: redis://:" + key32 + "@redis.example.org\n", "store", "store_password"},
		"store with a path":        {minimal + "store: redis://redis.example.org/zero\n", "store", "number of a database"},
		"store with a query":       {minimal + "store: redis://redis.example.org/0?db=1\n", "store", "number of a database"},
		"store on the web":         {minimal + "store: https://redis.example.org/0\n", "store", "address of a Redis"},
		"no store":                 {minimal + "store: \"\"\n", "store", "is missing"},
		"no replica":               {minimal + "replicas: 0\n", "replicas", "at least 1"},
		"tenant too long":          {consumer(", tenant: " + strings.Repeat("x", 129)), "lti.consumers[0].tenant", "at most 128"},
		"signature method":         {consumer(", signature_methods: [PLAINTEXT]"), "lti.consumers[0].signature_methods[0]", "one of: HMAC-SHA1, HMAC-SHA256"},
		"no signature method":      {consumer(", signature_methods: []"), "lti.consumers[0].signature_methods", "at least 1"},
		"a signature method twice": {consumer(", signature_methods: [HMAC-SHA1, HMAC-SHA1]"), "lti.consumers[0].signature_methods", "same entry twice"},
		"A17 key":                  {strings.Replace(consumer(""), "key: a", "key: a%b", 1), "lti.consumers[0].key", "letters, digits"},
		"A17 short secret":         {strings.Replace(consumer(""), "{key: a, secret: "+key32, "{key: a, secret: short", 1), "lti.consumers[0].secret", "at least 32"},
		"A17 secret with a colon":  {strings.Replace(consumer(""), "{key: a, secret: hunter2", "{key: a, secret: hunter2:", 1), "lti.consumers[0].secret", "must not contain :"},
		"A17 a key twice":          {strings.Replace(consumer(""), "labs: [web]}", "labs: [web]}, {key: a, secret: "+key32+", labs: [web]}", 1), "lti.consumers", "same key twice"},
		"expected time":            {strings.Replace(minimal+lab, "t.yaml", "t.yaml, expected_time: -1m", 1), "labs.web.expected_time", "at least 0"},
		"cost":                     {strings.Replace(minimal+lab, "t.yaml", "t.yaml, cost: "+strings.Repeat("x", 101), 1), "labs.web.cost", "at most 100"},
		"description":              {strings.Replace(minimal+lab, "t.yaml", "t.yaml, description: "+strings.Repeat("x", 2001), 1), "labs.web.description", "at most 2000"},
		"no templates":             {minimal + "templates_dir: /no/such/dir\n", "templates_dir", "directory that exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, faults(t, c.text), c.path, c.words)
		})
	}
}

func wantFault(t *testing.T, got config.Faults, path, words string) {
	t.Helper()
	if !slices.ContainsFunc(got, func(f config.Fault) bool { return f.Path == path && strings.Contains(f.Message, words) }) {
		t.Errorf("no fault of %s with %q in:\n%v", path, words, got)
	}
	for _, f := range got {
		if !strings.HasSuffix(f.Message, ".") {
			t.Errorf("%q is no sentence", f)
		}
	}
}

func TestAllFaultsAtOnceWithLines(t *testing.T) {
	t.Parallel()
	got := faults(t, `public_url: https://hooks.example.org
seal_keys:
  - id: a
    secret: short
clusters:
  academy:
    min: 4
    max: 2
    colour: red
`)
	want := config.Faults{
		{Path: "clusters.academy.colour", Line: 9},
		{Path: "seal_keys[0].secret", Line: 4},
		{Path: "clusters.academy.max", Line: 8},
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d:\n%v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].Path != want[i].Path || got[i].Line != want[i].Line {
			t.Errorf("fault %d is %v, want %s on line %d", i, got[i], want[i].Path, want[i].Line)
		}
	}
	if text := error(got).Error(); !strings.Contains(text, "line 9: clusters.academy.colour is not a known key") || strings.Contains(text, "short") {
		t.Errorf("as an error: %s", text)
	}
}

func TestAFieldIsBlamedOnce(t *testing.T) {
	t.Parallel()
	got := faults(t, "public_url: [a]\nseal_keys: nope\n")
	if len(got) != 2 {
		t.Errorf("want one fault per field, got %v", got)
	}
}

func TestFilesOfSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"seal": key32 + "\n", "lti.txt": "  " + key32 + "\r\n",
		"config.yaml": "public_url: https://a.example\nseal_keys: [{id: a, secret_file: seal}]\nnaming_key_file: " + filepath.Join(dir, "lti.txt") + "\n",
		"both.yaml":   "public_url: https://a.example\nseal_keys: [{id: a, secret_file: seal, secret: " + key32 + "}]\n",
		"lost.yaml":   "public_url: https://a.example\nseal_keys: [{id: a, secret_file: nowhere}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, filepath.Join(dir, "config.yaml"))
	if got := c.SealKeys[0].Secret.Reveal(); got != key32 {
		t.Errorf("secret_file beside the configuration gave %q", got)
	}
	if got := c.NamingKey.Reveal(); got != "  "+key32 {
		t.Errorf("naming_key_file gave %q; only the line's end may go", got)
	}
	both := faults(t, filepath.Join(dir, "both.yaml"))
	if len(both) != 1 || both[0].Path != "seal_keys[0].secret" || !strings.Contains(both[0].Message, "secret_file") {
		t.Errorf("secret and secret_file together: %v", both)
	}
	lost := faults(t, filepath.Join(dir, "lost.yaml"))
	if len(lost) != 1 || lost[0].Line != 2 || !strings.Contains(lost[0].Message, "cannot be read from its file") {
		t.Errorf("a file that is not there: %v", lost)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	load(t, full).Describe(&out)
	text := out.String()
	if strings.Contains(text, key32) {
		t.Errorf("a secret is printed:\n%s", text)
	}
	for _, want := range []string{
		"public_url: \"https://hooks.example.org/stackhook\"\n",
		"naming_key: (set)\n",
		"seal_keys:\n  - id: \"2026-11\"\n    secret: (set)\n  - id: \"2026-05\"\n",
		"      instructors: true\n",
		"    build_timeout: 15m\n    idle_timeout: 0s\n    lifetime: 1d12h\n    max_age: 14d\n",
		"templates_dir: \"\"\n",
		"    auth:\n      - kind: \"basic\"\n        user: \"alarm\"\n        password: (set)\n        token: (unset)\n",
		"      may:\n        - \"sites\"\n        - \"clusters\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in:\n%s", want, text)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "30m": 30 * time.Minute, "8h": 8 * time.Hour, "14d": 336 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "1h30m": 90 * time.Minute, "0d": 0, "10m10s": 610 * time.Second, "20h": 20 * time.Hour,
	} {
		got, err := config.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
		if again, err := config.ParseDuration(config.FormatDuration(want)); err != nil || again != want {
			t.Errorf("%v is written %q, which reads %v, %v", want, config.FormatDuration(want), again, err)
		}
	}
	for _, text := range []string{"", "d", "14", "1d-1h", "-1d", "1.5d", "14 d", "999999d", "1h1d", "forever"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{minimal, full, minimal + platform("") + "replicas: 2\n", "a: &a [*a]\n", "labs: {web: }\n", "? [a]\n: b\n", "&a {<<: *a}\n", "clusters:\n  !!binary x: y\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := source(text + "\n").Load()
		if (c == nil) == (err == nil) {
			t.Errorf("Load gave %v and %v", c, err)
		}
		if _, ok := errors.AsType[config.Faults](err); err != nil && !ok {
			t.Errorf("the error is a %T", err)
		}
	})
}
